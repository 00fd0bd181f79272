//! hotpath, which measures the time of functions.
#![forbid(unsafe_code)]

use hotpath::{Format, HotpathGuardBuilder};

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
}

fn main() -> std::process::ExitCode {
    workloads::main::<Time>()
}
