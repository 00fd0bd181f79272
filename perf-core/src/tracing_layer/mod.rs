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

/// A layer that makes phases of the spans of [`tracing`]: a tool that is instrumented already needs
/// no annotation.
///
/// The phases have the spans' names and are nested as the spans are. What is written in a span's
/// fields, and events, are no part of a record. A name that cannot be a phase's is made fit, as by
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
/// A span is one call of its phase. It begins when the span is first entered and is counted when
/// the span is closed; between the two the phase is on a thread's stack whenever the span is
/// entered there. A span that is never entered is no call, and one that is closed after the build's
/// end is an open call: so is one whose children are not closed, as they keep it open.
///
/// - A span that is entered once is an ordinary call: it took the time from its entry to its exit.
/// - A span that is left and entered again is a call of an async phase, as an instrumented future
///   is: it took the time from its first entry to its last exit, which is its latency. Its polls
///   are its entries but the last, in which `Instrument` drops the future.
/// - An entry that is made while the span is entered already, on this thread or on another, is work
///   that is handed over: it adds time and memory to the phase, and neither a call nor a poll.
///
/// Spans do not tell that a future was dropped before its completion: `cancelled` stays 0, and a
/// future that is dropped without a poll is a call. A call has panicked where unwinding made the
/// span's exit.
///
/// # Place
///
/// A span's phase is below its parent's: that is the phase which is current where the span is made,
/// be it of a span or an annotated one, or that of the span which is named as its `parent:`.
/// Where the span is entered idle of its parent's phase, in a task or on a thread of its own, its
/// work is handed over to the parent's phase, as by a [`PhaseHandle`](crate::PhaseHandle): what the
/// thread was in the midst of is set aside until the span is exited. A span that was made when no
/// build was open is below the phase of its parent if that was entered in this build, or else below
/// the phase that is current when it is entered first.
///
/// In a build a span stays where it is first. Entered in several builds, it is a call in each.
/// Spans may be exited in any order: those that are still entered go on.
///
/// A span that a filter disables for this layer is no phase; its children are those of the next
/// span above that is enabled.
///
/// # Memory and time
///
/// What the layer itself allocates is counted nowhere; what the subscriber allocates for spans, in
/// its registry and in other layers, is the tool's own, and so part of the phases.
///
/// On top of what the registry needs for it, a span costs several times as much as an annotated
/// phase: annotate what is called a million times, and let a filter disable its span. Outside of
/// builds, the layer costs next to nothing.
///
/// With the feature `track` off, the layer is there and does nothing.
///
/// [`tracing`]: https://docs.rs/tracing
#[derive(Debug, Default)]
pub struct PhaseLayer {
    /// Tells the registries of a process apart. 0 until the layer is part of a subscriber.
    #[cfg(feature = "track")]
    registry: std::sync::atomic::AtomicU64,
}

impl PhaseLayer {
    /// The layer.
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
