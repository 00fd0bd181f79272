//! Merging the trees of all threads: totals per path.

use crate::measure::histogram::{Bucket, Spread};
use crate::measure::ticks::Ticks;
use crate::phase::node::Usage;
use crate::phase::path::PathId;
use crate::phase::reading::{NodeReading, NodeReadings, TreeReading};

/// The totals of a phase of a build, over all threads. Times are in ticks, memory is in bytes.
#[derive(Debug, Clone)]
pub struct PhaseTotals {
    parent: Option<PathId>,
    /// The number of finished calls.
    pub calls: u64,
    /// The number of calls that were open at the end of the build.
    pub open_calls: u64,
    /// Time and memory while the phase was on a stack.
    pub total: Usage,
    /// `reentrant` minus `charged_to_callees`: the effect of recursion on the self usage.
    recursion: Usage,
    /// The sum of the totals of its children.
    children: Usage,
    /// `None` if the phase never ran on the build thread.
    build_thread: Option<BuildThreadTicks>,
    build_thread_children: u64,
    /// The distribution of the durations of finished calls.
    pub spread: Spread,
    /// The shortest finished call; `u64::MAX` if there is none.
    pub shortest: u64,
    /// The longest finished call.
    pub longest: u64,
    /// When a thread first entered the phase.
    pub first_entry: Option<Ticks>,
    /// When a thread last exited the phase.
    pub last_exit: Ticks,
    /// The number of threads that ran the phase.
    pub threads: u64,
    /// Of async calls: the sum of the times from the first poll to the end.
    pub latency_ticks: u64,
    /// Of async calls: the number of polls.
    pub polls: u64,
    /// The number of items.
    pub items: u64,
    /// The number of calls that panicked.
    pub panics: u64,
    /// The number of async calls that were dropped before they completed.
    pub cancelled: u64,
    /// How far the live heap of a thread rose above that at the entry of a call, at most.
    pub peak: i64,
    /// The highest live heap of the process during a call on the build thread. `None` if there was no
    /// such call.
    pub process_peak: Option<i64>,
    /// By how much resident memory changed during calls on the build thread that took at least
    /// [`RESIDENT_INTERVAL`](super::RESIDENT_INTERVAL). `None` if there was no such call.
    pub resident_delta: Option<i64>,
    async_begun: u64,
    async_ended: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct BuildThreadTicks {
    total: u64,
    recursion: u64,
}

impl PhaseTotals {
    fn empty() -> Self {
        Self {
            parent: None,
            calls: 0,
            open_calls: 0,
            total: Usage::default(),
            recursion: Usage::default(),
            children: Usage::default(),
            build_thread: None,
            build_thread_children: 0,
            spread: Spread::default(),
            shortest: u64::MAX,
            longest: 0,
            first_entry: None,
            last_exit: Ticks(0),
            threads: 0,
            latency_ticks: 0,
            polls: 0,
            items: 0,
            panics: 0,
            cancelled: 0,
            peak: 0,
            process_peak: None,
            resident_delta: None,
            async_begun: 0,
            async_ended: 0,
        }
    }

    /// Time and memory while the phase was on top of a stack.
    #[must_use]
    pub fn self_usage(&self) -> Usage {
        self.total.plus(self.recursion).minus(self.children)
    }

    /// The total time on the build thread. `None` if the phase never ran there.
    #[must_use]
    pub fn build_thread_ticks(&self) -> Option<u64> {
        self.build_thread.map(|ticks| ticks.total)
    }

    /// The time on top of the stack of the build thread. `None` if the phase never ran there.
    #[must_use]
    pub fn build_thread_self_ticks(&self) -> Option<u64> {
        let ticks = self.build_thread?;
        let with_recursion = ticks.total.wrapping_add(ticks.recursion);
        Some(with_recursion.wrapping_sub(self.build_thread_children))
    }

    /// Whether the phase ran at all.
    #[must_use]
    pub fn ran(&self) -> bool {
        self.threads > 0
    }

