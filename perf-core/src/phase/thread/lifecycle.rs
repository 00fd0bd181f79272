//! The life of a slot: threads claim and release it, start builds, join the builds of others, and
//! leave builds that have ended.

use std::sync::atomic::{
    Ordering::{Relaxed, Release, SeqCst},
    fence,
};

use crate::measure::counters::Counters;
use crate::measure::ticks::{self, Ticks};
use crate::phase::global::{OPEN_BUILDS, PATHS};
use crate::phase::name::NAMES;
use crate::phase::node::Usage;
use crate::phase::open_builds::{BuildNumber, Epoch};
use crate::phase::tree::Tree;

use super::slow_path::End;
use super::{RECHECK_BUILDS, STALE_ROOT, Thread};

/// Claiming and releasing the slot.
impl Thread {
    /// Claims the slot for the current thread. Returns `false` if another thread has it.
    pub(crate) fn try_claim(&self) -> bool {
        let claimed = self.state.try_claim();
        if claimed {
            self.claimed_at.store(self.tally.counters());
        }
        claimed
    }

    /// Releases the slot, as the current thread ends. While a build that the thread started is open,
    /// no other thread may claim the slot, as it would be measured as the build thread.
    pub(crate) fn release_slot(&'static self) {
        self.write(|| self.leave_all());
        for tree in self.trees().filter(|tree| !tree.is_free()) {
            self.write(|| tree.thread_ends());
        }
        self.epoch.store(u64::MAX, Relaxed);
        self.bottom_epoch.store(u64::MAX, Relaxed);
        self.tally.publish();
        self.state.vacate(|| self.has_open_build(), || self.forget_last_started());
    }

    /// Releases the slot if its thread has ended. To be called when its last build was closed.
    pub(crate) fn release_if_vacant(&self) {
        self.state.release_if_vacant(|| self.forget_last_started());
    }

    fn forget_last_started(&self) {
        self.last_started.store(0, Relaxed);
    }

    /// Forgets what the current thread allocated since it claimed the slot.
    pub(crate) fn forget_current_thread(&self) {
        self.tally.forget_since(self.counters_at_claim());
    }

    /// The tally when the current thread claimed the slot.
    pub(crate) fn counters_at_claim(&self) -> Counters {
        self.claimed_at.load()
    }

    /// A slot outside of the list of all, in a build of its own, for measuring the cost of an entry and
    /// exit.
    pub(crate) fn rehearsal() -> Option<&'static Self> {
        let thread = Self::make()?;
        let tree = Tree::make()?;
        let build = BuildNumber::next();
        PATHS.begin(build);
        tree.begin(build, true);
        let epoch = OPEN_BUILDS.epoch().to_raw();
        thread.epoch.store(epoch, Relaxed);
        thread.bottom_epoch.store(epoch, Relaxed);
        thread.owns_build.store(true, Relaxed);
        thread.tree.set(Some(tree));
        thread.bottom.get()?.node.set(tree.root());
        // Makes the node that the rehearsal enters.
        tree.at(&[NAMES.intern("(rehearsal)")])?;
        PATHS.end(build);
        Some(thread)
    }
}

/// Starting and joining builds.
impl Thread {
    /// Starts `build` on this thread at `now`. `live_bytes` is the live heap of the process. A build
    /// that the thread works for already is suspended until this one ends.
    pub(crate) fn start_build(&'static self, build: BuildNumber, live_bytes: i64, now: Ticks) {
        if self.at_bottom() && !self.last_started().is_some_and(|build| OPEN_BUILDS.is_open(build))
        {
            self.last_started.store(BuildNumber::to_raw(Some(build)), Relaxed);
            self.recheck_builds();
        } else {
            self.recheck_builds();
            self.enter_started_build(build);
            self.owns_build.store(true, Relaxed);
        }
        let Some(root) = self.innermost.get().filter(|frame| frame.is_root()) else { return };
        self.write(|| {
            let (counters, live) = (self.tally.counters(), self.tally.live());
            root.add_idle(Usage {
                ticks: now.since(root.start()),
                counters: counters.minus(root.counters.load()),
            });
            root.restart_root(counters, now);
            root.peak.store(live, Relaxed);
            self.tally.restart_peak(live);
            // Peaks before the build do not count. Until another thread publishes its level, that of
            // all others is known exactly.
            self.raise_published_peak(root);
            self.others_level.store(live_bytes.wrapping_sub(live), Relaxed);
            root.process_peak.store(live_bytes, Relaxed);
        });
    }

    /// Sets how many ticks a reading of resident memory stays valid.
    pub(crate) fn set_resident_interval(&self, ticks: u64) {
        self.resident_interval.store(ticks, Relaxed);
    }

    /// Finds out which build the thread works for, if a build started or ended since it last did.
    pub(super) fn recheck_builds_if_changed(&'static self) {
        let epoch = OPEN_BUILDS.epoch().to_raw();
        if epoch != self.epoch.load(Relaxed)
            || (self.at_bottom() && epoch != self.bottom_epoch.load(Relaxed))
        {
            self.recheck_builds();
        }
    }

    /// Finds out which build the thread works for: leaves builds that have ended, and joins one if the
    /// thread is in none.
    #[cold]
    #[inline(never)]
    pub(crate) fn recheck_builds(&'static self) {
        let epoch = OPEN_BUILDS.epoch();
        if self.tree.get().is_some_and(is_over) {
            self.write(|| self.leave_ended_builds(self.leave_top()));
        }
        if self.at_bottom() {
            let tree = self.build_to_join().and_then(|build| {
                self.tree_if_open(build, epoch, self.last_started() == Some(build))
            });
            self.write(|| self.work_at_bottom_on(tree));
            self.bottom_epoch.store(epoch.to_raw(), Relaxed);
        }
        self.set_slow_path_flag(STALE_ROOT, self.bottom_epoch.load(Relaxed) != epoch.to_raw());
        self.owns_build.store(self.has_open_build(), Relaxed);
        self.epoch.store(epoch.to_raw(), Relaxed);
    }

