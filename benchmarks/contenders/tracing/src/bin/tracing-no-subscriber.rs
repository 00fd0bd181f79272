//! tracing's spans where nobody listens.
#![forbid(unsafe_code)]

use workloads::Seen;

macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

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
}

fn main() -> std::process::ExitCode {
    workloads::main::<NoSubscriber>()
}
