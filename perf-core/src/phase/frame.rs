//! A place on a thread's stack of open phases. Places are made once and used again, so that
//! entering a phase allocates nothing.

use std::hint::cold_path;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::measure::counters::{Counters, CountersCell};
use crate::measure::histogram;
use crate::measure::leak::{Slot, leak_slice};
use crate::measure::ticks::Ticks;
use crate::measure::timeline::Interval;

use super::node::{Node, Usage, UsageCell};
use super::tree::Tree;

/// How many places are made at a time: few, as each page of memory that is touched first costs some
/// 2 µs.
const CHUNK: usize = 8;

/// One open phase, the beginning of a hand-off, or root: what the thread does while in no phase
/// of the build that it works for.
#[repr(C, align(64))]
pub(crate) struct Frame {
    pub(crate) node: Slot<Node>,
    start: AtomicU64,
    /// The thread's tally at the entry; at root, at the last return to it.
    pub(crate) counters: CountersCell,
    /// The thread's highest level since the entry, up to the last entry or exit of a phase.
    pub(crate) peak: AtomicI64,
    /// The same of the process.
    pub(crate) process_peak: AtomicI64,
    /// Resident bytes shortly before the entry, once they have been read again since.
    pub(crate) resident: AtomicU64,
    ticket: AtomicU64,
    /// Where root adds up what happens there. `None` for all else.
    pub(crate) idle: Slot<UsageCell>,
    /// Of a hand-off: the tree that the thread worked on until then.
    pub(crate) tree_below: Slot<Tree>,
    /// Where an interval is left: the entry's time, whatever was done elsewhere since.
    pub(crate) entered_at: AtomicU64,
    /// Of a hand-off: how many entries below are of phases that were open already.
    pub(crate) recursion_below: AtomicU32,
    pub(crate) outer: Slot<Frame>,
    pub(crate) inner: Slot<Frame>,
}

/// What is to be known of an entry at its exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryFlags(u64);

impl EntryFlags {
    /// A call, entered in the ordinary way.
    pub(crate) const CALL: Self = Self(0);
    /// The phase was open on the thread already.
    pub(crate) const REENTRANT: Self = Self(1);
    /// The thread was unwinding.
    pub(crate) const UNWINDING: Self = Self(2);
    /// One stretch of a call that began elsewhere or goes on later.
    pub(crate) const SEGMENT: Self = Self(4);
    /// Entered while some phase was on the stack more than once.
    pub(crate) const IN_RECURSION: Self = Self(8);
    /// The beginning of work for another chain: it is no call, and its phase need not be open.
    pub(crate) const HAND_OFF: Self = Self(16);
    /// It leaves an interval.
    pub(crate) const TIMED: Self = Self(32);
    const BITS: u32 = 6;

    #[inline]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(crate) fn is(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Tells one use of a frame from all others of its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// The ticket of an entry that has this number on its thread.
    #[inline]
    pub(crate) fn new(entry: u64, flags: EntryFlags) -> Self {
        Self(entry << EntryFlags::BITS | flags.0)
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn to_raw(self) -> u64 {
        self.0
    }

    /// The inverse of [`Self::to_raw`].
    #[cfg(feature = "tracing")]
    pub(crate) fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    #[inline]
    pub(crate) fn flags(self) -> EntryFlags {
        EntryFlags(self.0 & ((1 << EntryFlags::BITS) - 1))
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").finish_non_exhaustive()
    }
}

impl Frame {
    fn empty() -> Self {
        Self {
            node: Slot::empty(),
            start: AtomicU64::new(0),
            counters: CountersCell::zero(),
            peak: AtomicI64::new(0),
            process_peak: AtomicI64::new(i64::MIN),
            resident: AtomicU64::new(0),
            ticket: AtomicU64::new(0),
            idle: Slot::empty(),
            tree_below: Slot::empty(),
            entered_at: AtomicU64::new(0),
            recursion_below: AtomicU32::new(0),
            outer: Slot::empty(),
            inner: Slot::empty(),
        }
    }

    /// Makes the base of a stack. `None` without memory.
    pub(crate) fn make_bottom() -> Option<&'static Self> {
        leak_slice(1, Self::empty)?.first()
    }

    /// Makes a chain of places above `below`, and gives the lowest. `None` without memory.
    #[cold]
    #[inline(never)]
    pub(crate) fn make_chain(below: &'static Self) -> Option<&'static Self> {
        let chain = leak_slice(CHUNK, Self::empty)?;
        for pair in chain.windows(2) {
            if let [outer, inner] = pair {
                outer.inner.set(Some(inner));
                inner.outer.set(Some(outer));
            }
        }
        let lowest = chain.first()?;
        lowest.outer.set(Some(below));
        below.inner.set(Some(lowest));
        Some(lowest)
    }

    #[inline]
    pub(crate) fn start(&self) -> Ticks {
        Ticks(self.start.load(Relaxed))
    }

    #[inline]
    pub(crate) fn set_start(&self, ticks: Ticks) {
        self.start.store(ticks.0, Relaxed);
    }

    #[inline]
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.ticket.load(Relaxed))
    }

    #[inline]
    pub(crate) fn set_ticket(&self, ticket: Ticket) {
        self.ticket.store(ticket.0, Relaxed);
    }

    /// Whether it is root.
    pub(crate) fn is_root(&self) -> bool {
        self.idle.get().is_some()
    }

    /// Whether it is the beginning of work for another chain.
    pub(crate) fn is_hand_off(&self) -> bool {
        !self.is_root() && self.ticket().flags().is(EntryFlags::HAND_OFF)
    }

    /// Starts root anew: what comes from here on is added up when it is left.
    pub(crate) fn restart_root(&self, counters: Counters, now: Ticks) {
        self.counters.store(counters);
        self.set_start(now);
    }

    /// Adds to what happened at this root.
    pub(crate) fn add_idle(&self, used: Usage) {
        if let Some(idle) = self.idle.get() {
            idle.add(used);
        }
    }

    /// The time that the frame was on the stack until `now`, and whatever else was done meanwhile.
    pub(crate) fn interval(&self, node: &Node, now: Ticks) -> Interval {
        let start = Ticks(self.entered_at.load(Relaxed));
        let length = now.since(start).min(histogram::MAX_VALUE);
        Interval { path: node.path().to_raw(), start, length }
    }

    /// Moves the entry so that `used` is no part of it.
    pub(crate) fn exclude(&self, used: Usage) {
        if let Some(node) = self.node.get() {
            node.entered(self.start());
        }
        self.set_start(Ticks(self.start().0.wrapping_add(used.ticks)));
        self.counters.add(used.counters);
        let by = used.counters.net_bytes.cast_signed();
        self.peak.store(self.peak.load(Relaxed).wrapping_add(by), Relaxed);
    }
}

/// Raises a number that only this thread writes to at least `to`: most times it is that already.
#[inline]
pub(crate) fn raise(number: &AtomicI64, to: i64) {
    if to > number.load(Relaxed) {
        cold_path();
        number.store(to, Relaxed);
    }
}
