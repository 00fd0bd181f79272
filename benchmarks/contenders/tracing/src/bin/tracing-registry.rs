//! tracing's spans, kept in a registry that nobody reads.
#![forbid(unsafe_code)]

use tracing::{Instrument as _, Span};
use tracing_subscriber::Registry;
use workloads::{KNOWN, Phases as _, Seen};

macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

workloads::phases!(phase, phase);

/// Makes spans.
struct InRegistry;

impl workloads::Contender for InRegistry {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        // It fails where there is a subscriber already, and there is none.
        let _ = tracing::subscriber::set_global_default(Registry::default());
        work()
    }

    // A registry tells nothing of spans that are over. While one is open, it knows which.
    fn seen(_: impl FnOnce()) -> Seen {
        Self::measuring(|| {
            let mut calls = 0;
            for _ in 0..KNOWN.calls.unwrap_or(0) {
                Annotated::within(&mut || {
                    let here = Span::current().metadata().map(tracing::Metadata::name);
                    calls += u64::from(here == Some("within"));
                });
            }
            Seen { calls: Some(calls), ..Seen::default() }
        })
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
    workloads::main::<InRegistry>()
}
