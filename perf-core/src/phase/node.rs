//! A phase at its place in one thread's call tree of one build.
//!
//! # Implementation
//!
//! A node keeps totals (what happened while it was on the stack). What happened while it was on
//! top, its self, follows when the build ends: its total less its children's totals. Recursion
//! breaks that rule, as a phase that is entered again stays the node that it was: what such an
//! inner entry used is no more total of the node, but it is self of it, and no self of the phase
//! that made the entry. [`Node::again`] and [`Node::lent`] keep these two sums.
//!
//! Work that was handed over from another thread is total of the phase that handed it over, and of
//! all above it, which are not on this thread's stack. [`Node::handed`] keeps it at the one node;
//! it reaches those above when the build ends.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::measure::counters::{Counters, CountersCell, bump};
use crate::measure::histogram::Histogram;
use crate::measure::leak::Slot;
use crate::measure::ticks::Ticks;

use super::name::NameId;
use super::path::PathId;

/// Time and memory, added up.
#[repr(C)]
pub struct UsageCell {
    ticks: AtomicU64,
    counters: CountersCell,
}

impl UsageCell {
    pub(crate) const fn zero() -> Self {
        Self { ticks: AtomicU64::new(0), counters: CountersCell::zero() }
    }

    #[inline]
    pub(crate) fn add_ticks(&self, ticks: u64) {
        bump(&self.ticks, ticks);
    }

    #[inline]
    pub(crate) fn add_counters(&self, counters: Counters) {
        self.counters.add(counters);
    }

    pub(crate) fn add(&self, used: Usage) {
        self.add_ticks(used.ticks);
        self.add_counters(used.counters);
    }

    pub(crate) fn load(&self) -> Usage {
        Usage { ticks: self.ticks.load(Relaxed), counters: self.counters.load() }
    }

    pub(crate) fn clear(&self) {
        self.ticks.store(0, Relaxed);
        self.counters.store(Counters::default());
    }
}

/// Time and memory. Sums wrap, as differences do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub ticks: u64,
    pub counters: Counters,
}

impl Usage {
    pub fn plus(self, other: Self) -> Self {
        Self {
            ticks: self.ticks.wrapping_add(other.ticks),
            counters: self.counters.plus(other.counters),
        }
    }

    pub fn minus(self, other: Self) -> Self {
        Self {
            ticks: self.ticks.wrapping_sub(other.ticks),
            counters: self.counters.minus(other.counters),
        }
    }
}

/// A phase at its place in one thread's call tree. Only that thread writes.
///
/// PERF: what each call touches is the first line of the cache, and a word of the histogram.
#[repr(C, align(64))]
pub(crate) struct Node {
    name: AtomicU32,
    path: AtomicU32,
    /// The child that was entered last: the guess for the next entry.
    pub(crate) last_child: Slot<Node>,
    /// The sibling that was entered after this one the last time: the second guess.
    pub(crate) follower: Slot<Node>,
    pub(crate) last_exit: AtomicU64,
    pub(crate) shortest: AtomicU64,
    pub(crate) longest: AtomicU64,
    /// Highest level of the process; `i64::MIN` where unknown.
    pub(crate) process_peak: AtomicI64,
    pub(crate) total: UsageCell,
    /// Highest level above the entry's, in bytes.
    pub(crate) peak: AtomicI64,
    pub(crate) first_entry: AtomicU64,
    pub(crate) parent: Slot<Node>,

    /// How often the phase is on the thread's stack. Kept only while some phase is so more than
    /// once.
    pub(crate) active: AtomicU32,
    pub(crate) items: AtomicU64,
    pub(crate) histogram: Histogram,

    /// What entries used that were made while the phase was on the stack already.
    pub(crate) reentrant: UsageCell,
    /// What such entries of other phases used that were made from this one.
    pub(crate) charged_to_callees: UsageCell,
    /// What work used that was handed over to this thread.
    pub(crate) handed_off: UsageCell,
    /// As `peak` and `process_peak`, of such work.
    pub(crate) handed_off_peak: AtomicI64,
    pub(crate) handed_off_process_peak: AtomicI64,
    /// How many threads had this phase as, or above, one that was handed over to them.
    pub(crate) carried: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    /// Calls that were still open when their build ended, or their thread.
    pub(crate) left_open: AtomicU64,
    /// Async calls, polled for the first time.
    pub(crate) async_begun: AtomicU64,
    /// Async calls, completed or dropped; also in `calls`.
    pub(crate) async_ended: AtomicU64,
    pub(crate) latency_ticks: AtomicU64,
    pub(crate) polls: AtomicU64,
    /// Stretches that ended: those in which a future was dropped are no polls.
    pub(crate) stretches: AtomicU64,
    pub(crate) resident_delta: AtomicI64,
    /// How many of the calls `resident_delta` is of.
    pub(crate) resident_calls: AtomicU64,
    /// Threads that ran the phase and ended; the tree went on to other threads.
    pub(crate) past_threads: AtomicU64,
    /// What [`Self::activity`] was when the last such thread ended.
    past_activity: AtomicU64,

    /// The node made after this one, in the same tree.
    pub(crate) next: Slot<Node>,
    /// Another node of the same name, in the same tree.
    pub(crate) namesake: Slot<Node>,
}

