//! hotpath, which measures time and allocations of functions.
#![forbid(unsafe_code)]

#[path = "../../hotpath-time/src/report.rs"]
mod report;

use hotpath::{CountingAllocator, Format, HotpathGuardBuilder, parse_bytes};
use report::{report, value};
use workloads::Seen;

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

    fn seen(work: impl FnOnce()) -> Seen {
        let report = report(work);
        let (_, memory) = report.split_once("\"functions_alloc\"").expect("memory was measured");
        Seen {
            calls: value(memory, "leaf", "calls").and_then(|it| it.parse().ok()),
            blocks: None,
            bytes: value(memory, "within", "total").and_then(parse_bytes),
        }
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Memory>()
}
