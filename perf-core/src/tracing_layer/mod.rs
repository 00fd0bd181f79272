//! Spans of `tracing` as phases, for tools that are instrumented already.

#[cfg(feature = "track")]
mod names;
#[cfg(feature = "track")]
mod ordinary;
#[cfg(feature = "track")]
mod span_phase;
#[cfg(feature = "track")]
mod spans;

#[cfg(feature = "track")]
pub(crate) use ordinary::SpanTable;

/// A layer that turns the spans of [`tracing`] into phases. A tool that is instrumented already needs
/// no annotations.
///
/// The phases have the names of the spans and are nested in the same way. Events and the fields of
/// spans are not recorded. Names that are not valid for a phase are changed, as by
/// [`enter`](crate::enter).
///
/// ```
/// # extern crate perf_core as perf_runtime;
/// use perf_runtime::PhaseLayer;
/// use tracing::info_span;
/// use tracing_subscriber::layer::SubscriberExt as _;
/// use tracing_subscriber::util::SubscriberInitExt as _;
///
/// fn render(page: &str) -> String {
///     let _span = info_span!("markdown", page).entered();
///     ["<p>", page, "</p>"].concat()
/// }
///
/// tracing_subscriber::registry().with(PhaseLayer::new()).init();
///
/// // In a build, this is the phase `render`, and two calls of `render/markdown`.
/// let html = info_span!("render").in_scope(|| [render("one"), render("two")]);
/// assert_eq!(html.concat(), "<p>one</p><p>two</p>");
/// ```
///
/// # Calls
///
/// A span is one call of its phase. The call begins when the span is first entered and is counted when
/// the span is closed. The phase is on the stack of a thread while the span is entered there. A span
/// that is never entered is not a call. A span that is closed after the end of the build is an open
/// call. A child that is not closed keeps its parent open.
///
/// - A span that is entered once is an ordinary call. Its time is that from the entry to the exit.
/// - A span that is exited and entered again is a call of an async phase, like an instrumented future.
///   Its time is its latency, from the first entry to the last exit. Each entry except the last is a
///   poll: in the last one, `Instrument` drops the future.
/// - An entry while the span is already entered, on this thread or another, is handed-off work. It
///   adds time and memory to the phase, but neither a call nor a poll.
///
/// Spans do not report that a future was dropped before its completion. So `cancelled` is always 0,
/// and a future that is dropped without a poll is a call. A call panicked if unwinding exited its span.
///
/// # Place
///
/// The phase of a span is below the phase of the span's parent. This is the phase that is current where
/// the span is created, of a span or annotated, or the phase of the span that is given as `parent:`. If
/// the span is entered elsewhere, such as in a task or on another thread, its work is handed off to the
/// parent's phase, as by a [`PhaseHandle`](crate::PhaseHandle), and the phases that were on the stack
/// of the thread are suspended until the exit.
///
/// A span that was created while no build was open is below the phase of its parent if that was entered
/// in this build. Otherwise it is below the phase that is current at its first entry.
///
/// The place of a span does not change during a build. A span that is entered in several builds is a
/// call in each. Spans may be exited in any order: those that are still entered continue.
///
/// A span that a filter disables for this layer is not a phase. Its children are below the next enabled
/// span above.
///
/// # Memory and time
///
/// Memory of the layer itself is not counted. Memory that the subscriber allocates for spans, in its
/// registry and in other layers, is part of the phases, because the tool allocates it too.
///
/// If one thread creates, enters, exits and closes a span, and enters it once, the layer adds about as
/// much time as the registry itself takes: twice that of an annotated phase. Other spans take several
/// times as long: those of futures that are polled more than once, those that are entered on other
/// threads, and those that are given as `parent:`. Annotate what is called a million times, and let a
/// filter disable its span. Outside of builds, the layer takes almost no time.
///
/// With the feature `track` off, the layer does nothing.
///
/// [`tracing`]: https://docs.rs/tracing
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PhaseLayer {
    /// Distinguishes the registries of the process. 0 until the layer is part of a subscriber.
    #[cfg(feature = "track")]
    registry: std::sync::atomic::AtomicU64,
}

impl PhaseLayer {
    /// Creates the layer.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            #[cfg(feature = "track")]
            registry: std::sync::atomic::AtomicU64::new(0),
        }
    }
}

#[cfg(not(feature = "track"))]
impl<S> tracing_subscriber::Layer<S> for PhaseLayer where
    S: tracing_core::Subscriber + for<'lookup> tracing_subscriber::registry::LookupSpan<'lookup>
{
}
