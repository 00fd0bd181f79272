//! hotpath, which measures the time of functions, and with the feature `hotpath-memory` their
//! allocations too.
#![forbid(unsafe_code)]

use hotpath::{Format, HotpathGuardBuilder};
use workloads::Seen;

#[cfg(feature = "hotpath-memory")]
#[global_allocator]
static ALLOCATOR: hotpath::CountingAllocator = hotpath::CountingAllocator::new();

macro_rules! phase {
    ($function:item) => {
        #[hotpath::measure]
        $function
    };
}

workloads::phases!(phase, phase);

/// Measures functions.
struct Hotpath;

impl workloads::Contender for Hotpath {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let _guard = HotpathGuardBuilder::new("main").format(Format::None).build();
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let report = report(work);
        let memory = report.split_once("\"functions_alloc\"").map(|(_, memory)| memory);
        let calls = value(memory.unwrap_or(&report), "leaf", "calls");
        let bytes = memory.and_then(|memory| value(memory, "within", "total"));
        Seen {
            calls: calls.and_then(|calls| calls.parse().ok()),
            blocks: None,
            bytes: bytes.and_then(hotpath::parse_bytes),
        }
    }
}

/// hotpath's report about `work`, as JSON. Only its file has all functions.
fn report(work: impl FnOnce()) -> String {
    let path = std::env::temp_dir().join(format!("hotpath-{}.json", std::process::id()));
    let builder = HotpathGuardBuilder::new("main").format(Format::Json).output_path(&path);
    let guard = builder.limit(0).build();
    work();
    drop(guard);
    let report = std::fs::read_to_string(&path).expect("hotpath writes its report");
    std::fs::remove_file(&path).expect("the report exists");
    report
}

/// The value of a key of a function in the report.
fn value<'report>(report: &'report str, function: &str, key: &str) -> Option<&'report str> {
    let (_, entry) = report.split_once(&format!("::{function}\""))?;
    let (_, value) = entry.split_once(&format!("\"{key}\":"))?;
    value.split([',', '}']).next().map(|value| value.trim().trim_matches('"'))
}

fn main() -> std::process::ExitCode {
    workloads::main::<Hotpath>()
}
