//! What the collector reads of one thread: a consistent snapshot, taken without stopping the thread.

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
    /// What the thread did in no phase of an open build, since the slot exists.
    pub(crate) idle: Usage,
    pub(crate) trees: Vec<TreeReading>,
}

/// One tree of a build.
#[derive(Debug)]
pub(crate) struct TreeReading {
    pub(crate) tree: &'static Tree,
    pub(crate) is_of_build_thread: bool,
    /// Whether the thread had left the tree, as the build was over.
    pub(crate) left: bool,
    /// The tree's nodes among those of the thread's [`NodeReadings`].
    nodes: Range<usize>,
    /// Idle time and memory of the tree's root frames, other than the bottom frame.
    pub(crate) idle: Usage,
    /// The intervals of open calls, if intervals are recorded.
    pub(crate) open_intervals: Vec<Interval>,
    /// The highest live heap of the process since the thread started the build; `i64::MIN` if
    /// unknown.
    pub(crate) process_peak: i64,
}

/// The nodes of one thread's trees, the roots first, parents before their children.
///
/// PERF: the memory is reused for each thread. The nodes of all threads at once would be most of the
/// memory that the end of a build touches for the first time.
#[derive(Debug, Default)]
pub(crate) struct NodeReadings {
    nodes: Vec<NodeReading>,
    /// The histogram buckets of all nodes, one node after the other.
    buckets: Vec<Bucket>,
}

impl NodeReadings {
    /// The nodes of a tree of the thread that was read last.
    pub(crate) fn of_tree(&self, tree: &TreeReading) -> &[NodeReading] {
        &self.nodes[tree.nodes.clone()]
    }

    /// The histogram buckets of a node.
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
        self.nodes.extend(tree.nodes().map(|node| NodeReading::read(node, &mut self.buckets)));
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

/// A node at one instant, open calls included.
#[derive(Debug)]
pub(crate) struct NodeReading {
    node: &'static Node,
    pub(crate) path: PathId,
    /// The path of the parent; the root has none.
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
    /// Whether work of the phase, or of one below it, was handed off to the thread.
    pub(crate) fn was_handed_off(&self) -> bool {
        self.node.hand_offs.load(Relaxed) > 0
    }

    /// How many threads, one after another, ran the phase in this tree.
    pub(crate) fn threads(&self) -> u64 {
        self.past_threads + u64::from(self.ran_here)
    }

