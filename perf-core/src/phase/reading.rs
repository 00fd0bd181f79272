//! What the collector reads of one thread: a cut through its counters, taken without stopping it.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::Counters;
use crate::measure::histogram::Bucket;
use crate::measure::ticks::Ticks;
use crate::measure::timeline::Interval;

use super::frame::{EntryFlags, Frame};
use super::internal_threads;
use super::node::{Node, Usage, UsageCell};
use super::open_builds::BuildNumber;
use super::path::PathId;
use super::thread::Thread;
use super::tree::Tree;

/// A thread at one instant.
#[derive(Debug)]
pub(crate) struct ThreadReading {
    pub(crate) counters: Counters,
    /// What the thread did while in no phase of an open build, since it began.
    pub(crate) idle: Usage,
    pub(crate) trees: Vec<TreeReading>,
}

/// One tree of the build that is read.
#[derive(Debug)]
pub(crate) struct TreeReading {
    pub(crate) tree: &'static Tree,
    pub(crate) own: bool,
    /// Whether the thread had left the tree, as the build was over.
    pub(crate) left: bool,
    /// Which of the nodes that were read with the thread are the tree's.
    nodes: Range<usize>,
    /// What the thread did for the build as a whole, beside what it did at its base.
    pub(crate) idle: Usage,
    /// Where calls leave intervals, those of the calls that are open.
    pub(crate) open_intervals: Vec<Interval>,
    /// The process's highest level since the thread started the build; `i64::MIN` where unknown.
    pub(crate) process_peak: i64,
}

/// The nodes of one thread's trees, the roots first, parents before their children.
///
/// PERF: the same memory serves one thread after another. The nodes of all threads at once would be
/// most of what the end of a build touches for the first time.
#[derive(Debug, Default)]
pub(crate) struct NodeReadings {
    nodes: Vec<NodeReading>,
    /// The calls of all nodes, one after the other.
    buckets: Vec<Bucket>,
}

impl NodeReadings {
    /// The nodes of a tree of the thread that was read last.
    pub(crate) fn of(&self, tree: &TreeReading) -> &[NodeReading] {
        &self.nodes[tree.nodes.clone()]
    }

    /// The calls of such a node.
    pub(crate) fn buckets(&self, node: &NodeReading) -> &[Bucket] {
        &self.buckets[node.buckets.clone()]
    }

    fn clear(&mut self) {
        self.nodes.clear();
        self.buckets.clear();
    }

