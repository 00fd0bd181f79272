//! What all that make spans of tracing have in common: how a function is annotated, and how a span
//! goes along with work that is handed over.

/// A function as a span.
macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

/// How a [`workloads::Contender`] hands work over: in the span that is the current one.
macro_rules! hand_over_spans {
    () => {
        fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
        where
            F: Fn(u64) -> u64 + Send + 'static,
        {
            let span = tracing::Span::current();
            move |x| span.in_scope(|| work(x))
        }

        fn handed_future<F>(future: F) -> impl Future<Output = u64> + Send + 'static
        where
            F: Future<Output = u64> + Send + 'static,
        {
            tracing::Instrument::in_current_span(future)
        }
    };
}
