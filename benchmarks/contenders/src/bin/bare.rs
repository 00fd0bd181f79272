//! Measures nothing: the base of comparison.
#![forbid(unsafe_code)]

use workloads::{Seen, unannotated};

workloads::phases!(unannotated, unannotated);

/// No measuring.
struct Bare;

impl workloads::Contender for Bare {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        work();
        Seen::default()
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Bare>()
}