    fn add(&mut self, tree: &Tree) -> Range<usize> {
        let start = self.nodes.len();
        self.nodes.reserve(tree.len());
        self.nodes.extend(tree.nodes().map(|it| NodeReading::of(it, &mut self.buckets)));
        start..self.nodes.len()
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

/// A node at one instant, what is open included.
#[derive(Debug)]
pub(crate) struct NodeReading {
    node: &'static Node,
    pub(crate) path: PathId,
    /// The path of the phase that it is in; the root is in none.
    pub(crate) parent: Option<PathId>,
    pub(crate) calls: u64,
    buckets: Range<usize>,
    pub(crate) open_calls: u64,
    pub(crate) async_begun: u64,
    pub(crate) async_ended: u64,
    pub(crate) total: Usage,
    pub(crate) reentrant: Usage,
    pub(crate) charged_to_callees: Usage,
    pub(crate) handed_off: Usage,
    pub(crate) handed_off_peak: i64,
    pub(crate) handed_off_process_peak: i64,
    pub(crate) shortest: u64,
    pub(crate) longest: u64,
    pub(crate) first_entry: Option<Ticks>,
    pub(crate) last_exit: Ticks,
    pub(crate) peak: i64,
    pub(crate) process_peak: i64,
    pub(crate) items: u64,
    pub(crate) panics: u64,
    pub(crate) cancelled: u64,
    pub(crate) latency_ticks: u64,
    pub(crate) polls: u64,
    pub(crate) resident_delta: Option<i64>,
    past_threads: u64,
    ran_here: bool,
}

impl NodeReading {
    /// Whether work of the phase was handed over to the thread.
    pub(crate) fn was_handed_off(&self) -> bool {
        self.node.carried.load(Relaxed) > 0
    }

    /// How many threads that had the tree ran the phase.
    pub(crate) fn threads(&self) -> u64 {
        self.past_threads + u64::from(self.ran_here)
    }

    /// Reads a node, and its calls into `buckets`.
    fn of(node: &'static Node, buckets: &mut Vec<Bucket>) -> Self {
        let first_bucket = buckets.len();
        let calls = node.histogram.read_into(buckets);
        Self {
            node,
            path: node.path(),
            parent: node.parent.get().map(Node::path),
            calls,
            buckets: first_bucket..buckets.len(),
            open_calls: node.left_open.load(Relaxed),
            async_begun: node.async_begun.load(Relaxed),
            async_ended: node.async_ended.load(Relaxed),
            total: node.total.load(),
            reentrant: node.reentrant.load(),
            charged_to_callees: node.charged_to_callees.load(),
            handed_off: node.handed_off.load(),
            handed_off_peak: node.handed_off_peak.load(Relaxed),
            handed_off_process_peak: node.handed_off_process_peak.load(Relaxed),
            shortest: node.shortest.load(Relaxed),
            longest: node.longest.load(Relaxed),
            first_entry: Some(node.first_entry.load(Relaxed)).filter(|&it| it != 0).map(Ticks),
            last_exit: Ticks(node.last_exit.load(Relaxed)),
            peak: node.peak.load(Relaxed),
            process_peak: node.process_peak.load(Relaxed),
            items: node.items.load(Relaxed),
            panics: node.panics.load(Relaxed),
            cancelled: node.cancelled.load(Relaxed),
            latency_ticks: node.latency_ticks.load(Relaxed),
            polls: node.polls.load(Relaxed),
            resident_delta: (node.resident_calls.load(Relaxed) > 0)
                .then(|| node.resident_delta.load(Relaxed)),
            past_threads: node.past_threads.load(Relaxed),
            ran_here: node.ran_on_current_thread(calls),
        }
    }
}

impl Thread {
    /// Reads the thread, and its trees of `build` where one is named, as of the time that `end`
    /// gives in the midst of it. In `nodes` are those of its trees then, and no others.
    pub(crate) fn read(
        &'static self,
        build: Option<BuildNumber>,
        end: impl Fn() -> Ticks,
        nodes: &mut NodeReadings,
    ) -> ThreadReading {
        loop {
            let certain = internal_threads::wait_until_certain(self);
            let reading = self.read_once(build, &end, certain, nodes);
            // It may have become uncertain while it was read, by a thread that took the place.
            if !certain || !internal_threads::is_uncertain(self) {
                return reading;
            }
        }
    }

    fn read_once(
        &'static self,
        build: Option<BuildNumber>,
        end: &impl Fn() -> Ticks,
        certain: bool,
        nodes: &mut NodeReadings,
    ) -> ThreadReading {
        self.read_whole(|| {
            nodes.clear();
            let end = end();
            // What may be forgotten yet waits for another reading.
            let counters = if certain { self.tally.counters() } else { self.counters_at_birth() };
            let cut = Cut::through(self, counters, end);
            let is_read = |it: &&Tree| build.is_some() && it.build() == build && !it.is_free();
            let trees = self.trees().filter(is_read).map(|it| cut.read(it, nodes)).collect();
            ThreadReading { counters, idle: cut.idle_in_all(), trees }
        })
    }
}

/// A frame as of a cut.
struct CutFrame {
    frame: &'static Frame,
    /// The tree that it is of: at the base, the one that the thread works on there.
    tree: Option<&'static Tree>,
    /// What its chain used from the entry on: a chain stands still while another is above it.
    used: Usage,
    /// The same until the next frame above it was entered, whatever that is.
    until_next: Usage,
    /// The thread's highest level since the entry, as far as its chain went.
    peak: i64,
    /// The process's highest level since the entry.
    process_peak: i64,
}

/// Where a thread is cut off from its builds.
struct Cut {
    /// The innermost first, the base last.
    frames: Vec<CutFrame>,
    counters: Counters,
    end: Ticks,
    /// The build that the thread started last.
    last_started: Option<BuildNumber>,
}

impl Cut {
    fn through(thread: &'static Thread, counters: Counters, end: Ticks) -> Self {
        let mut tree = thread.current_tree();
        let last_started = thread.last_started();
        // How far the chain has come, and the next frame above.
        let (mut chain, mut next) = ((end, counters), (end, counters));
        let mut peak = thread.tally.peak();
        let mut process_peak = thread.process_level_now();
        let mut frames = Vec::new();
        for frame in thread.open_frames().chain(thread.bottom()) {
            let entry = (frame.start(), frame.counters.load());
            peak = peak.max(frame.peak.load(Relaxed));
            process_peak = process_peak.max(frame.process_peak.load(Relaxed));
            frames.push(CutFrame {
                frame,
                tree,
                used: between(entry, chain),
                until_next: between(entry, next),
                peak,
                process_peak,
            });
            next = entry;
            if frame.is_hand_off() {
                tree = frame.tree_below.get();
                (chain, peak) = (entry, i64::MIN);
            }
        }
        Self { frames, counters, end, last_started }
    }

    /// What the thread did while in no phase of an open build, at its base.
    fn idle_in_all(&self) -> Usage {
        let Some(bottom) = self.frames.last() else { return Usage::default() };
        let settled = bottom.frame.idle.get().map(UsageCell::load).unwrap_or_default();
        let mut idle = settled.plus(self.idle_until_now(self.frames.len() - 1));
        let top = self.frames.first().filter(|it| !std::ptr::eq(it.frame, bottom.frame));
        if let Some(tree) = top.and_then(|it| it.tree).filter(|it| it.is_free()) {
            // The thread has not noticed yet that the build of what is on top is over.
            idle.counters = idle.counters.plus(tree.done_since_cut(self.counters));
        }
        idle
    }

    /// What happened at the root that is the frame at that index, since it was last settled.
    fn idle_until_now(&self, index: usize) -> Usage {
        let Some(root) = self.frames.get(index) else { return Usage::default() };
        let build = root.tree.and_then(Tree::build);
        // Up to the next root of the same build, which has its own.
        let nearer = self.frames[..index]
            .iter()
            .rposition(|it| it.frame.is_root() && it.tree.and_then(Tree::build) == build)
            .unwrap_or(0);
        let elsewhere = self.frames[nearer..index]
            .iter()
            .filter(|it| it.frame.is_hand_off() && it.tree.and_then(Tree::build) != build)
            .fold(0, |sum: u64, it| sum.wrapping_add(it.used.ticks));
        root.until_next.plus(Usage { ticks: elsewhere, ..Usage::default() })
    }

    /// Reads a tree, with what is open on it.
    fn read(&self, tree: &'static Tree, nodes: &mut NodeReadings) -> TreeReading {
        let range = nodes.add(tree);
        let nodes = &mut nodes.nodes[range.clone()];
        let mut reading = TreeReading {
            tree,
            own: tree.is_of_build_thread(),
            left: tree.was_left(),
            nodes: range,
            idle: tree.idle.load(),
            open_intervals: Vec::new(),
            process_peak: i64::MIN,
        };
        // A thread that has ended works on no tree, and its build goes on.
        if let Some(bottom) = self.frames.last()
            && bottom.tree.is_none()
            && self.last_started == tree.build()
        {
            reading.process_peak = bottom.process_peak;
        }
        for (index, it) in self.frames.iter().enumerate() {
            if !it.tree.is_some_and(|it| std::ptr::eq(it, tree)) {
                continue;
            }
            if it.frame.is_root() {
                reading.process_peak = reading.process_peak.max(it.process_peak);
                if index + 1 < self.frames.len() {
                    reading.idle = reading.idle.plus(self.idle_until_now(index));
                }
            } else {
                let caller = self.frames.get(index + 1).and_then(|it| it.frame.node.get());
                self.add_open(it, caller, nodes);
                if tree.is_timed()
                    && let Some(node) = it.frame.node.get()
                {
                    reading.open_intervals.push(it.frame.interval(node, self.end));
                }
            }
        }
        reading
    }

    /// Adds what an open frame did until now to its node.
    fn add_open(&self, it: &CutFrame, caller: Option<&Node>, nodes: &mut [NodeReading]) {
        let flags = it.frame.ticket().flags();
        if flags.is(EntryFlags::REENTRANT)
            && let Some(caller) = caller.and_then(|it| find(nodes, it))
        {
            caller.charged_to_callees = caller.charged_to_callees.plus(it.used);
        }
        let Some(reading) = it.frame.node.get().and_then(|it| find(nodes, it)) else { return };
        let peak = it.peak.wrapping_sub(it.frame.counters.net_bytes());
        let start = it.frame.start();
        reading.ran_here = true;
        reading.first_entry = Some(reading.first_entry.map_or(start, |it| it.min(start)));
        reading.last_exit = reading.last_exit.max(self.end);
        if flags.is(EntryFlags::HAND_OFF) {
            reading.handed_off = reading.handed_off.plus(it.used);
            reading.handed_off_peak = reading.handed_off_peak.max(peak);
            reading.handed_off_process_peak = reading.handed_off_process_peak.max(it.process_peak);
            return;
        }
        if flags.is(EntryFlags::REENTRANT) {
            reading.reentrant = reading.reentrant.plus(it.used);
        } else {
            reading.total = reading.total.plus(it.used);
        }
        if !flags.is(EntryFlags::SEGMENT) {
            reading.open_calls += 1;
        }
        reading.peak = reading.peak.max(peak);
        reading.process_peak = reading.process_peak.max(it.process_peak);
    }
}

/// From an entry to a later instant.
fn between(entry: (Ticks, Counters), then: (Ticks, Counters)) -> Usage {
    Usage { ticks: then.0.since(entry.0), counters: then.1.minus(entry.1) }
}

fn find<'nodes>(nodes: &'nodes mut [NodeReading], node: &Node) -> Option<&'nodes mut NodeReading> {
    nodes.iter_mut().find(|it| std::ptr::eq(it.node, node))
}
