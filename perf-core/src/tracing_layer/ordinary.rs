//! Ordinary spans: one thread creates, enters, exits and closes them, and enters them once, below the
//! phase in which it created them.
//!
//! # Implementation
//!
//! Each thread has a table of the spans that it created. A span is in the table until it is closed or
//! does anything that is not ordinary. Then [`take`] removes it, on any thread, and the span gets a
//! [`SpanPhase`] among its extensions. `take` is called with the lock of the extensions, so that
//! another thread finds the span either in a table or among the extensions.
//!
//! PERF: an extension costs an allocation, and each access a lock and lookups in two tables. With
//! extensions only, the layer takes about three times as many instructions for a span.

use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread::yield_now;

use tracing_core::span;

use crate::measure::leak::{SharedRef, leak};
use crate::measure::ticks::Ticks;
use crate::phase::call::Ending;
use crate::phase::frame::{Frame, Ticket};
use crate::phase::global::OPEN_BUILDS;
use crate::phase::name::NameId;
use crate::phase::node::Node;
use crate::phase::open_builds::BuildNumber;
use crate::phase::path::PathId;
use crate::phase::thread::Thread;
use crate::phase::threads;

use super::span_phase::{Place, SpanPhase};

/// Identifies a span in a process with any number of registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// The number in [`PhaseLayer`](super::PhaseLayer). Spans of 0 are not kept in tables.
    registry: u64,
    span: u64,
}

impl Key {
    pub(super) fn new(registry: u64, id: &span::Id) -> Self {
        Self { registry, span: id.into_u64() }
    }
}

const RECORDS: usize = 64;

/// The ordinary spans of one thread, each at an index made from its id.
pub(crate) struct SpanTable([Record; RECORDS]);

/// One span. To enter, exit or take it, a thread locks it.
struct Record {
    /// One of the states below, plus [`NEXT_USE`] for each span that used the record.
    state: AtomicU64,
    registry: AtomicU64,
    span: AtomicU64,
    name: AtomicU32,
    /// The parent of the phase. The build is 0 if that is unknown.
    parent_build: AtomicU64,
    parent_path: AtomicU32,
    /// The entry.
    node: SharedRef<Node>,
    frame: SharedRef<Frame>,
    ticket: AtomicU64,
    first_entry: AtomicU64,
    /// The exit, and the time from entry to exit without stolen work.
    last_exit: AtomicU64,
    ticks: AtomicU64,
}

const FREE: u64 = 0;
const MADE: u64 = 1;
const ENTERED: u64 = 2;
const EXITED: u64 = 3;
const LOCKED: u64 = 4;
const NEXT_USE: u64 = 8;
const STATE: u64 = NEXT_USE - 1;

