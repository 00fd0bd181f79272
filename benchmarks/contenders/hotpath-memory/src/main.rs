//! hotpath, which measures time and allocations of functions.
#![forbid(unsafe_code)]

use hotpath::{CountingAllocator, Format, HotpathGuardBuilder};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

macro_rules! phase {
    ($function:item) => {
        #[hotpath::measure]
        $function
    };
}

workloads::phases!(phase, phase);

/// Measures functions.
struct Memory;

impl workloads::Contender for Memory {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let guard = HotpathGuardBuilder::new("main").format(Format::None).build();
        let result = work();
        drop(guard);
        result
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Memory>()
}
