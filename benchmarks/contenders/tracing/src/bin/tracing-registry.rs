//! tracing's spans, kept in a registry that nobody reads.
#![forbid(unsafe_code)]

#[macro_use]
#[path = "../spans.rs"]
mod spans;

use tracing::Span;
use tracing_subscriber::Registry;
use workloads::{KNOWN, Phases as _, Seen};

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

    hand_over_spans!();
}

fn main() -> std::process::ExitCode {
    workloads::main::<InRegistry>()
}