    /// The build of phases that are entered while no other is open.
    fn build_to_join(&self) -> Option<BuildNumber> {
        self.last_started()
            .filter(|&build| OPEN_BUILDS.is_open(build))
            .or_else(|| OPEN_BUILDS.sole())
    }

    /// The build that the thread works for.
    pub(crate) fn build(&'static self) -> Option<BuildNumber> {
        self.recheck_builds_if_changed();
        self.tree.get().and_then(Tree::build)
    }

    /// The thread's tree of `build`. `None` if the build has ended since `epoch`: the collector may
    /// have read the thread before the tree existed.
    ///
    /// The thread stores its tree and then loads the epoch; the collector stores the epoch and then
    /// loads the trees. With a `SeqCst` fence in between on both sides, at least one side sees the
    /// other's store (the handshake of Dekker's algorithm).
    pub(super) fn tree_if_open(
        &self,
        build: BuildNumber,
        epoch: Epoch,
        is_of_build_thread: bool,
    ) -> Option<&'static Tree> {
        let tree = self.tree_for(build, is_of_build_thread)?;
        fence(SeqCst);
        if OPEN_BUILDS.epoch() != epoch && !OPEN_BUILDS.is_open(build) {
            tree.discard();
            return None;
        }
        Some(tree)
    }

    fn tree_for(&self, build: BuildNumber, is_of_build_thread: bool) -> Option<&'static Tree> {
        if let Some(serving) = self.trees().find(|tree| tree.serves(build)) {
            return Some(serving);
        }
        let is_unused = |tree: &&Tree| tree.is_free() && !self.is_on_stack(tree);
        let tree = self.trees().find(is_unused).or_else(|| {
            let tree = Tree::make()?;
            self.trees.push(tree, |tree| &tree.next);
            Some(tree)
        })?;
        // The runtime's threads enter no phases, so this thread is certain.
        self.uncertain.store(0, Release);
        tree.begin(build, is_of_build_thread);
        Some(tree)
    }

    /// Whether a frame on the stack is of that tree. Its build may be over if a hand-off is above it.
    fn is_on_stack(&self, tree: &Tree) -> bool {
        let hand_offs = self.open_frames().filter(|frame| frame.is_hand_off());
        let below = hand_offs.filter_map(|frame| frame.tree_below.get());
        self.tree.get().into_iter().chain(below).any(|other| std::ptr::eq(other, tree))
    }

    /// Whether a build that the thread started is open.
    fn has_open_build(&self) -> bool {
        self.trees().any(|tree| tree.is_of_build_thread() && !is_over(tree))
    }

    /// Makes `tree` the tree of the bottom frame.
    fn work_at_bottom_on(&self, tree: Option<&'static Tree>) {
        self.work_on(tree);
        if let Some(bottom) = self.bottom.get() {
            bottom.node.set(tree.and_then(Tree::root));
        }
    }
}

fn is_over(tree: &Tree) -> bool {
    !tree.build().is_some_and(|build| OPEN_BUILDS.is_open(build))
}

/// Leaving builds.
impl Thread {
    /// Pops the frames on top of the stack whose builds are over. Their phases stay open in the
    /// records. `since_cut` is what the thread did there since the collector read it. To be called
    /// within [`Self::write`].
    pub(super) fn leave_ended_builds(&self, since_cut: Counters) {
        self.idle.add_counters(since_cut);
        while let Some(tree) = self.tree.get()
            && is_over(tree)
        {
            self.leave_chain(tree);
        }
        self.set_slow_path_flag(RECHECK_BUILDS, false);
    }

    /// Pops the current chain, which is of this tree.
    fn leave_chain(&self, tree: &Tree) {
        let now = ticks::now();
        if let Some(bottom) = self.chain().last() {
            self.pop_down_to(bottom, End::LeftOpen, now);
        }
        // Popping a hand-off restores the tree below it. Otherwise the tree was that of the bottom
        // frame.
        if self.tree.get().is_some_and(|current| std::ptr::eq(current, tree)) && self.at_bottom() {
            self.work_at_bottom_on(None);
        }
    }

    /// Pops all frames, as the thread ends.
    fn leave_all(&self) {
        self.idle.add_counters(self.leave_top());
        let now = ticks::now();
        if let Some(lowest) = self.open_frames().last() {
            self.pop_down_to(lowest, End::LeftOpen, now);
        }
        self.work_at_bottom_on(None);
        self.resume_suspended_builds(now);
    }

    /// Records that the thread leaves the phases on top of its stack, if their build is over. If the
    /// collector has read the thread, returns what it did in them since. To be called within
    /// [`Self::write`].
    fn leave_top(&self) -> Counters {
        // The thread has stored its version, and loads whether the build is over; the collector stores
        // that it is over, and loads the version. With a fence on both sides, at least one sees the
        // other's store, as in `tree_if_open`: the thread sees that the build is over, or the
        // collector sees that it must read again.
        fence(SeqCst);
        match self.tree.get().filter(|tree| is_over(tree) && !self.at_bottom()) {
            Some(tree) => tree.leave(self.tally.counters()),
            None => Counters::default(),
        }
    }
}
