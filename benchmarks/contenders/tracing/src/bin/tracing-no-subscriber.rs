//! tracing's spans where nobody listens.
#![forbid(unsafe_code)]

use tracing::{Instrument as _, Span};
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

    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        let span = Span::current();
        move |x| span.in_scope(|| work(x))
    }

    fn handed_future<F>(future: F) -> impl Future<Output = u64> + Send + 'static
    where
        F: Future<Output = u64> + Send + 'static,
    {
        future.in_current_span()
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<NoSubscriber>()
}
