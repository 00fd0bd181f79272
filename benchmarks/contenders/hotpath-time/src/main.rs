//! hotpath, which measures the time of functions.
#![forbid(unsafe_code)]

mod report;

use hotpath::{Format, HotpathGuardBuilder};
use report::{report, value};
use workloads::Seen;

macro_rules! phase {
    ($function:item) => {
        #[hotpath::measure]
        $function
    };
}

workloads::phases!(phase, phase);

/// Measures functions.
struct Time;

impl workloads::Contender for Time {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let guard = HotpathGuardBuilder::new("main").format(Format::None).build();
        let result = work();
        drop(guard);
        result
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let report = report(work);
        let calls = value(&report, "leaf", "calls").and_then(|it| it.parse().ok());
        Seen { calls, ..Seen::default() }
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Time>()
}
