//! fastrace, which collects spans for a reporter; a piece of the work is a trace.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::future::FutureExt as _;
use fastrace::local::LocalSpan;
use workloads::Seen;

/// Takes what is collected and keeps nothing.
struct Sink;

impl Reporter for Sink {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        drop(std::hint::black_box(spans));
    }
}

/// Counts what is collected of `leaf`, and keeps nothing.
struct Counted;

static CALLS: AtomicU64 = AtomicU64::new(0);

impl Reporter for Counted {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let of_leaf = spans.iter().filter(|it| it.name.rsplit("::").next() == Some("leaf"));
        CALLS.fetch_add(of_leaf.count() as u64, Relaxed);
    }
}

macro_rules! phase {
    ($function:item) => {
        #[fastrace::trace]
        $function
    };
}

workloads::phases!(phase, phase);

/// Collects spans.
struct Fastrace;

impl workloads::Contender for Fastrace {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        fastrace::set_reporter(Sink, Config::default());
        let result = work();
        fastrace::flush();
        result
    }

    fn seen(work: impl FnOnce()) -> Seen {
        fastrace::set_reporter(Counted, Config::default());
        work();
        fastrace::flush();
        Seen { calls: Some(CALLS.load(Relaxed)), ..Seen::default() }
    }

    // As it is meant to be used, with a span for each stretch, so that its time is known.
    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        let span = Span::enter_with_local_parent("handed");
        move |x| {
            let _parent = span.set_local_parent();
            let _stretch = LocalSpan::enter_with_local_parent("stretch");
            work(x)
        }
    }

    fn handed_future<F>(future: F) -> impl Future<Output = u64> + Send + 'static
    where
        F: Future<Output = u64> + Send + 'static,
    {
        future.enter_on_poll("stretch").in_span(Span::enter_with_local_parent("handed"))
    }

    #[inline]
    fn unit(work: impl FnOnce()) {
        let root = Span::root("unit", SpanContext::random());
        let _parent = root.set_local_parent();
        work();
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Fastrace>()
}
