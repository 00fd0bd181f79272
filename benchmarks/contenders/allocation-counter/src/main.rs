//! allocation-counter, whose crate installs its own allocator, and counts inside of `measure`.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use workloads::Seen;

/// What all units allocated.
static BLOCKS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

macro_rules! phase {
    ($function:item) => {
        $function
    };
}

workloads::phases!(phase, phase);

/// Counts allocations.
struct Counter;

impl workloads::Contender for Counter {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        work();
        Seen { calls: None, blocks: Some(BLOCKS.load(Relaxed)), bytes: Some(BYTES.load(Relaxed)) }
    }

    #[inline]
    fn unit(work: impl FnOnce()) {
        let info = allocation_counter::measure(work);
        BLOCKS.fetch_add(info.count_total, Relaxed);
        BYTES.fetch_add(info.bytes_total, Relaxed);
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Counter>()
}
