//! What the layer does when a span is created, entered, exited or closed.
//!
//! # Implementation
//!
//! Ordinary spans are in the tables of [`super::ordinary`]. The [`SpanPhase`] of any other span is an
//! extension of the span, protected by the lock of the extensions. No code of the tool runs while
//! the lock is held. Memory of extensions is not counted, so they are removed when the span is closed:
//! the registry would free them as memory of the tool.
//!
//! NOTE: the registry creates its table of extensions with the first extension of a span and keeps it
//! for later spans. If that extension is ours, the table is not counted as allocated, but it is
//! counted as freed when the registry is dropped.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tracing_core::{Dispatch, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{ExtensionsMut, LookupSpan, SpanRef};

use crate::measure::ticks::{self, Ticks};
use crate::measure::uncounted::Uncounted;
use crate::phase::global::OPEN_BUILDS;
use crate::phase::path::PathId;
use crate::phase::thread::Thread;
use crate::phase::threads;

use super::PhaseLayer;
use super::names::name_of;
use super::ordinary::{self, Key};
use super::span_phase::{Exit, Place, SpanPhase, below};

thread_local! {
    /// Whether exits out of order took spans off this thread's stack that are still entered. They are
    /// put back when they become current.
    static SOME_OFF: Cell<bool> = const { Cell::new(false) };
}

impl<S> Layer<S> for PhaseLayer
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        static LAST: AtomicU64 = AtomicU64::new(0);
        // All layers of the subscriber find the same first one, and share its number.
        if let Some(first) = dispatch.downcast_ref::<Self>() {
            if first.registry.load(Relaxed) == 0 {
                first.registry.store(LAST.fetch_add(1, Relaxed) + 1, Relaxed);
            }
            self.registry.store(first.registry.load(Relaxed), Relaxed);
        }
    }

    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        if !OPEN_BUILDS.epoch().any_open() {
            return;
        }
        let Some(thread) = threads::current() else { return };
        let parent = if attributes.is_contextual() {
            thread.current_chain()
        } else {
            match context.span(id).and_then(|span| span.parent()) {
                Some(parent) => self.place_of(&parent),
                None => thread.build().map(|build| (build, PathId::ROOT)),
            }
        };
        let name = name_of(attributes.metadata());
        if !ordinary::make(thread, self.key(id), name, parent)
            && let Some(span) = context.span(id)
        {
            let _uncounted = Uncounted::begin();
            span.extensions_mut().replace(SpanPhase::new(name, parent));
        }
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        if !OPEN_BUILDS.epoch().any_open() {
            return;
        }
        let Some(thread) = threads::current() else { return };
        if !ordinary::enter(thread, self.key(id))
            && let Some(span) = context.span(id)
        {
            self.enter(&span, thread);
        }
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        if !OPEN_BUILDS.epoch().any_open() {
            return;
        }
        let now = ticks::now();
        let Some(thread) = threads::current() else { return };
        if !ordinary::exit(thread, self.key(id), now)
            && let Some(span) = context.span(id)
        {
            self.exit(&span, thread, now);
        }
        if SOME_OFF.get() {
            self.resume_current(&context, thread);
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        if OPEN_BUILDS.epoch().to_raw() == 0 {
            // No build was ever open.
            return;
        }
        let thread = threads::current();
        if thread.is_some_and(|thread| ordinary::close(thread, self.key(&id))) {
            return;
        }
        let Some(span) = context.span(&id) else { return };
        let _uncounted = Uncounted::begin();
        let removed = span.extensions_mut().remove::<SpanPhase>();
        let phase = removed.or_else(|| ordinary::take(self.key(&id)));
        if let (Some(phase), Some(thread)) = (phase, thread) {
            phase.close(thread);
        }
    }
}

/// How many spans above one that was made outside of the build are searched for its place.
const FARTHEST: usize = 64;

impl PhaseLayer {
    fn key(&self, id: &span::Id) -> Key {
        Key::new(self.registry.load(Relaxed), id)
    }

    /// The state of a span. From now on the span is not an ordinary one.
    fn phase_of<'span, S>(
        &self,
        span: &SpanRef<'_, S>,
        extensions: &'span mut ExtensionsMut<'_>,
    ) -> Option<&'span mut SpanPhase>
    where
        S: for<'lookup> LookupSpan<'lookup>,
    {
        if extensions.get_mut::<SpanPhase>().is_none() {
            let phase = ordinary::take(self.key(&span.id()))?;
            let _uncounted = Uncounted::begin();
            extensions.insert(phase);
        }
        extensions.get_mut()
    }

    /// Enters a span that is not an ordinary one.
    #[cold]
    fn enter<S>(&self, span: &SpanRef<'_, S>, thread: &'static Thread)
    where
        S: for<'lookup> LookupSpan<'lookup>,
    {
        if let Some(phase) = self.phase_of(span, &mut span.extensions_mut())
            && phase.has_parent_in_open_build(thread)
        {
            return phase.enter(thread);
        }
        // It was made when no build was open, or in one that is over.
        let parent = span.parent().and_then(|parent| self.place_of(&parent));
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

    /// Exits a span that is not an ordinary one.
    #[cold]
    fn exit<S>(&self, span: &SpanRef<'_, S>, thread: &'static Thread, now: Ticks)
    where
        S: for<'lookup> LookupSpan<'lookup>,
    {
        if let Some(phase) = self.phase_of(span, &mut span.extensions_mut())
            && phase.exit(thread, now) == Exit::WithOthers
        {
            SOME_OFF.set(true);
        }
    }

    /// The phase of a span, entered or not. `None` where it is unknown: neither the span nor one
    /// above it was made or entered in a build that is open.
    fn place_of<S>(&self, span: &SpanRef<'_, S>) -> Option<Place>
    where
        S: for<'lookup> LookupSpan<'lookup>,
    {
        let mut names = [None; FARTHEST];
        for (depth, above) in span.scope().enumerate() {
            let place = match above.extensions().get::<SpanPhase>() {
                Some(phase) => phase.place(),
                None => ordinary::place(self.key(&above.id())),
            };
            if let Some(place) = place {
                return names[..depth].iter().rev().flatten().copied().try_fold(place, below);
            }
            *names.get_mut(depth)? = Some(name_of(above.metadata()));
        }
        None
    }

    /// Puts the span that is current now back on the stack, if an exit out of order took it off.
    #[cold]
    fn resume_current<S>(&self, context: &Context<'_, S>, thread: &'static Thread)
    where
        S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    {
        let Some(current) = context.lookup_current() else { return SOME_OFF.set(false) };
        if let Some(phase) = self.phase_of(&current, &mut current.extensions_mut()) {
            phase.resume(thread);
        }
    }
}
