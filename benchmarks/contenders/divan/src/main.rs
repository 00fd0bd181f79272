//! divan's allocator, which counts for each thread.
#![forbid(unsafe_code)]

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

macro_rules! phase {
    ($function:item) => {
        $function
    };
}

workloads::phases!(phase, phase);

/// Counts allocations; its timing is for benchmarks of functions.
struct Divan;

impl workloads::Contender for Divan {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Divan>()
}
