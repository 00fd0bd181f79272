//! Measures nothing: what the others are compared with.
#![forbid(unsafe_code)]

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
}

fn main() -> std::process::ExitCode {
    workloads::main::<Bare>()
}