/// The record in which the thread may keep the span.
fn record(thread: &'static Thread, key: Key) -> Option<&'static Record> {
    thread.spans.get().map(|table| table.record(key))
}

/// Keeps a new span. Returns `false` if its record is in use.
pub(super) fn make(thread: &'static Thread, key: Key, name: NameId, parent: Option<Place>) -> bool {
    if key.registry == 0 {
        return false;
    }
    let Some(record) = record(thread, key).or_else(|| {
        thread.spans.set(leak(|| SpanTable(std::array::from_fn(|_| Record::free()))));
        record(thread, key)
    }) else {
        return false;
    };
    record.make(key, name, parent)
}

/// Enters a span for the first time, if the current phase is its parent. Returns `false`, and does
/// nothing, for any other span.
pub(super) fn enter(thread: &'static Thread, key: Key) -> bool {
    record(thread, key).is_some_and(|record| record.enter(thread, key))
}

/// Exits a span if it is innermost. Returns `false` if it is not, or if it is not ordinary.
pub(super) fn exit(thread: &'static Thread, key: Key, now: Ticks) -> bool {
    record(thread, key).is_some_and(|record| record.exit(thread, key, now))
}

/// Closes a span if it is not entered. Returns `false` if it is, or if it is not ordinary.
pub(super) fn close(thread: &'static Thread, key: Key) -> bool {
    record(thread, key).is_some_and(|record| record.close(thread, key))
}

/// Removes a span from the table of the thread that created it. To be called with the lock of the
/// span's extensions.
#[cold]
pub(super) fn take(key: Key) -> Option<SpanPhase> {
    threads::all().find_map(|thread| record(thread, key)?.take(thread, key))
}

/// Where the phase of a span is, as [`SpanPhase::place`]. The span stays in its table. To be called
/// with the lock of the span's extensions.
pub(super) fn place(key: Key) -> Option<Place> {
    threads::all().find_map(|thread| record(thread, key)?.place(thread, key))
}

impl SpanTable {
    fn record(&self, key: Key) -> &Record {
        // Spans that are open at the same time mostly have consecutive ids.
        &self.0[usize::from(key.span.to_le_bytes()[0]) % RECORDS]
    }
}

impl Record {
    fn free() -> Self {
        Self {
            state: AtomicU64::new(FREE),
            registry: AtomicU64::new(0),
            span: AtomicU64::new(0),
            name: AtomicU32::new(0),
            parent_build: AtomicU64::new(0),
            parent_path: AtomicU32::new(0),
            node: SharedRef::empty(),
            frame: SharedRef::empty(),
            ticket: AtomicU64::new(0),
            first_entry: AtomicU64::new(0),
            last_exit: AtomicU64::new(0),
            ticks: AtomicU64::new(0),
        }
    }

    fn is_of(&self, key: Key) -> bool {
        self.span.load(Acquire) == key.span && self.registry.load(Acquire) == key.registry
    }

    fn parent(&self) -> Option<Place> {
        let build = BuildNumber::from_raw(self.parent_build.load(Relaxed))?;
        Some((build, PathId::from_raw(self.parent_path.load(Relaxed))))
    }

    /// Locks the record of a span and returns the state of the span.
    ///
    /// The caller's span is open. If the record is used for another span after the comparison of the
    /// key, `state` has changed and the exchange fails. So a record is never locked with the key of
    /// another span, and never while its span is closed.
    fn lock(&self, key: Key) -> Option<u64> {
        loop {
            let state = self.state.load(Acquire);
            if state & STATE == FREE || !self.is_of(key) {
                return None;
            }
            let locked = state & !STATE | LOCKED;
            if state != locked
                && self.state.compare_exchange(state, locked, Acquire, Relaxed).is_ok()
            {
                return Some(state & STATE);
            }
            yield_now();
        }
    }

    /// Locks the record of a span if the span has the expected state.
    fn lock_in(&self, key: Key, expected: u64) -> bool {
        match self.lock(key) {
            Some(state) if state == expected => true,
            Some(state) => {
                self.set_state(state);
                false
            }
            None => false,
        }
    }

    /// Sets the state of the span and unlocks the record.
    fn set_state(&self, state: u64) {
        self.state.store(self.state.load(Relaxed) & !STATE | state, Release);
    }

    fn make(&self, key: Key, name: NameId, parent: Option<Place>) -> bool {
        let state = self.state.load(Acquire);
        if state & STATE != FREE {
            // Another layer of the same subscriber may keep the same span.
            return self.is_of(key);
        }
        self.registry.store(key.registry, Release);
        self.span.store(key.span, Release);
        self.name.store(name.to_raw(), Relaxed);
        let (build, path) = parent.unzip();
        self.parent_build.store(BuildNumber::to_raw(build), Relaxed);
        self.parent_path.store(path.unwrap_or(PathId::ROOT).to_raw(), Relaxed);
        self.state.store(state + NEXT_USE + MADE, Release);
        true
    }

    fn enter(&self, thread: &'static Thread, key: Key) -> bool {
        if !self.lock_in(key, MADE) {
            return false;
        }
        let parent = self.parent();
        let name = NameId::from_raw(self.name.load(Relaxed));
        if parent.is_none() || parent != thread.current_chain() {
            self.set_state(MADE);
            return false;
        }
        let entry = name.and_then(|name| thread.enter_segment(name));
        let Some((frame, ticket)) = entry else {
            self.set_state(MADE);
            return true;
        };
        let node = frame.node.get();
        self.node.set(node);
        self.frame.set(Some(frame));
        self.ticket.store(ticket.to_raw(), Relaxed);
        self.first_entry.store(frame.start().0, Relaxed);
        if let Some(node) = node {
            thread.write(|| node.call_began());
        }
        self.set_state(ENTERED);
        true
    }

    fn exit(&self, thread: &'static Thread, key: Key, now: Ticks) -> bool {
        if !self.lock_in(key, ENTERED) {
            return false;
        }
        let ticket = Ticket::from_raw(self.ticket.load(Relaxed));
        let exited = self.frame.get().is_some_and(|frame| {
            let start = frame.start();
            thread.exit_segment(frame, ticket, now) && {
                self.ticks.store(Thread::length(start, now), Relaxed);
                true
            }
        });
        self.last_exit.store(now.0, Relaxed);
        self.set_state(if exited { EXITED } else { ENTERED });
        exited
    }

    fn close(&self, thread: &'static Thread, key: Key) -> bool {
        // No lock is needed, because no other thread can use the span any more.
        let state = self.state.load(Acquire) & STATE;
        if !self.is_of(key) || !matches!(state, MADE | EXITED) {
            return false;
        }
        if state == EXITED
            && let (Some((build, _)), Some(node)) = (self.parent(), self.node.get())
            && OPEN_BUILDS.is_open(build)
        {
            let ticks = self.ticks.load(Relaxed);
            thread.write(|| node.call_ended(ticks, Ending::Completed));
        }
        self.set_state(FREE);
        true
    }

    fn take(&self, thread: &'static Thread, key: Key) -> Option<SpanPhase> {
        let state = self.lock(key)?;
        let phase = self.span_phase(thread, state);
        self.set_state(FREE);
        phase
    }

    fn place(&self, thread: &'static Thread, key: Key) -> Option<Place> {
        let state = self.lock(key)?;
        let phase = self.span_phase(thread, state);
        self.set_state(state);
        phase?.place()
    }

    fn span_phase(&self, thread: &'static Thread, state: u64) -> Option<SpanPhase> {
        let name = NameId::from_raw(self.name.load(Relaxed));
        let mut phase = SpanPhase::new(name?, self.parent());
        if state != MADE
            && let (Some((build, _)), Some(node)) = (self.parent(), self.node.get())
        {
            phase.begin_call(build, node.path(), Ticks(self.first_entry.load(Relaxed)));
            if state == EXITED {
                let ticks = self.ticks.load(Relaxed);
                phase.set_exited(Ticks(self.last_exit.load(Relaxed)), ticks, (thread, node));
            } else if let Some(frame) = self.frame.get() {
                phase.set_entered(thread, (frame, Ticket::from_raw(self.ticket.load(Relaxed))));
            }
        }
        Some(phase)
    }
}
