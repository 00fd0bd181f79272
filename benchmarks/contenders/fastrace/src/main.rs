//! fastrace, which collects spans for a reporter; a piece of the work is a trace.
#![forbid(unsafe_code)]

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};

/// Takes what is collected and keeps nothing.
struct Sink;

impl Reporter for Sink {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        drop(std::hint::black_box(spans));
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
