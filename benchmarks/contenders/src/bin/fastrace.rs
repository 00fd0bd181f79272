//! fastrace, which collects spans for a reporter. A unit of the work is a trace.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use workloads::Seen;

/// Drops what is collected.
struct Sink;

impl Reporter for Sink {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        drop(std::hint::black_box(spans));
    }
}

/// Counts the spans of `leaf`.
struct Counter;

static CALLS: AtomicU64 = AtomicU64::new(0);

impl Reporter for Counter {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let leaves = spans.iter().filter(|span| span.name.rsplit("::").next() == Some("leaf"));
        CALLS.fetch_add(leaves.count() as u64, Relaxed);
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
        fastrace::set_reporter(Counter, Config::default());
        work();
        fastrace::flush();
        Seen { calls: Some(CALLS.load(Relaxed)), ..Seen::default() }
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