    /// Reads a node, and appends its histogram to `buckets`.
    fn read(node: &'static Node, buckets: &mut Vec<Bucket>) -> Self {
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
            first_entry: Some(node.first_entry.load(Relaxed))
                .filter(|&ticks| ticks != 0)
                .map(Ticks),
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
    /// Reads the thread, and its trees of `build`, if any, at the time that `end` returns. `end` is
    /// called during the reading. The nodes of the trees replace those in `nodes`.
    pub(crate) fn read(
        &'static self,
        build: Option<BuildNumber>,
        end: impl Fn() -> Ticks,
        nodes: &mut NodeReadings,
    ) -> ThreadReading {
        loop {
            let certain = internal_threads::wait_until_certain(self);
            let reading = self.read_once(build, &end, certain, nodes);
            // During the reading, an uncertain thread may have claimed the slot.
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
        self.read_consistent(|| {
            nodes.clear();
            let end = end();
            // What an uncertain thread counted may be forgotten later.
            let counters = if certain { self.tally.counters() } else { self.counters_at_claim() };
            let cut = Cut::new(self, counters, end);
            let is_read =
                |tree: &&Tree| build.is_some() && tree.build() == build && !tree.is_free();
            let trees = self.trees().filter(is_read).map(|tree| cut.read(tree, nodes)).collect();
            ThreadReading { counters, idle: cut.idle(), trees }
        })
    }
}

/// A frame at one instant.
struct CutFrame {
    frame: &'static Frame,
    /// The frame's tree.
    tree: Option<&'static Tree>,
    /// What its chain used since the entry. A chain uses nothing while a hand-off is above it.
    usage: Usage,
    /// What the thread used from the entry to that of the next frame above, of any chain.
    until_next: Usage,
    /// The thread's highest live heap since the entry, while its chain was not suspended.
    peak: i64,
    /// The highest live heap of the process since the entry.
    process_peak: i64,
}

impl CutFrame {
    fn build(&self) -> Option<BuildNumber> {
        self.tree.and_then(Tree::build)
    }
}

/// A thread's stack at one instant.
struct Cut {
    /// The innermost first, the bottom frame last.
    frames: Vec<CutFrame>,
    counters: Counters,
    end: Ticks,
    /// The build that the thread started last.
    last_started: Option<BuildNumber>,
}

impl Cut {
    fn new(thread: &'static Thread, counters: Counters, end: Ticks) -> Self {
        let mut tree = thread.current_tree();
        let last_started = thread.last_started();
        // Time and counters at the end of the chain, and at the entry of the next frame above.
        let (mut chain, mut next) = ((end, counters), (end, counters));
        let mut peak = thread.tally.peak();
        let mut process_peak = thread.process_peak_now();
        let mut frames = Vec::new();
        for frame in thread.open_frames().chain(thread.bottom()) {
            let entry = (frame.start(), frame.counters.load());
            peak = peak.max(frame.peak.load(Relaxed));
            process_peak = process_peak.max(frame.process_peak.load(Relaxed));
            frames.push(CutFrame {
                frame,
                tree,
                usage: between(entry, chain),
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

    /// What the thread did in no phase of an open build, in the bottom frame.
    fn idle(&self) -> Usage {
        let Some(bottom) = self.frames.last() else { return Usage::default() };
        let settled = bottom.frame.idle.get().map(UsageCell::load).unwrap_or_default();
        let mut idle = settled.plus(self.idle_until_now(self.frames.len() - 1));
        let top = self.frames.first().filter(|top| !std::ptr::eq(top.frame, bottom.frame));
        if let Some(tree) = top.and_then(|top| top.tree).filter(|tree| tree.is_free()) {
            // The thread has not noticed yet that the build of the innermost frame is over.
            idle.counters = idle.counters.plus(tree.done_since_cut(self.counters));
        }
        idle
    }

    /// What happened in the root frame at that index since idle time was last added.
    fn idle_until_now(&self, index: usize) -> Usage {
        let Some(root) = self.frames.get(index) else { return Usage::default() };
        let build = root.build();
        // Up to the next root frame of the same build, which has idle time of its own.
        let nearer = self.frames[..index]
            .iter()
            .rposition(|frame| frame.frame.is_root() && frame.build() == build)
            .unwrap_or(0);
        let for_others = self.frames[nearer..index]
            .iter()
            .filter(|frame| frame.frame.is_hand_off() && frame.build() != build)
            .fold(0, |sum: u64, frame| sum.wrapping_add(frame.usage.ticks));
        root.until_next.plus(Usage { ticks: for_others, ..Usage::default() })
    }

    /// Reads a tree, open calls included.
    fn read(&self, tree: &'static Tree, nodes: &mut NodeReadings) -> TreeReading {
        let range = nodes.add(tree);
        let nodes = &mut nodes.nodes[range.clone()];
        let mut reading = TreeReading {
            tree,
            is_of_build_thread: tree.is_of_build_thread(),
            left: tree.was_left(),
            nodes: range,
            idle: tree.idle.load(),
            open_intervals: Vec::new(),
            process_peak: i64::MIN,
        };
        // A thread that has ended works on no tree, but the build that it started may be open.
        if let Some(bottom) = self.frames.last()
            && bottom.tree.is_none()
            && self.last_started == tree.build()
        {
            reading.process_peak = bottom.process_peak;
        }
        for (index, open) in self.frames.iter().enumerate() {
            if !open.tree.is_some_and(|other| std::ptr::eq(other, tree)) {
                continue;
            }
            if open.frame.is_root() {
                reading.process_peak = reading.process_peak.max(open.process_peak);
                if index + 1 < self.frames.len() {
                    reading.idle = reading.idle.plus(self.idle_until_now(index));
                }
            } else {
                let caller = self.frames.get(index + 1).and_then(|outer| outer.frame.node.get());
                add_open(open, self.end, caller, nodes);
                if tree.is_timed()
                    && let Some(node) = open.frame.node.get()
                {
                    reading.open_intervals.push(open.frame.interval(node, self.end));
                }
            }
        }
        reading
    }
}

/// Adds what an open frame used until `end` to the reading of its node.
fn add_open(open: &CutFrame, end: Ticks, caller: Option<&Node>, nodes: &mut [NodeReading]) {
    let flags = open.frame.ticket().flags();
    if flags.contains(EntryFlags::REENTRANT)
        && let Some(caller) = caller.and_then(|caller| find(nodes, caller))
    {
        caller.charged_to_callees = caller.charged_to_callees.plus(open.usage);
    }
    let Some(reading) = open.frame.node.get().and_then(|node| find(nodes, node)) else { return };
    let peak = open.peak.wrapping_sub(open.frame.counters.net_bytes());
    let start = open.frame.start();
    reading.ran_here = true;
    reading.first_entry = Some(reading.first_entry.map_or(start, |first| first.min(start)));
    reading.last_exit = reading.last_exit.max(end);
    if flags.contains(EntryFlags::HAND_OFF) {
        reading.handed_off = reading.handed_off.plus(open.usage);
        reading.handed_off_peak = reading.handed_off_peak.max(peak);
        reading.handed_off_process_peak = reading.handed_off_process_peak.max(open.process_peak);
        return;
    }
    if flags.contains(EntryFlags::REENTRANT) {
        reading.reentrant = reading.reentrant.plus(open.usage);
    } else {
        reading.total = reading.total.plus(open.usage);
    }
    if !flags.contains(EntryFlags::SEGMENT) {
        reading.open_calls += 1;
    }
    reading.peak = reading.peak.max(peak);
    reading.process_peak = reading.process_peak.max(open.process_peak);
}

/// What was used from an entry to a later instant.
fn between(entry: (Ticks, Counters), then: (Ticks, Counters)) -> Usage {
    Usage { ticks: then.0.since(entry.0), counters: then.1.minus(entry.1) }
}

fn find<'nodes>(nodes: &'nodes mut [NodeReading], node: &Node) -> Option<&'nodes mut NodeReading> {
    nodes.iter_mut().find(|reading| std::ptr::eq(reading.node, node))
}
