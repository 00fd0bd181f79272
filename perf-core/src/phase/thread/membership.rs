//! Which build a thread works for: looked up whenever a build starts or ends.

use std::sync::atomic::{
    Ordering::{Relaxed, Release, SeqCst},
    fence,
};

use crate::measure::counters::Counters;
use crate::measure::ticks;
use crate::phase::open_builds::{BuildNumber, Epoch};
use crate::phase::tree::Tree;
use crate::registry::Registry;

use super::slow_path::End;
use super::{RECHECK_BUILDS, STALE_ROOT, Thread};

impl Thread {
    /// Finds out which build the thread works for, if a build started or ended since it last did.
    pub(super) fn recheck_builds_if_changed(&'static self) {
        let epoch = Registry::global().epoch().to_raw();
        if epoch != self.epoch.load(Relaxed)
            || (self.at_bottom() && epoch != self.bottom_epoch.load(Relaxed))
        {
            self.recheck_builds();
        }
    }

    /// Finds out which build the thread works for, after a build started or ended.
    #[cold]
    #[inline(never)]
    pub(super) fn recheck_builds(&'static self) {
        let epoch = Registry::global().epoch();
        if self.tree.get().is_some_and(Self::is_over) {
            self.write(|| self.leave_ended_builds(self.leave_top()));
        }
        if self.at_bottom() {
            let tree = self
                .build_to_join()
                .and_then(|it| self.tree_in_time_for(it, epoch, self.last_started() == Some(it)));
            self.write(|| self.work_at_bottom_on(tree));
            self.bottom_epoch.store(epoch.to_raw(), Relaxed);
        }
        self.set_slow_path_flag(STALE_ROOT, self.bottom_epoch.load(Relaxed) != epoch.to_raw());
        self.own.store(self.has_open_build(), Relaxed);
        self.epoch.store(epoch.to_raw(), Relaxed);
    }

    fn is_over(tree: &Tree) -> bool {
        !tree.build().is_some_and(|build| Registry::global().is_open(build))
    }

    /// The build that phases entered now, with no other open, belong to.
    fn build_to_join(&self) -> Option<BuildNumber> {
        self.last_started()
            .filter(|&it| Registry::global().is_open(it))
            .or_else(|| Registry::global().sole())
    }

    /// The build that the thread works for now.
    pub(crate) fn build(&'static self) -> Option<BuildNumber> {
        self.recheck_builds_if_changed();
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
        own: bool,
    ) -> Option<&'static Tree> {
        let tree = self.tree_for(build, own)?;
        fence(SeqCst);
        if Registry::global().epoch() != epoch && !Registry::global().is_open(build) {
            tree.discard();
            return None;
        }
        Some(tree)
    }

    /// Whether some frame of the stack is of that tree: of a build that is over, below work for
    /// another.
    fn is_on_stack(&self, tree: &Tree) -> bool {
        let below =
            self.open_frames().filter(|it| it.is_hand_off()).filter_map(|it| it.tree_below.get());
        self.tree.get().into_iter().chain(below).any(|it| std::ptr::eq(it, tree))
    }

    fn tree_for(&self, build: BuildNumber, own: bool) -> Option<&'static Tree> {
        let mut trees = self.trees();
        if let Some(serving) = self.trees().find(|it| it.serves(build)) {
            return Some(serving);
        }
        let tree = trees.find(|it| it.is_free() && !self.is_on_stack(it)).or_else(|| {
            let made = Tree::make()?;
            self.trees.push(made, |it| &it.next);
            Some(made)
        })?;
        // The runtime's own threads have no phases.
        self.uncertain.store(0, Release);
        tree.begin(build, own);
        Some(tree)
    }

    /// Leaves what is open of builds that are over, as far as it is on top of the stack: it stays
    /// open in their records. `since_cut` is what was done there since the collector read it. To be
    /// called within [`Self::write`].
    pub(super) fn leave_ended_builds(&self, since_cut: Counters) {
        self.idle.add_counters(since_cut);
        while let Some(tree) = self.tree.get()
            && Self::is_over(tree)
        {
            self.leave_chain(tree);
        }
        self.set_slow_path_flag(RECHECK_BUILDS, false);
    }

    /// Leaves the chain that the thread works for, which is of this tree.
    fn leave_chain(&self, tree: &Tree) {
        let now = ticks::now();
        if let Some(bottom) = self.chain().last() {
            self.pop_down_to(bottom, End::LeftOpen, now);
        }
        // A chain that was handed over brought its own tree; otherwise it was that of the base.
        if self.tree.get().is_some_and(|it| std::ptr::eq(it, tree)) && self.at_bottom() {
            self.work_at_bottom_on(None);
        }
    }

    /// Makes a tree the one that what is done at the base is of.
    fn work_at_bottom_on(&self, tree: Option<&'static Tree>) {
        self.work_on(tree);
        if let Some(bottom) = self.bottom.get() {
            bottom.node.set(tree.and_then(Tree::root));
        }
    }

    /// Leaves all that is open: the thread ends.
    pub(super) fn leave_all(&self) {
        self.idle.add_counters(self.leave_top());
        let now = ticks::now();
        if let Some(lowest) = self.open_frames().last() {
            self.pop_down_to(lowest, End::LeftOpen, now);
        }
        self.work_at_bottom_on(None);
        self.resume_suspended_builds(now);
    }

    /// Whether a build that the thread started is open.
    pub(super) fn has_open_build(&self) -> bool {
        self.trees().any(|it| it.is_of_build_thread() && !Self::is_over(it))
    }

    /// Notes that the thread leaves the phases on top of its stack, where their build is over. Gives
    /// what it did in them since the collector read it, as far as the collector has come. To be called
    /// within [`Self::write`].
    fn leave_top(&self) -> Counters {
        // Either this thread sees that the build is over, or the collector sees that it is to read the
        // thread again: both write theirs, pass a fence, and read the other's.
        fence(SeqCst);
        match self.tree.get().filter(|it| Self::is_over(it) && !self.at_bottom()) {
            Some(tree) => tree.leave(self.tally.counters()),
            None => Counters::default(),
        }
    }
}
