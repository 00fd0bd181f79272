//! hotpath, which measures time and allocations of functions.
#![forbid(unsafe_code)]

use hotpath::{CountingAllocator, Format, HotpathGuardBuilder, parse_bytes};
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
        let path = std::env::temp_dir().join(format!("hotpath-{}.json", std::process::id()));
        let builder = HotpathGuardBuilder::new("main").format(Format::Json).output_path(&path);
        let guard = builder.limit(0).build();
        work();
        drop(guard);
        let report = std::fs::read_to_string(&path).expect("there is a report");
        std::fs::remove_file(&path).expect("it is there");
        let (_, memory) = report.split_once("\"functions_alloc\"").expect("memory was measured");
        Seen {
            calls: value(memory, "leaf", "calls").and_then(|it| it.parse().ok()),
            blocks: None,
            bytes: value(memory, "within", "total").and_then(parse_bytes),
        }
    }
}

/// What a report says of a function, found without its types: reading these would make the program
/// half as large again.
fn value<'report>(report: &'report str, function: &str, key: &str) -> Option<&'report str> {
    let (_, entry) = report.split_once(&format!("::{function}\""))?;
    let (_, value) = entry.split_once(&format!("\"{key}\":"))?;
    value.split([',', '}']).next().map(|it| it.trim().trim_matches('"'))
}

fn main() -> std::process::ExitCode {
    workloads::main::<Memory>()
}
