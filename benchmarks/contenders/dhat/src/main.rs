//! dhat's heap profiler, which keeps a backtrace for each block.
#![forbid(unsafe_code)]

use dhat::{HeapStats, Profiler};
use workloads::Seen;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

macro_rules! phase {
    ($function:item) => {
        $function
    };
}

workloads::phases!(phase, phase);

/// Profiles the heap.
struct Dhat;

impl workloads::Contender for Dhat {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let profiler = profiler();
        let result = work();
        drop(profiler);
        result
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let _profiler = profiler();
        work();
        let stats = HeapStats::get();
        Seen { calls: None, blocks: Some(stats.total_blocks), bytes: Some(stats.total_bytes) }
    }
}

/// Testing is the mode that leaves no file behind; the profiling is the same.
fn profiler() -> Profiler {
    Profiler::builder().testing().build()
}

fn main() -> std::process::ExitCode {
    workloads::main::<Dhat>()
}
