//! tracing's spans, timed by tracing-timing: a histogram for each, of the time to its close.
#![forbid(unsafe_code)]

use tracing_timing::{Builder, Histogram};

macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

workloads::phases!(phase, phase);

/// Makes spans.
struct Timed;

impl workloads::Contender for Timed {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let subscriber = Builder::default().no_span_recursion().span_close_events().build(|| {
            // Up to ten seconds, to two digits.
            Histogram::new_with_max(10_000_000_000, 2).expect("the bounds are in order")
        });
        // It fails where there is a subscriber already, and there is none.
        let _ = tracing::subscriber::set_global_default(subscriber);
        work()
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Timed>()
}
