//! Frames: the entries of a thread's stack of open phases. Frames are allocated once and reused, so
//! that entering a phase allocates nothing.

use std::hint::cold_path;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::measure::counters::{Counters, CountersCell};
use crate::measure::histogram;
use crate::measure::leak::{SharedRef, leak_slice};
use crate::measure::ticks::Ticks;
use crate::measure::timeline::Interval;

use super::node::{Node, Usage, UsageCell};
use super::tree::Tree;

/// How many frames are allocated at a time. Few, as each page of memory that is touched for the first
/// time costs about 2 µs.
const CHUNK: usize = 8;

/// An open phase, the start of a hand-off, or a root frame: what the thread does in no phase of the
/// build that it works for.
#[repr(C, align(64))]
pub(crate) struct Frame {
    pub(crate) node: SharedRef<Node>,
    start: AtomicU64,
    /// The thread's tally at the entry; in a root frame, at the last return to it.
    pub(crate) counters: CountersCell,
    /// The thread's highest live heap since the entry, up to the last entry or exit of a phase.
    pub(crate) peak: AtomicI64,
    /// The same of the process.
    pub(crate) process_peak: AtomicI64,
    /// Resident bytes shortly before the entry. Set when they are read for the first time after it.
    pub(crate) resident: AtomicU64,
    ticket: AtomicU64,
    /// The sum of idle time and memory of a root frame. `None` for other frames.
    pub(crate) idle: SharedRef<UsageCell>,
    /// Of a hand-off: the tree that the thread worked on before.
    pub(crate) tree_below: SharedRef<Tree>,
    /// The time of the entry, which hand-offs do not shift.
    pub(crate) entered_at: AtomicU64,
    /// Of a hand-off: the recursion depth below it.
    pub(crate) recursion_below: AtomicU32,
    pub(crate) outer: SharedRef<Frame>,
    pub(crate) inner: SharedRef<Frame>,
}

/// How a frame was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryFlags(u64);

impl EntryFlags {
    /// A plain call.
    pub(crate) const CALL: Self = Self(0);
    /// The phase was on the stack already.
    pub(crate) const REENTRANT: Self = Self(1);
    /// The thread was panicking.
    pub(crate) const UNWINDING: Self = Self(2);
    /// A segment of an async call, such as a poll.
    pub(crate) const SEGMENT: Self = Self(4);
    /// Some phase was on the stack more than once, or is with this entry.
    pub(crate) const IN_RECURSION: Self = Self(8);
    /// The start of a hand-off, which is no call of the phase.
    pub(crate) const HAND_OFF: Self = Self(16);
    /// An interval is recorded at the exit.
    pub(crate) const TIMED: Self = Self(32);
    const BITS: u32 = 6;

    #[inline]
    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Identifies one use of a frame among all uses of frames of its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Ticket {
    /// The ticket of the entry with this number on its thread.
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
            node: SharedRef::empty(),
            start: AtomicU64::new(0),
            counters: CountersCell::zero(),
            peak: AtomicI64::new(0),
            process_peak: AtomicI64::new(i64::MIN),
            resident: AtomicU64::new(0),
            ticket: AtomicU64::new(0),
            idle: SharedRef::empty(),
            tree_below: SharedRef::empty(),
            entered_at: AtomicU64::new(0),
            recursion_below: AtomicU32::new(0),
            outer: SharedRef::empty(),
            inner: SharedRef::empty(),
        }
    }

    /// Makes the bottom frame of a stack. `None` without memory.
    pub(crate) fn make_bottom() -> Option<&'static Self> {
        leak_slice(1, Self::empty)?.first()
    }

    /// Makes a chain of frames above `below`, and returns the lowest. `None` without memory.
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

    /// Whether it is a root frame.
    pub(crate) fn is_root(&self) -> bool {
        self.idle.get().is_some()
    }

    /// Whether it is the start of a hand-off.
    pub(crate) fn is_hand_off(&self) -> bool {
        !self.is_root() && self.ticket().flags().contains(EntryFlags::HAND_OFF)
    }

    /// Restarts a root frame: idle time is counted from here on.
    pub(crate) fn restart_root(&self, counters: Counters, now: Ticks) {
        self.counters.store(counters);
        self.set_start(now);
    }

    /// Adds idle time and memory to a root frame.
    pub(crate) fn add_idle(&self, usage: Usage) {
        if let Some(idle) = self.idle.get() {
            idle.add(usage);
        }
    }

    /// The interval from the entry to `now`, hand-offs above it included.
    pub(crate) fn interval(&self, node: &Node, now: Ticks) -> Interval {
        let start = Ticks(self.entered_at.load(Relaxed));
        let length = now.since(start).min(histogram::MAX_VALUE);
        Interval { path: node.path().to_raw(), start, length }
    }

    /// Shifts the entry as if `usage`, which a hand-off above it had, had not happened.
    pub(crate) fn exclude(&self, usage: Usage) {
        if let Some(node) = self.node.get() {
            node.record_entry(self.start());
        }
        self.set_start(Ticks(self.start().0.wrapping_add(usage.ticks)));
        self.counters.add(usage.counters);
        let by = usage.counters.net_bytes.cast_signed();
        self.peak.store(self.peak.load(Relaxed).wrapping_add(by), Relaxed);
    }
}

/// Raises a number, which only this thread writes, to at least `to`. Usually it is that high already.
#[inline]
pub(crate) fn raise(number: &AtomicI64, to: i64) {
    if to > number.load(Relaxed) {
        cold_path();
        number.store(to, Relaxed);
    }
}
