//! A node: a phase in one thread's call tree of one build. What its sums mean is explained in
//! [`crate::phase`].

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::measure::counters::{Counters, CountersCell, bump};
use crate::measure::histogram::Histogram;
use crate::measure::leak::SharedRef;
use crate::measure::ticks::Ticks;

use super::name::NameId;
use super::path::PathId;

/// [`Usage`] that threads share. One thread writes.
#[repr(C)]
pub(crate) struct UsageCell {
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

    pub(crate) fn add(&self, usage: Usage) {
        self.add_ticks(usage.ticks);
        self.add_counters(usage.counters);
    }

    pub(crate) fn load(&self) -> Usage {
        Usage { ticks: self.ticks.load(Relaxed), counters: self.counters.load() }
    }

    pub(crate) fn clear(&self) {
        self.ticks.store(0, Relaxed);
        self.counters.store(Counters::default());
    }
}

/// Time and memory that some work used. Sums and differences wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Time, in ticks of the clock.
    pub ticks: u64,
    /// Allocations and frees.
    pub counters: Counters,
}

impl Usage {
    /// `self + other`.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            ticks: self.ticks.wrapping_add(other.ticks),
            counters: self.counters.plus(other.counters),
        }
    }

    /// `self - other`.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            ticks: self.ticks.wrapping_sub(other.ticks),
            counters: self.counters.minus(other.counters),
        }
    }
}

/// A phase in one thread's call tree. Only that thread writes.
///
/// PERF: a call that allocates nothing touches the first cache line and a word of the histogram.
#[repr(C, align(64))]
pub(crate) struct Node {
    name: AtomicU32,
    path: AtomicU32,
    /// The child that was entered last: the first guess at the next entry.
    pub(crate) last_child: SharedRef<Node>,
    /// The sibling that was entered after this one the last time: the second guess at the next entry.
    pub(crate) follower: SharedRef<Node>,
    pub(crate) last_exit: AtomicU64,
    /// The shortest and the longest finished call, in ticks.
    pub(crate) shortest: AtomicU64,
    pub(crate) longest: AtomicU64,
    /// The highest live heap of the process during a call; `i64::MIN` if unknown.
    pub(crate) process_peak: AtomicI64,
    pub(crate) total: UsageCell,
    /// How far the thread's live heap rose above that at the entry, at most, in bytes.
    pub(crate) peak: AtomicI64,
    pub(crate) first_entry: AtomicU64,
    pub(crate) parent: SharedRef<Node>,

    /// How often the phase is on the thread's stack. Valid only while some phase is on it more than
    /// once.
    pub(crate) active: AtomicU32,
    pub(crate) items: AtomicU64,
    pub(crate) histogram: Histogram,

    /// What calls used that were entered while the phase was on the stack already.
    pub(crate) reentrant: UsageCell,
    /// What such calls used, of any phase, that were entered directly from this one.
    pub(crate) charged_to_callees: UsageCell,
    /// What work used that was handed off to this thread.
    pub(crate) handed_off: UsageCell,
    /// Like `peak` and `process_peak`, of such work.
    pub(crate) handed_off_peak: AtomicI64,
    pub(crate) handed_off_process_peak: AtomicI64,
    /// How many threads ran hand-offs of this phase or one below it.
    pub(crate) hand_offs: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    /// Calls that were open when their build or their thread ended.
    pub(crate) left_open: AtomicU64,
    /// Async calls that were polled at least once.
    pub(crate) async_begun: AtomicU64,
    /// Async calls that completed or were dropped. They are in the histogram, too.
    pub(crate) async_ended: AtomicU64,
    pub(crate) latency_ticks: AtomicU64,
    pub(crate) polls: AtomicU64,
    /// Segments of calls and hand-offs that ended. A drop of a future is a segment, but no poll.
    pub(crate) segments: AtomicU64,
    pub(crate) resident_delta: AtomicI64,
    /// How many calls have added to `resident_delta`.
    pub(crate) resident_calls: AtomicU64,
    /// Threads that ran the phase and ended. The tree was passed on to other threads.
    pub(crate) past_threads: AtomicU64,
    /// What [`Self::activity`] was when the last such thread ended.
    past_activity: AtomicU64,

