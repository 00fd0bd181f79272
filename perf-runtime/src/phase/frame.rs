//! A place on a thread's stack of open phases. Places are made once and used again, so that
//! entering a phase allocates nothing.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use crate::measure::counters::CountersCell;
use crate::measure::leak::{Slot, leak_slice};
use crate::measure::ticks::Ticks;

use super::node::Node;

/// How many places are made at a time.
const CHUNK: usize = 32;

/// One open phase, or the base of the stack: what the thread does while in no phase.
pub(crate) struct Frame {
    pub(crate) node: Slot<Node>,
    start: AtomicU64,
    /// The thread's tally at the entry; at the base, at the last return to it.
    pub(crate) counters: CountersCell,
    /// The thread's highest level since the entry, up to the last entry or exit of a phase.
    pub(crate) peak: AtomicI64,
    /// The same of the process.
    pub(crate) process_peak: AtomicI64,
    /// Resident bytes shortly before the entry.
    pub(crate) resident: AtomicU64,
    ticket: AtomicU64,
    pub(crate) outer: Slot<Frame>,
    pub(crate) inner: Slot<Frame>,
}

/// What is to be known of an entry at its exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner(u64);

impl Manner {
    /// A call, entered in the ordinary way.
    pub(crate) const CALL: Self = Self(0);
    /// The phase was open on the thread already.
    pub(crate) const AGAIN: Self = Self(1);
    /// The thread was unwinding.
    pub(crate) const UNWINDING: Self = Self(2);
    /// One stretch of a call that began elsewhere or goes on later.
    pub(crate) const STRETCH: Self = Self(4);
    const BITS: u32 = 3;

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
    pub(crate) fn new(entry: u64, manner: Manner) -> Self {
        Self(entry << Manner::BITS | manner.0)
    }

    #[inline]
    pub(crate) fn manner(self) -> Manner {
        Manner(self.0 & ((1 << Manner::BITS) - 1))
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
            outer: Slot::empty(),
            inner: Slot::empty(),
        }
    }

    /// Makes a chain of places above `below`, and gives the lowest. `None` without memory.
    #[cold]
    #[inline(never)]
    pub(crate) fn make_chain(below: Option<&'static Self>) -> Option<&'static Self> {
        let chain = leak_slice(CHUNK, Self::empty)?;
        for pair in chain.windows(2) {
            if let [outer, inner] = pair {
                outer.inner.set(Some(inner));
                inner.outer.set(Some(outer));
            }
        }
        let lowest = chain.first()?;
        lowest.outer.set(below);
        if let Some(below) = below {
            below.inner.set(Some(lowest));
        }
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

    /// Marks the place as not in use: no entry's ticket fits it.
    #[inline]
    pub(crate) fn clear_ticket(&self) {
        self.ticket.store(u64::MAX, Relaxed);
    }
}

/// Raises a number that only this thread writes to at least `to`.
#[inline]
pub(crate) fn raise(number: &AtomicI64, to: i64) {
    if to > number.load(Relaxed) {
        number.store(to, Relaxed);
    }
}
