//! A place's life: it is made, serves one thread after another, and starts their builds.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use crate::measure::counters::Counters;
use crate::measure::ticks::Ticks;
use crate::phase::node::Usage;
use crate::phase::open_builds::BuildNumber;
use crate::phase::tree::Tree;
use crate::registry::Registry;

use super::Thread;

impl Thread {
    /// A place that no thread has and no list knows, in a build of its own: for trying out what an
    /// entry and exit cost.
    pub(crate) fn rehearsal() -> Option<&'static Self> {
        let thread = Self::make()?;
        let tree = Tree::make()?;
        let build = BuildNumber::next();
        Registry::global().paths.begin(build);
        tree.begin(build, true);
        let epoch = Registry::global().epoch().to_raw();
        thread.epoch.store(epoch, Relaxed);
        thread.bottom_epoch.store(epoch, Relaxed);
        thread.own.store(true, Relaxed);
        thread.tree.set(Some(tree));
        thread.bottom.get()?.node.set(tree.root());
        // Makes the node that the rehearsal is about.
        tree.at(&[Registry::global().names.intern("(rehearsal)")])?;
        Registry::global().paths.end(build);
        Some(thread)
    }

    /// Takes the place for the present thread. `false` where another has it.
    pub(crate) fn take(&self) -> bool {
        let free = !self.in_use.load(Relaxed)
            && self.in_use.compare_exchange(false, true, Acquire, Relaxed).is_ok();
        if free {
            self.taken_at.store(self.tally.counters());
        }
        free
    }

    /// Gives the place back: the present thread ends. While a build that it started is open, no
    /// other thread may have the place: what is measured there is the build's own.
    pub(crate) fn release_slot(&'static self) {
        self.write(|| self.leave_all());
        for tree in self.trees().filter(|it| !it.is_free()) {
            self.write(|| tree.thread_ends());
        }
        self.epoch.store(u64::MAX, Relaxed);
        self.bottom_epoch.store(u64::MAX, Relaxed);
        self.tally.publish();
        self.vacant.store(true, SeqCst);
        if !self.has_open_build() {
            self.release_if_vacant();
        }
    }

    /// Lets another thread have the place, if the last one that had it has ended.
    pub(crate) fn release_if_vacant(&self) {
        if self.vacant.swap(false, SeqCst) {
            self.last_started.store(0, Relaxed);
            self.in_use.store(false, Release);
        }
    }

    /// Forgets what the present thread allocated since it took the place.
    pub(crate) fn forget_current_thread(&self) {
        self.tally.forget_since(self.counters_at_birth());
    }

    /// The tally when the present thread took the place.
    pub(crate) fn counters_at_birth(&self) -> Counters {
        self.taken_at.load()
    }

    /// Makes `build` one that this thread started, from `now` on. `live_bytes` is the live heap of
    /// the process. Where the thread is in the midst of another build, that is set aside until
    /// this one ends.
    pub(crate) fn start_build(&'static self, build: BuildNumber, live_bytes: i64, now: Ticks) {
        if self.at_bottom()
            && !self.last_started().is_some_and(|build| Registry::global().is_open(build))
        {
            self.last_started.store(BuildNumber::to_raw(Some(build)), Relaxed);
            self.recheck_builds();
        } else {
            self.recheck_builds();
            self.enter_started_build(build);
            self.own.store(true, Relaxed);
        }
        let Some(root) = self.innermost.get().filter(|it| it.is_root()) else { return };
        self.write(|| {
            let (counters, live) = (self.tally.counters(), self.tally.live());
            root.add_idle(Usage {
                ticks: now.since(root.start()),
                counters: counters.minus(root.counters.load()),
            });
            root.restart_root(counters, now);
            root.peak.store(live, Relaxed);
            self.tally.restart_peak(live);
            // Settles what the others told; what that was before is no part of the build. Until one
            // of them publish_count more, their level is known exactly.
            self.fold_published_level(root);
            self.others_level.store(live_bytes.wrapping_sub(live), Relaxed);
            root.process_peak.store(live_bytes, Relaxed);
        });
    }

    /// How long readings of the resident bytes stay fresh from now on.
    pub(crate) fn set_resident_fresh(&self, ticks: u64) {
        self.resident_fresh.store(ticks, Relaxed);
    }

    /// Leaves the trees of builds that are over, where there are any.
    pub(crate) fn notice_ended_builds(&'static self) {
        self.recheck_builds();
    }
}
