//! The trees of all threads, made one: sums by path.

use crate::measure::histogram::{Bucket, Spread};
use crate::measure::ticks::Ticks;
use crate::phase::node::Usage;
use crate::phase::path::PathId;
use crate::phase::reading::{NodeReading, NodeReadings, TreeReading};

/// A phase of a build, over all threads.
#[derive(Debug, Clone)]
pub struct PhaseTotals {
    /// The phase that it is in, as soon as some thread's tree has told.
    parent: Option<PathId>,
    pub calls: u64,
    pub open_calls: u64,
    pub total: Usage,
    /// What came on top of `total` by entries from within the phase, less what was lent.
    folded: Usage,
    /// The totals of its children.
    children: Usage,
    /// The same of the build's own thread, in ticks; `None` where it never ran there.
    own: Option<BuildThreadTicks>,
    build_thread_children: u64,
    pub spread: Spread,
    pub shortest: u64,
    pub longest: u64,
    pub first_entry: Option<Ticks>,
    pub last_exit: Ticks,
    pub threads: u64,
    pub latency_ticks: u64,
    pub polls: u64,
    pub items: u64,
    pub panics: u64,
    pub cancelled: u64,
    pub peak: i64,
    /// Only of the build's own thread.
    pub process_peak: Option<i64>,
    pub resident_delta: Option<i64>,
    async_begun: u64,
    async_ended: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct BuildThreadTicks {
    total: u64,
    folded: u64,
}

impl PhaseTotals {
    fn empty() -> Self {
        Self {
            parent: None,
            calls: 0,
            open_calls: 0,
            total: Usage::default(),
            folded: Usage::default(),
            children: Usage::default(),
            own: None,
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

    /// What happened while the phase was on top of a stack: its self.
    pub fn self_usage(&self) -> Usage {
        self.total.plus(self.folded).minus(self.children)
    }

    /// Ticks on the build's own thread, in total. `None` where the phase never ran there.
    pub fn build_thread_ticks(&self) -> Option<u64> {
        self.own.map(|it| it.total)
    }

    /// Ticks on the build's own thread while on top of its stack.
    pub fn build_thread_self_ticks(&self) -> Option<u64> {
        self.own.map(|it| it.total.wrapping_add(it.folded).wrapping_sub(self.build_thread_children))
    }

    /// Whether the phase ran at all.
    pub fn ran(&self) -> bool {
        self.threads > 0
    }

    /// Adds what was handed over to a thread: for this phase, or one below it.
    fn add_handed_off(&mut self, node: &NodeReading, own: bool) {
        self.total = self.total.plus(node.handed_off);
        self.peak = self.peak.max(node.handed_off_peak);
        self.last_exit = self.last_exit.max(node.last_exit);
        self.first_entry = earlier(self.first_entry, node.first_entry);
        if own {
            let sum = self.own.get_or_insert_default();
            sum.total = sum.total.wrapping_add(node.handed_off.ticks);
            self.process_peak = self.process_peak.max(Some(node.handed_off_process_peak));
        }
    }

    /// Adds to what its children took.
    fn add_to_children(&mut self, used: Usage, own: bool) {
        self.children = self.children.plus(used);
        if own {
            self.build_thread_children = self.build_thread_children.wrapping_add(used.ticks);
        }
    }

    fn add(&mut self, node: &NodeReading, buckets: &[Bucket], own: bool) {
        self.parent = node.parent;
        self.calls += node.calls;
        self.open_calls += node.open_calls;
        self.async_begun += node.async_begun;
        self.async_ended += node.async_ended;
        self.total = self.total.plus(node.total);
        let folded = node.reentrant.minus(node.charged_to_callees);
        self.folded = self.folded.plus(folded);
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
        if own && node.threads() > 0 {
            let sum = self.own.get_or_insert_default();
            sum.total = sum.total.wrapping_add(node.total.ticks);
            sum.folded = sum.folded.wrapping_add(folded.ticks);
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

/// The trees of threads, added up by path.
#[derive(Default)]
pub(super) struct Merged {
    /// The root comes first.
    sums: Vec<PhaseTotals>,
}

impl Merged {
    /// Adds a tree, whose nodes are among `nodes`.
    pub(super) fn add(&mut self, tree: &TreeReading, nodes: &NodeReadings) {
        let nodes_of_tree = nodes.of(tree);
        self.sums.reserve(nodes_of_tree.len().saturating_sub(self.sums.len()));
        for node in nodes_of_tree {
            self.sum(node.path).add(node, nodes.buckets(node), tree.own);
            if let Some(parent) = node.parent {
                self.sum(parent).add_to_children(node.total, tree.own);
            }
            if node.was_handed_off() {
                self.add_handed_off(node, tree.own);
            }
        }
    }

    /// Work that was handed over belongs to its phase and to all above that, which were on no stack
    /// of the thread that did it.
    fn add_handed_off(&mut self, node: &NodeReading, own: bool) {
        self.sum(node.path).add_handed_off(node, own);
        let mut above = node.parent;
        while let Some(path) = above {
            let sum = self.sum(path);
            sum.add_handed_off(node, own);
            sum.add_to_children(node.handed_off, own);
            // Its node came before: parents come before their children.
            above = sum.parent;
        }
    }

    fn sum(&mut self, path: PathId) -> &mut PhaseTotals {
        if self.sums.len() <= path.index() {
            self.sums.resize_with(path.index() + 1, PhaseTotals::empty);
        }
        &mut self.sums[path.index()]
    }

    /// The sums of a build that has so many paths.
    pub(super) fn finish(mut self, paths: usize) -> Vec<PhaseTotals> {
        self.sums.resize_with(paths, PhaseTotals::empty);
        for sum in &mut self.sums {
            sum.open_calls += sum.async_begun.saturating_sub(sum.async_ended);
        }
        self.sums
    }
}
