//! What the collector reads of one thread: a cut through its counters, taken without stopping it.

use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::Counters;
use crate::measure::ticks::Ticks;

use super::frame::{Frame, Manner};
use super::node::{Node, Used};
use super::open_builds::BuildNumber;
use super::own_threads;
use super::path::PathId;
use super::thread::Thread;
use super::tree::Tree;

/// A thread at one instant.
#[derive(Debug)]
pub(crate) struct ThreadReading {
    pub(crate) counters: Counters,
    /// What the thread did while in no phase of an open build, since it began.
    pub(crate) outside: Used,
    pub(crate) trees: Vec<TreeReading>,
    /// The process's highest level since the thread started its build; `i64::MIN` where unknown.
    pub(crate) process_peak: i64,
}

/// One tree of the build that is read.
#[derive(Debug)]
pub(crate) struct TreeReading {
    pub(crate) tree: &'static Tree,
    pub(crate) own: bool,
    pub(crate) nodes: Vec<NodeReading>,
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
    pub(crate) node: &'static Node,
    pub(crate) path: PathId,
    pub(crate) calls: u64,
    pub(crate) open_calls: u64,
    pub(crate) async_begun: u64,
    pub(crate) async_ended: u64,
    pub(crate) total: Used,
    pub(crate) again: Used,
    pub(crate) lent: Used,
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
    pub(crate) threads: u64,
}

impl NodeReading {
    fn of(node: &'static Node) -> Self {
        Self {
            node,
            path: node.path(),
            calls: node.calls.load(Relaxed),
            open_calls: node.left_open.load(Relaxed),
            async_begun: node.async_begun.load(Relaxed),
            async_ended: node.async_ended.load(Relaxed),
            total: node.total.load(),
            again: node.again.load(),
            lent: node.lent.load(),
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
            threads: node.past_threads.load(Relaxed) + u64::from(node.ran_on_present_thread()),
        }
    }
}

impl Thread {
    /// Reads the thread, and its trees of `build` where one is named, as of the time that `end`
    /// gives in the midst of it.
    pub(crate) fn read(
        &'static self,
        build: Option<BuildNumber>,
        end: impl Fn() -> Ticks,
    ) -> ThreadReading {
        loop {
            let certain = own_threads::wait_until_certain(self);
            let reading = self.read_once(build, &end, certain);
            // It may have become uncertain while it was read, by a thread that took the place.
            if !certain || !own_threads::is_uncertain(self) {
                return reading;
            }
        }
    }

    fn read_once(
        &'static self,
        build: Option<BuildNumber>,
        end: &impl Fn() -> Ticks,
        certain: bool,
    ) -> ThreadReading {
        self.read_whole(|| {
            let end = end();
            // What may be forgotten yet waits for another reading.
            let counters = if certain { self.tally.counters() } else { self.counters_at_birth() };
            let open = self.open_frames();
            let mut reading = ThreadReading {
                counters,
                outside: self.outside_until(&open, counters, end),
                trees: Vec::new(),
                process_peak: self.process_level_now(),
            };
            if let Some(base) = self.base() {
                reading.process_peak = reading.process_peak.max(base.process_peak.load(Relaxed));
            }
            for tree in self.trees().filter(|it| build.is_some() && it.build() == build) {
                if tree.is_free() {
                    continue;
                }
                let mut nodes: Vec<_> = tree.nodes().map(NodeReading::of).collect();
                if self.present_tree().is_some_and(|it| std::ptr::eq(it, tree)) {
                    let cut = Cut { counters, end, thread: self };
                    let process_peak = cut.add_open_frames(&open, &mut nodes);
                    reading.process_peak = reading.process_peak.max(process_peak);
                }
                reading.trees.push(TreeReading { tree, own: tree.is_own(), nodes });
            }
            reading
        })
    }

    fn outside_until(&self, open: &[&'static Frame], now: Counters, end: Ticks) -> Used {
        let Some(base) = self.base() else { return Used::default() };
        let since_base = match open.first() {
            Some(first) => Used {
                ticks: first.start().since(base.start()),
                counters: first.counters.load().minus(base.counters.load()),
            },
            None => {
                Used { ticks: end.since(base.start()), counters: now.minus(base.counters.load()) }
            }
        };
        let mut outside = self.outside().plus(since_base);
        if !open.is_empty()
            && let Some(tree) = self.present_tree().filter(|it| it.is_free())
        {
            // The thread has not noticed yet that the build of these phases is over.
            outside.counters = outside.counters.plus(now.minus(tree.cut.load()));
        }
        outside
    }
}

/// Where a thread is cut off from its build.
struct Cut {
    counters: Counters,
    end: Ticks,
    thread: &'static Thread,
}

impl Cut {
    /// Adds what the open frames did until now to their nodes. Gives the process's highest level
    /// that the frames know of.
    fn add_open_frames(&self, open: &[&'static Frame], nodes: &mut [NodeReading]) -> i64 {
        let mut peak = self.thread.tally.peak();
        let mut process_peak = self.thread.process_level_now();
        for (depth, frame) in open.iter().enumerate().rev() {
            let Some(node) = frame.node.get() else { continue };
            let caller = depth.checked_sub(1).and_then(|it| open.get(it)?.node.get());
            let entered = frame.counters.load();
            let used = Used {
                ticks: self.end.since(frame.start()),
                counters: self.counters.minus(entered),
            };
            let manner = frame.ticket().manner();
            peak = peak.max(frame.peak.load(Relaxed));
            process_peak = process_peak.max(frame.process_peak.load(Relaxed));
            if manner.is(Manner::AGAIN)
                && let Some(caller) = caller.and_then(|it| find(nodes, it))
            {
                caller.lent = caller.lent.plus(used);
            }
            if let Some(reading) = find(nodes, node) {
                if manner.is(Manner::AGAIN) {
                    reading.again = reading.again.plus(used);
                } else {
                    reading.total = reading.total.plus(used);
                }
                if !manner.is(Manner::STRETCH) {
                    reading.open_calls += 1;
                }
                reading.peak = reading.peak.max(peak.wrapping_sub(entered.net_bytes.cast_signed()));
                reading.process_peak = reading.process_peak.max(process_peak);
                reading.last_exit = reading.last_exit.max(self.end);
            }
        }
        process_peak
    }
}

fn find<'nodes>(nodes: &'nodes mut [NodeReading], node: &Node) -> Option<&'nodes mut NodeReading> {
    nodes.iter_mut().find(|it| std::ptr::eq(it.node, node))
}