    /// Adds work that was handed off to a thread, of this phase or of one below it.
    fn add_handed_off(&mut self, node: &NodeReading, on_build_thread: bool) {
        self.total = self.total.plus(node.handed_off);
        self.peak = self.peak.max(node.handed_off_peak);
        self.last_exit = self.last_exit.max(node.last_exit);
        self.first_entry = earlier(self.first_entry, node.first_entry);
        if on_build_thread {
            let sum = self.build_thread.get_or_insert_default();
            sum.total = sum.total.wrapping_add(node.handed_off.ticks);
            self.process_peak = self.process_peak.max(Some(node.handed_off_process_peak));
        }
    }

    /// Adds to the totals of its children.
    fn add_to_children(&mut self, usage: Usage, on_build_thread: bool) {
        self.children = self.children.plus(usage);
        if on_build_thread {
            self.build_thread_children = self.build_thread_children.wrapping_add(usage.ticks);
        }
    }

    fn add(&mut self, node: &NodeReading, buckets: &[Bucket], on_build_thread: bool) {
        self.parent = node.parent;
        self.calls += node.calls;
        self.open_calls += node.open_calls;
        self.async_begun += node.async_begun;
        self.async_ended += node.async_ended;
        self.total = self.total.plus(node.total);
        let recursion = node.reentrant.minus(node.charged_to_callees);
        self.recursion = self.recursion.plus(recursion);
        self.spread.add(buckets);
        self.shortest = self.shortest.min(node.shortest);
        self.longest = self.longest.max(node.longest);
        self.first_entry = earlier(self.first_entry, node.first_entry);
        self.last_exit = self.last_exit.max(node.last_exit);
        self.threads += node.threads();
        self.latency_ticks += node.latency_ticks;
        self.polls += node.polls;
        self.items = self.items.saturating_add(node.items);
        self.panics += node.panics;
        self.cancelled += node.cancelled;
        self.peak = self.peak.max(node.peak);
        if on_build_thread && node.threads() > 0 {
            let sum = self.build_thread.get_or_insert_default();
            sum.total = sum.total.wrapping_add(node.total.ticks);
            sum.recursion = sum.recursion.wrapping_add(recursion.ticks);
            self.process_peak = self.process_peak.max(Some(node.process_peak));
            if let Some(delta) = node.resident_delta {
                *self.resident_delta.get_or_insert_default() += delta;
            }
        }
    }
}

fn earlier(one: Option<Ticks>, other: Option<Ticks>) -> Option<Ticks> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The totals of the phases of a build, indexed by path.
#[derive(Default)]
pub(super) struct Merged {
    /// The root comes first.
    sums: Vec<PhaseTotals>,
}

impl Merged {
    /// Adds a tree. Its nodes are in `nodes`.
    pub(super) fn add(&mut self, tree: &TreeReading, nodes: &NodeReadings) {
        let nodes_of_tree = nodes.of_tree(tree);
        self.sums.reserve(nodes_of_tree.len().saturating_sub(self.sums.len()));
        for node in nodes_of_tree {
            self.sum(node.path).add(node, nodes.buckets(node), tree.is_of_build_thread);
            if let Some(parent) = node.parent {
                self.sum(parent).add_to_children(node.total, tree.is_of_build_thread);
            }
            if node.was_handed_off() {
                self.add_handed_off(node, tree.is_of_build_thread);
            }
        }
    }

    /// Adds work that was handed off to the total of its phase and of all ancestors, which were not on
    /// the stack of the thread that did it.
    fn add_handed_off(&mut self, node: &NodeReading, on_build_thread: bool) {
        self.sum(node.path).add_handed_off(node, on_build_thread);
        let mut above = node.parent;
        while let Some(path) = above {
            let sum = self.sum(path);
            sum.add_handed_off(node, on_build_thread);
            sum.add_to_children(node.handed_off, on_build_thread);
            // It is known already, as parents come before their children.
            above = sum.parent;
        }
    }

    fn sum(&mut self, path: PathId) -> &mut PhaseTotals {
        if self.sums.len() <= path.index() {
            self.sums.resize_with(path.index() + 1, PhaseTotals::empty);
        }
        &mut self.sums[path.index()]
    }

    /// The totals of a build that has this number of paths.
    pub(super) fn finish(mut self, paths: usize) -> Vec<PhaseTotals> {
        self.sums.resize_with(paths, PhaseTotals::empty);
        for sum in &mut self.sums {
            sum.open_calls += sum.async_begun.saturating_sub(sum.async_ended);
        }
        self.sums
    }
}
