//! Which build a thread works for: looked up whenever a build starts or ends.

use std::sync::atomic::{
    Ordering::{Relaxed, Release, SeqCst},
    fence,
};

use crate::measure::counters::{Counters, bump};
use crate::measure::ticks::{self, Ticks};
use crate::phase::frame::{Frame, Manner, raise};
use crate::phase::node::Used;
use crate::phase::open_builds::{self, BuildNumber, Epoch};
use crate::phase::tree::Tree;

use super::Thread;

impl Thread {
    /// Finds out which build the thread works for, after a build started or ended.
    #[cold]
    #[inline(never)]
    pub(super) fn look_which_builds_are_open(&'static self) {
        let epoch = Epoch::now();
        let Some(base) = self.base.get() else { return };
        if let Some(tree) = self.tree.get()
            && !tree.build().is_some_and(open_builds::is_open)
        {
            self.leave(tree, base);
        }
        if self.at_base() {
            let tree = self.build_to_join().and_then(|it| self.tree_in_time_for(it, epoch));
            let version = self.begin();
            self.tree.set(tree);
            self.own.store(tree.is_some_and(Tree::is_own), Relaxed);
            base.node.set(tree.and_then(Tree::root));
            self.end(version);
            self.base_epoch.store(epoch.to_raw(), Relaxed);
        }
        self.epoch.store(epoch.to_raw(), Relaxed);
    }

    /// The build that phases entered now, with no other open, belong to.
    pub(super) fn build_to_join(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.home.load(Relaxed))
            .filter(|&it| open_builds::is_open(it))
            .or_else(open_builds::sole)
    }

    /// The build that the thread works for now.
    pub(crate) fn build(&'static self) -> Option<BuildNumber> {
        if Epoch::now().to_raw() != self.epoch.load(Relaxed)
            || (self.at_base() && Epoch::now().to_raw() != self.base_epoch.load(Relaxed))
        {
            self.look_which_builds_are_open();
        }
        self.tree.get().and_then(Tree::build)
    }

    /// The thread's tree of `build`, unless the build has ended meanwhile: then the collector may
    /// have read the thread before there was a tree.
    ///
    /// Either this thread sees that the epoch moved, or the collector sees the tree: both write
    /// theirs, pass a fence, and read the other's.
    pub(super) fn tree_in_time_for(
        &self,
        build: BuildNumber,
        epoch: Epoch,
    ) -> Option<&'static Tree> {
        let tree = self.tree_for(build)?;
        fence(SeqCst);
        if Epoch::now() != epoch && !open_builds::is_open(build) {
            tree.collected(build);
            return None;
        }
        Some(tree)
    }

    pub(super) fn tree_for(&self, build: BuildNumber) -> Option<&'static Tree> {
        let mut trees = std::iter::successors(self.trees.get(), |it| it.next.get());
        let serving = trees.clone().find(|it| it.serves(build));
        if serving.is_some() {
            return serving;
        }
        let tree = trees.find(|it| it.is_free()).or_else(|| {
            let made = Tree::make()?;
            self.trees.push(made, |it| &it.next);
            Some(made)
        })?;
        // The runtime's own threads have no phases.
        self.uncertain.store(0, Release);
        tree.begin(build, BuildNumber::from_raw(self.home.load(Relaxed)) == Some(build));
        Some(tree)
    }

    /// Leaves a tree whose build is over: what is open stays open in its record.
    pub(super) fn leave(&self, tree: &'static Tree, base: &'static Frame) {
        let version = self.begin();
        let now = ticks::now();
        let counters = self.tally.counters();
        if let Some(first) = base.inner.get().filter(|_| !self.at_base()) {
            let outside = first.counters.load().minus(base.counters.load());
            // What came after the collector's cut is no part of the phases that it cut off.
            let after_cut =
                if tree.is_free() { counters.minus(tree.cut.load()) } else { Counters::default() };
            self.outside.add(Used {
                ticks: first.start().since(base.start()),
                counters: outside.plus(after_cut),
            });
            base.counters.store(counters);
            base.set_start(now);
        }
        self.abandon_open_frames(now, counters);
        self.tree.set(None);
        self.own.store(false, Relaxed);
        base.node.set(None);
        self.end(version);
    }

    pub(super) fn abandon_open_frames(&self, now: Ticks, counters: Counters) {
        while let Some(frame) = self.innermost.get().filter(|it| !self.is_base(it)) {
            let (Some(node), Some(outer)) = (frame.node.get(), frame.outer.get()) else { return };
            let entered = frame.counters.load();
            let used =
                Used { ticks: Self::length(frame.start(), now), counters: counters.minus(entered) };
            let manner = frame.ticket().manner();
            self.charge(node, outer, manner, used);
            if !manner.is(Manner::STRETCH) {
                bump(&node.left_open, 1);
            }
            let peak = frame.peak.load(Relaxed).max(self.tally.peak());
            raise(&node.peak, peak.wrapping_sub(entered.net_bytes.cast_signed()));
            raise(&outer.peak, peak);
            if self.own.load(Relaxed) {
                self.fold_process_level(frame);
                let process_peak = frame.process_peak.load(Relaxed);
                raise(&node.process_peak, process_peak);
                raise(&outer.process_peak, process_peak);
            }
            node.last_exit.store(now.0, Relaxed);
            node.active.store(node.active.load(Relaxed).wrapping_sub(1), Relaxed);
            frame.clear_ticket();
            self.innermost.set(Some(outer));
        }
    }
}