    /// The next node of the tree, in order of creation.
    pub(crate) next: SharedRef<Node>,
    /// Another node of the tree with the same name.
    pub(crate) same_name: SharedRef<Node>,
}

impl Node {
    pub(crate) fn empty() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            name: AtomicU32::new(0),
            path: AtomicU32::new(0),
            active: AtomicU32::new(0),
            last_child: SharedRef::empty(),
            follower: SharedRef::empty(),
            parent: SharedRef::empty(),
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
            hand_offs: zero(),
            panics: zero(),
            cancelled: zero(),
            left_open: zero(),
            async_begun: zero(),
            async_ended: zero(),
            latency_ticks: zero(),
            polls: zero(),
            segments: zero(),
            resident_delta: AtomicI64::new(0),
            resident_calls: zero(),
            past_threads: zero(),
            past_activity: zero(),
            next: SharedRef::empty(),
            same_name: SharedRef::empty(),
        }
    }

    /// Resets the node for another phase. It keeps its position in the list of its tree's nodes.
    pub(crate) fn reset(&self, parent: Option<&'static Self>, name: u32, path: PathId) {
        self.name.store(name, Relaxed);
        self.path.store(path.to_raw(), Relaxed);
        self.active.store(0, Relaxed);
        self.last_child.set(None);
        self.follower.set(None);
        self.parent.set(parent);
        for number in [
            &self.hand_offs,
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
            &self.segments,
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
        self.same_name.set(None);
    }

    #[inline]
    pub(crate) fn has_name(&self, name: NameId) -> bool {
        self.name.load(Relaxed) == name.to_raw()
    }

    pub(crate) fn path(&self) -> PathId {
        PathId::from_raw(self.path.load(Relaxed))
    }

    /// Whether the phase is on the thread's stack. To be called only while `active` is valid.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Relaxed) != 0
    }

    /// The node and its ancestors, up to the root.
    pub(crate) fn with_ancestors(&'static self) -> impl Iterator<Item = &'static Self> {
        std::iter::successors(Some(self), |node| node.parent.get())
    }

    #[inline]
    pub(crate) fn is_child_of(&self, parent: &Self) -> bool {
        self.parent.get().is_some_and(|known| std::ptr::eq(known, parent))
    }

    /// Records an entry at `start`.
    pub(crate) fn record_entry(&self, start: Ticks) {
        let first = self.first_entry.load(Relaxed);
        if first == 0 || start.0 < first {
            self.first_entry.store(start.0, Relaxed);
        }
    }

    /// Adds to the items. The sum saturates.
    #[inline]
    pub(crate) fn add_items(&self, items: u64) {
        self.items.store(self.items.load(Relaxed).saturating_add(items), Relaxed);
    }

    /// Counts a finished call that took `ticks` from its entry to its exit.
    pub(crate) fn record_call(&self, ticks: u64) {
        self.histogram.record(ticks);
        self.shortest.store(self.shortest.load(Relaxed).min(ticks), Relaxed);
        self.longest.store(self.longest.load(Relaxed).max(ticks), Relaxed);
    }

    /// Whether a call that took `ticks` changes neither the shortest nor the longest call.
    #[inline]
    pub(crate) fn is_within_observed_range(&self, ticks: u64) -> bool {
        ticks >= self.shortest.load(Relaxed) && ticks <= self.longest.load(Relaxed)
    }

    /// A number that grows with each entry that ended. `calls` is the number of finished calls.
    fn activity(&self, calls: u64) -> u64 {
        let parts = [&self.polls, &self.left_open, &self.segments, &self.hand_offs];
        // An async call may be counted on a thread that did not run it.
        let calls = calls.wrapping_sub(self.async_ended.load(Relaxed));
        parts.iter().fold(calls, |sum, part| sum.wrapping_add(part.load(Relaxed)))
    }

    /// Whether the thread that has the tree now ran the phase, not counting open calls. `calls` is
    /// the number of finished calls.
    pub(crate) fn ran_on_current_thread(&self, calls: u64) -> bool {
        self.activity(calls) != self.past_activity.load(Relaxed)
    }

    /// The thread that has the tree now ends.
    pub(crate) fn thread_ends(&self) {
        let calls = self.histogram.calls();
        if self.ran_on_current_thread(calls) {
            bump(&self.past_threads, 1);
            self.past_activity.store(self.activity(calls), Relaxed);
        }
    }
}