impl Node {
    pub(crate) fn empty() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            name: AtomicU32::new(0),
            path: AtomicU32::new(0),
            active: AtomicU32::new(0),
            last_child: Slot::empty(),
            follower: Slot::empty(),
            parent: Slot::empty(),
            total: UsageCell::zero(),
            shortest: AtomicU64::new(u64::MAX),
            longest: zero(),
            last_exit: zero(),
            first_entry: zero(),
            peak: AtomicI64::new(0),
            process_peak: AtomicI64::new(i64::MIN),
            items: zero(),
            histogram: Histogram::new(),
            reentrant: UsageCell::zero(),
            charged_to_callees: UsageCell::zero(),
            handed_off: UsageCell::zero(),
            handed_off_peak: AtomicI64::new(0),
            handed_off_process_peak: AtomicI64::new(i64::MIN),
            carried: zero(),
            panics: zero(),
            cancelled: zero(),
            left_open: zero(),
            async_begun: zero(),
            async_ended: zero(),
            latency_ticks: zero(),
            polls: zero(),
            stretches: zero(),
            resident_delta: AtomicI64::new(0),
            resident_calls: zero(),
            past_threads: zero(),
            past_activity: zero(),
            next: Slot::empty(),
            namesake: Slot::empty(),
        }
    }

    /// Makes the node stand for another phase. Keeps its place in the list of its tree's nodes.
    pub(crate) fn renew(&self, parent: Option<&'static Self>, name: u32, path: PathId) {
        self.name.store(name, Relaxed);
        self.path.store(path.to_raw(), Relaxed);
        self.active.store(0, Relaxed);
        self.last_child.set(None);
        self.follower.set(None);
        self.parent.set(parent);
        for number in [
            &self.carried,
            &self.longest,
            &self.last_exit,
            &self.first_entry,
            &self.items,
            &self.panics,
            &self.cancelled,
            &self.left_open,
            &self.async_begun,
            &self.async_ended,
            &self.latency_ticks,
            &self.polls,
            &self.stretches,
            &self.resident_calls,
            &self.past_threads,
            &self.past_activity,
        ] {
            number.store(0, Relaxed);
        }
        self.shortest.store(u64::MAX, Relaxed);
        self.peak.store(0, Relaxed);
        self.process_peak.store(i64::MIN, Relaxed);
        self.handed_off_peak.store(0, Relaxed);
        self.handed_off_process_peak.store(i64::MIN, Relaxed);
        self.resident_delta.store(0, Relaxed);
        for sum in [&self.total, &self.reentrant, &self.charged_to_callees, &self.handed_off] {
            sum.clear();
        }
        self.histogram.clear();
        self.namesake.set(None);
    }

    #[inline]
    pub(crate) fn has_name(&self, name: NameId) -> bool {
        self.name.load(Relaxed) == name.to_raw()
    }

    pub(crate) fn path(&self) -> PathId {
        PathId::from_raw(self.path.load(Relaxed))
    }

    /// Whether the phase is on the thread's stack, where that is kept.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Relaxed) != 0
    }

    /// The phase and those above it, up to the root.
    pub(crate) fn and_above(&'static self) -> impl Iterator<Item = &'static Self> {
        std::iter::successors(Some(self), |it| it.parent.get())
    }

    #[inline]
    pub(crate) fn is_child_of(&self, parent: &Self) -> bool {
        self.parent.get().is_some_and(|it| std::ptr::eq(it, parent))
    }

    /// Notes that an entry at `start` was made.
    pub(crate) fn entered(&self, start: Ticks) {
        let first = self.first_entry.load(Relaxed);
        if first == 0 || start.0 < first {
            self.first_entry.store(start.0, Relaxed);
        }
    }

    /// Adds to the items: no further than there are numbers.
    #[inline]
    pub(crate) fn add_items(&self, items: u64) {
        self.items.store(self.items.load(Relaxed).saturating_add(items), Relaxed);
    }

    /// Counts a finished call that took `ticks` from its entry to its exit.
    pub(crate) fn finished(&self, ticks: u64) {
        self.histogram.record(ticks);
        self.shortest.store(self.shortest.load(Relaxed).min(ticks), Relaxed);
        self.longest.store(self.longest.load(Relaxed).max(ticks), Relaxed);
    }

    /// Whether a call that took `ticks` is neither the shortest nor the longest of all until now,
    /// nor the first.
    #[inline]
    pub(crate) fn is_within_observed_range(&self, ticks: u64) -> bool {
        ticks >= self.shortest.load(Relaxed) && ticks <= self.longest.load(Relaxed)
    }

    /// Grows with each entry that has ended. `calls` is the number of finished ones.
    fn activity(&self, calls: u64) -> u64 {
        let parts = [&self.polls, &self.left_open, &self.stretches, &self.carried];
        // An async call ends where it began, which another thread may have run.
        let calls = calls.wrapping_sub(self.async_ended.load(Relaxed));
        parts.iter().fold(calls, |sum, it| sum.wrapping_add(it.load(Relaxed)))
    }

    /// Whether the thread that has the tree now ran the phase, apart from calls that are open.
    /// `calls` is the number of finished ones.
    pub(crate) fn ran_on_current_thread(&self, calls: u64) -> bool {
        self.activity(calls) != self.past_activity.load(Relaxed)
    }

    /// Notes that the thread that has the tree now ends.
    pub(crate) fn thread_ends(&self) {
        let calls = self.histogram.calls();
        if self.ran_on_current_thread(calls) {
            bump(&self.past_threads, 1);
            self.past_activity.store(self.activity(calls), Relaxed);
        }
    }
}
