//! Measures nothing: what the others are compared with.
#![forbid(unsafe_code)]

use workloads::Seen;

macro_rules! phase {
    ($function:item) => {
        $function
    };
}

workloads::phases!(phase, phase);

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
