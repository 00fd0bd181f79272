//! allocation-counter, whose crate installs its own allocator, and counts inside of `measure`.
#![forbid(unsafe_code)]

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

    #[inline]
    fn unit(work: impl FnOnce()) {
        std::hint::black_box(allocation_counter::measure(work));
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Counter>()
}
