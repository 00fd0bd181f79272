//! dhat's heap profiler, which keeps a backtrace for each block.
#![forbid(unsafe_code)]

use dhat::{HeapStats, Profiler};
use workloads::{Seen, unannotated};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

workloads::phases!(unannotated, unannotated);

/// Profiles the heap.
struct Dhat;

impl workloads::Contender for Dhat {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let _profiler = profiler();
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let _profiler = profiler();
        work();
        let stats = HeapStats::get();
        Seen { calls: None, blocks: Some(stats.total_blocks), bytes: Some(stats.total_bytes) }
    }
}

/// The testing mode leaves no file behind. The profiling is the same.
fn profiler() -> Profiler {
    Profiler::builder().testing().build()
}

fn main() -> std::process::ExitCode {
    workloads::main::<Dhat>()
}
