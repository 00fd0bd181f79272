//! tracing's spans where nobody listens.
#![forbid(unsafe_code)]

#[macro_use]
#[path = "../spans.rs"]
mod spans;

use workloads::Seen;

workloads::phases!(phase, phase);

/// Makes spans.
struct NoSubscriber;

impl workloads::Contender for NoSubscriber {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        work();
        Seen::default()
    }

    hand_over_spans!();
}

fn main() -> std::process::ExitCode {
    workloads::main::<NoSubscriber>()
}
