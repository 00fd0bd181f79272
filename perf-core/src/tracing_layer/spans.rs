//! What the layer does when spans are made, entered, exited and closed.
//!
//! # Implementation
//!
//! A span's [`SpanPhase`] is kept among its extensions, behind the lock that the registry has for
//! them. While it is held nothing runs but what is here and the floors below. All that is allocated
//! for it is counted nowhere, so it is removed again when the span is closed: the registry itself
//! would free it as if it were the tool's.
//!
//! NOTE: the table that the registry keeps a span's extensions in is made when the first of them is
//! stored, and kept for later spans. Where that is ours, the table is counted nowhere, but its end
//! is, when the registry is dropped.

use std::cell::Cell;

use tracing_core::{Subscriber, span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::measure::ticks;
use crate::measure::uncounted::Uncounted;
use crate::phase::global::OPEN_BUILDS;
use crate::phase::path::PathId;
use crate::phase::thread::Thread;
use crate::phase::threads;

use super::PhaseLayer;
use super::names::name_of;
use super::span_phase::{Exit, Place, SpanPhase, below};

thread_local! {
    /// Whether exits out of order took spans off this thread's stack that are entered still: those
    /// are put back when they are current.
    static SOME_OFF: Cell<bool> = const { Cell::new(false) };
}

impl<S> Layer<S> for PhaseLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        if !OPEN_BUILDS.epoch().any_open() {
            return;
        }
        let (Some(thread), Some(span)) = (threads::current(), context.span(id)) else { return };
        let parent = if attributes.is_contextual() {
            thread.current_chain()
        } else {
            match span.parent() {
                Some(parent) => place_of(&parent),
                None => thread.build().map(|it| (it, PathId::ROOT)),
            }
        };
        let phase = SpanPhase::new(name_of(span.metadata()), parent);
        let _uncounted = Uncounted::begin();
        span.extensions_mut().replace(phase);
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        if !OPEN_BUILDS.epoch().any_open() {
            return;
        }
        let (Some(thread), Some(span)) = (threads::current(), context.span(id)) else { return };
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<SpanPhase>() {
            Some(phase) if phase.has_parent_in_open_build(thread) => phase.enter(thread),
            _ => {
                drop(extensions);
                enter_older_than_build(&span, thread);
            }
        }
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        if !OPEN_BUILDS.epoch().any_open() {
            return;
        }
        let now = ticks::now();
        let (Some(thread), Some(span)) = (threads::current(), context.span(id)) else { return };
        let exit = span
            .extensions_mut()
            .get_mut::<SpanPhase>()
            .map_or(Exit::None, |phase| phase.exit(thread, now));
        if exit == Exit::WithOthers {
            SOME_OFF.set(true);
        }
        if SOME_OFF.get() {
            resume_current(&context, thread);
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        if OPEN_BUILDS.epoch().to_raw() == 0 {
            // No build was ever open.
            return;
        }
        let Some(span) = context.span(&id) else { return };
        let _uncounted = Uncounted::begin();
        let phase = span.extensions_mut().remove::<SpanPhase>();
        if let (Some(phase), Some(thread)) = (phase, threads::current()) {
            phase.close(thread);
        }
    }
}

/// Enters a span that was made when no build was open, or in one that is over.
#[cold]
fn enter_older_than_build<S>(span: &SpanRef<'_, S>, thread: &'static Thread)
where
    S: for<'lookup> LookupSpan<'lookup>,
{
    let parent = span.parent().and_then(|it| place_of(&it));
    let mut extensions = span.extensions_mut();
    if extensions.get_mut::<SpanPhase>().is_none() {
        let _uncounted = Uncounted::begin();
        extensions.insert(SpanPhase::new(name_of(span.metadata()), None));
    }
    if let Some(phase) = extensions.get_mut::<SpanPhase>() {
        // Another thread may have come first.
        if !phase.has_parent_in_open_build(thread) {
            phase.set_parent(parent);
        }
        phase.enter(thread);
    }
}

/// How far above a span that was made idle of the build it is looked for what publish_count its place.
const FARTHEST: usize = 64;

/// The phase of a span, entered or not. `None` where nothing publish_count it: neither the span nor one
/// above it was made or entered in a build that is open.
fn place_of<S>(span: &SpanRef<'_, S>) -> Option<Place>
where
    S: for<'lookup> LookupSpan<'lookup>,
{
    let mut names = [None; FARTHEST];
    for (depth, above) in span.scope().enumerate() {
        if let Some(place) = above.extensions().get::<SpanPhase>().and_then(SpanPhase::place) {
            return names[..depth].iter().rev().flatten().copied().try_fold(place, below);
        }
        *names.get_mut(depth)? = Some(name_of(above.metadata()));
    }
    None
}

/// Puts the span that is current now back on the stack, if an exit out of order took it off.
#[cold]
fn resume_current<S>(context: &Context<'_, S>, thread: &'static Thread)
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    let Some(current) = context.lookup_current() else { return SOME_OFF.set(false) };
    if let Some(phase) = current.extensions_mut().get_mut::<SpanPhase>() {
        phase.resume(thread);
    }
}
