//! tracing's spans, timed by tracing-timing: a histogram for each, of the time to its close.
#![forbid(unsafe_code)]

#[expect(unused_macros, reason = "it measures no stretches of work handed over")]
#[macro_use]
#[path = "../spans.rs"]
mod spans;

use tracing::Dispatch;
use tracing_timing::{Builder, Histogram, TimingSubscriber};
use workloads::Seen;

workloads::phases!(phase, phase);

/// Makes spans.
struct Timed;

impl workloads::Contender for Timed {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        // It fails where there is a subscriber already, and there is none.
        let _ = tracing::subscriber::set_global_default(subscriber());
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let subscriber = subscriber();
        let downcaster = subscriber.downcaster();
        let subscriber = Dispatch::new(subscriber);
        tracing::dispatcher::with_default(&subscriber, work);
        let timing = downcaster.downcast(&subscriber).expect("it is what it was");
        timing.force_synchronize();
        let calls = timing.with_histograms(|histograms| {
            Some(histograms.get("leaf")?.values().map(|it| it.len()).sum())
        });
        Seen { calls, ..Seen::default() }
    }
}

fn subscriber() -> TimingSubscriber {
    Builder::default().no_span_recursion().span_close_events().build(|| {
        // Up to ten seconds, to two digits.
        Histogram::new_with_max(10_000_000_000, 2).expect("the bounds are in order")
    })
}

fn main() -> std::process::ExitCode {
    workloads::main::<Timed>()
}
