//! dhat's heap profiler, which keeps a backtrace for each block.
#![forbid(unsafe_code)]

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
        // Testing is the mode that leaves no file behind; the profiling is the same.
        let profiler = dhat::Profiler::builder().testing().build();
        let result = work();
        drop(profiler);
        result
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Dhat>()
}
