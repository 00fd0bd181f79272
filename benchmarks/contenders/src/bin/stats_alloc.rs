//! `stats_alloc`'s allocator, which counts in atomics that all threads share.
#![forbid(unsafe_code)]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use workloads::{Seen, unannotated};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

workloads::phases!(unannotated, unannotated);

/// Counts allocations.
struct Counting;

impl workloads::Contender for Counting {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let region = Region::new(ALLOCATOR);
        work();
        let change = region.change();
        Seen {
            calls: None,
            blocks: u64::try_from(change.allocations).ok(),
            bytes: u64::try_from(change.bytes_allocated).ok(),
        }
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Counting>()
}
