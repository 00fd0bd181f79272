//! What is kept of one thread: its tally, its stack of open phases, and its trees.
//!
//! # Implementation
//!
//! A [`Thread`] has one writer, the thread that it belongs to at the time, and any number of
//! readers. All that readers see is atomic, and written without locked instructions. A version
//! number, odd while an entry or exit is under way, tells a reader whether what it read belongs
//! together (a seqlock: H.-J. Boehm, *Can seqlocks get along with programming language memory
//! models?*, 2012). A reader never waits long: once a build has been closed, each thread notices
//! at its next entry or exit and leaves the build's tree alone from then on.

use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use crate::measure::counters::{Counters, bump};
use crate::measure::histogram;
use crate::measure::leak::{Slot, leak};
use crate::measure::process_level::{self, Watch};
use crate::measure::resident::resident_bytes;
use crate::measure::tally::Tally;
use crate::measure::ticks::{self, Ticks};

use super::frame::{Frame, Manner, Ticket, raise};
use super::name::{self, NameId};
use super::node::{Node, Sum, Used};
use super::open_builds::{self, BuildNumber, Epoch};
use super::path;
use super::threads::Uncounted;
use super::tree::Tree;

/// What is kept of one thread.
#[repr(align(128))]
pub(crate) struct Thread {
    pub(crate) tally: Tally,

    /// Odd while an entry or exit is under way; two more after each.
    version: AtomicU64,
    /// The epoch in which the thread last looked which builds are open.
    epoch: AtomicU64,
    /// The same, when it last looked with no phase open.
    base_epoch: AtomicU64,
    /// The innermost open frame, or the base.
    innermost: Slot<Frame>,
    /// How many of the open frames are entries of phases that were open already.
    folds: AtomicU32,
    /// Whether the tree is that of a build that this thread started.
    own: AtomicBool,
    /// See [`Self::fold_process_level`].
    others_level: AtomicI64,
    others_tells: AtomicU64,
    seen_tells: AtomicU64,
    /// Resident bytes, and when they were read.
    resident: AtomicU64,
    resident_at: AtomicU64,
    /// How many ticks a reading of the resident bytes stays fresh: about 10 ms.
    resident_fresh: AtomicU64,

    /// What the thread did while in no phase, up to the last exit to the base.
    outside: Sum,
    base: Slot<Frame>,
    tree: Slot<Tree>,
    trees: Slot<Tree>,
    /// The build that the thread started last.
    home: AtomicU64,
    /// For the highest level of the process while builds of this thread are open.
    pub(crate) watch: Watch,

    /// The tally that takes what the runtime itself allocates on this thread.
    pub(crate) silent: Tally,
    in_use: AtomicBool,
    /// Whether the present thread may turn out to be one of the runtime's own: see
    /// [`super::threads::spawn_uncounted`].
    pub(crate) uncertain: AtomicBool,
    /// The tally when the present thread took the place.
    taken_at: crate::measure::counters::CountersCell,
    /// The next in the list of all.
    pub(crate) next: Slot<Thread>,
    /// What had been outside when it was last settled between builds. Only the registry uses it.
    pub(crate) settled: Sum,
}

impl Thread {
    /// A place for a thread. `None` without memory.
    pub(crate) fn make() -> Option<&'static Self> {
        let base = Frame::make_chain(None)?;
        base.clear_ticket();
        let thread = leak(|| Self {
            tally: Tally::new(),
            version: AtomicU64::new(0),
            epoch: AtomicU64::new(u64::MAX),
            base_epoch: AtomicU64::new(u64::MAX),
            innermost: Slot::empty(),
            folds: AtomicU32::new(0),
            own: AtomicBool::new(false),
            others_level: AtomicI64::new(0),
            others_tells: AtomicU64::new(0),
            seen_tells: AtomicU64::new(0),
            resident: AtomicU64::new(0),
            resident_at: AtomicU64::new(0),
            resident_fresh: AtomicU64::new(FRESH_AT_FIRST),
            outside: Sum::zero(),
            base: Slot::empty(),
            tree: Slot::empty(),
            trees: Slot::empty(),
            home: AtomicU64::new(0),
            watch: Watch::new(),
            silent: Tally::silent(),
            in_use: AtomicBool::new(true),
            uncertain: AtomicBool::new(false),
            taken_at: crate::measure::counters::CountersCell::zero(),
            next: Slot::empty(),
            settled: Sum::zero(),
        })?;
        thread.base.set(Some(base));
        thread.innermost.set(Some(base));
        Some(thread)
    }

    // ---- entry and exit --------------------------------------------------------------------

    /// Enters a phase. `None` where no build is open for this thread.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn enter(
        &'static self,
        name: NameId,
        manner: Manner,
        items: u64,
    ) -> Option<(&'static Frame, Ticket)> {
        let epoch = Epoch::now().to_raw();
        if epoch != self.epoch.load(Relaxed) {
            self.look_which_builds_are_open();
        }
        let mut innermost = self.innermost.get()?;
        if self.is_base(innermost) && epoch != self.base_epoch.load(Relaxed) {
            self.look_which_builds_are_open();
            innermost = self.innermost.get()?;
        }
        let top = innermost.node.get()?;
        let folded = self.folds.load(Relaxed) != 0;
        let node = match top.last_child.get() {
            Some(guess) if guess.is_named(name) && !folded => guess,
            _ => {
                let found = self.tree.get()?.find(top, name, folded)?;
                top.last_child.set(Some(found));
                found
            }
        };
        let frame = innermost.inner.get().or_else(|| Frame::make_chain(Some(innermost)))?;
        Some((frame, self.push(innermost, frame, node, manner, items)))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    fn push(
        &self,
        innermost: &'static Frame,
        frame: &'static Frame,
        node: &'static Node,
        mut manner: Manner,
        items: u64,
    ) -> Ticket {
        let version = self.begin();
        let active = node.active.load(Relaxed);
        node.active.store(active + 1, Relaxed);
        if active != 0 {
            manner = manner.and(Manner::AGAIN);
            self.folds.store(self.folds.load(Relaxed) + 1, Relaxed);
        }
        if std::thread::panicking() {
            manner = manner.and(Manner::UNWINDING);
        }
        if items != 0 {
            bump(&node.items, items);
        }
        frame.node.set(Some(node));
        frame.counters.store(self.tally.counters());
        let live = self.tally.live();
        raise(&innermost.peak, self.tally.peak());
        frame.peak.store(live, Relaxed);
        let own = self.own.load(Relaxed);
        if own {
            self.fold_process_level(innermost);
            frame.process_peak.store(i64::MIN, Relaxed);
        }
        self.tally.set_peak(live);
        let ticket = Ticket::new(version, manner);
        frame.set_ticket(ticket);
        self.innermost.set(Some(frame));
        let mut start = ticks::now();
        if own {
            if start.since(Ticks(self.resident_at.load(Relaxed)))
                > self.resident_fresh.load(Relaxed)
            {
                start = self.read_resident();
            }
            frame.resident.store(self.resident.load(Relaxed), Relaxed);
        }
        frame.set_start(start);
        node.entered(start);
        self.end(version);
        ticket
    }

    /// Exits the phase that was entered with `ticket`, at `now`, and all that are open above it.
    /// Does nothing where that entry has been exited already. Gives the phase's node back where
    /// its build is still open.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    pub(crate) fn exit(
        &'static self,
        frame: &'static Frame,
        ticket: Ticket,
        now: Ticks,
    ) -> Option<&'static Node> {
        if Epoch::now().to_raw() != self.epoch.load(Relaxed) {
            self.look_which_builds_are_open();
        }
        if frame.ticket() != ticket {
            return None;
        }
        let version = self.begin();
        if self.innermost.get().is_some_and(|it| std::ptr::eq(it, frame)) {
            self.pop(frame, now);
        } else {
            self.pop_down_to(frame, now);
        }
        self.end(version);
        frame.node.get()
    }

    #[cold]
    #[inline(never)]
    fn pop_down_to(&self, frame: &'static Frame, now: Ticks) {
        while let Some(innermost) = self.innermost.get().filter(|it| !self.is_base(it)) {
            self.pop(innermost, now);
            if std::ptr::eq(innermost, frame) {
                break;
            }
        }
    }

    /// Leaves the innermost phase.
    ///
    /// PERF: where nothing was allocated or freed since the entry, the level stood still, and no
    /// peak but the process's can have changed.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "PERF: the hot path is one function, not two")]
    fn pop(&self, frame: &'static Frame, now: Ticks) {
        let (Some(node), Some(outer)) = (frame.node.get(), frame.outer.get()) else { return };
        let manner = frame.ticket().manner();
        let start = frame.start();
        let ticks = Self::length(start, now);
        let counters = self.tally.counters();
        let allocated = frame.counters.differs_from(&counters);
        if self.own.load(Relaxed) {
            self.fold_process_level(frame);
            let process_peak = frame.process_peak.load(Relaxed);
            raise(&node.process_peak, process_peak);
            raise(&outer.process_peak, process_peak);
            if ticks > self.resident_fresh.load(Relaxed) {
                self.note_resident_delta(frame, node);
            }
        }
        if allocated {
            self.pop_peak(frame, node, outer);
        }
        if manner == Manner::CALL && !std::thread::panicking() {
            node.total.add_ticks(ticks);
            if allocated {
                node.total.add_counters(counters.minus(frame.counters.load()));
            }
            node.finished(ticks);
        } else {
            self.pop_otherwise(node, outer, manner, ticks, counters.minus(frame.counters.load()));
        }
        node.last_exit.store(now.0, Relaxed);
        node.active.store(node.active.load(Relaxed).wrapping_sub(1), Relaxed);
        frame.clear_ticket();
        if self.is_base(outer) {
            if outer.counters.differs_from(&counters) {
                self.pop_to_base(frame, outer, counters);
            }
            self.outside.add_ticks(start.since(outer.start()));
            outer.set_start(now);
        }
        self.innermost.set(Some(outer));
    }

    fn pop_peak(&self, frame: &Frame, node: &Node, outer: &Frame) {
        let peak = frame.peak.load(Relaxed).max(self.tally.peak());
        raise(&node.peak, peak.wrapping_sub(frame.counters.load().net_bytes.cast_signed()));
        raise(&outer.peak, peak);
        self.tally.set_peak(self.tally.live());
    }

    /// What came between the last return to the base and this entry was outside of phases.
    #[inline(never)]
    fn pop_to_base(&self, frame: &Frame, base: &Frame, now: Counters) {
        self.outside.add_counters(frame.counters.load().minus(base.counters.load()));
        base.counters.store(now);
    }

    /// The ways to leave a phase other than returning from an ordinary call.
    #[cold]
    #[inline(never)]
    fn pop_otherwise(
        &self,
        node: &Node,
        outer: &Frame,
        manner: Manner,
        ticks: u64,
        counters: Counters,
    ) {
        self.charge(node, outer, manner, Used { ticks, counters });
        if manner.is(Manner::STRETCH) {
            return;
        }
        node.finished(ticks);
        if std::thread::panicking() && !manner.is(Manner::UNWINDING) {
            bump(&node.panics, 1);
        }
    }

    /// Adds what one entry used to the sums of its phase.
    fn charge(&self, node: &Node, outer: &Frame, manner: Manner, used: Used) {
        if manner.is(Manner::AGAIN) {
            node.again.add(used);
            if let Some(caller) = outer.node.get() {
                caller.lent.add(used);
            }
            self.folds.store(self.folds.load(Relaxed).saturating_sub(1), Relaxed);
        } else {
            node.total.add(used);
        }
    }

    /// The ticks of one call: never negative, and never more than the histogram holds.
    #[inline]
    pub(crate) fn length(start: Ticks, now: Ticks) -> u64 {
        let ticks = now.0.wrapping_sub(start.0);
        if ticks > histogram::MAX_VALUE { odd_length(start, now) } else { ticks }
    }

    // ---- the process's level ----------------------------------------------------------------

    /// Raises a frame's process peak by what happened since the last entry or exit.
    ///
    /// As long as no other thread tells that its level moved, the process's level is the others'
    /// level, which stands still, plus this thread's, which is known exactly. When one does, what
    /// the watch saw counts instead: the level at each time that any thread told.
    #[inline]
    fn fold_process_level(&self, frame: &Frame) {
        if process_level::tells() == self.seen_tells.load(Relaxed) {
            let level = self.others_level.load(Relaxed).wrapping_add(self.tally.peak());
            raise(&frame.process_peak, level);
        } else {
            self.fold_told_level(frame);
        }
    }

    #[cold]
    #[inline(never)]
    fn fold_told_level(&self, frame: &Frame) {
        let tells = process_level::tells();
        let watched = self.watch.harvest();
        let others_tells = tells.wrapping_sub(self.tally.tells());
        if others_tells == self.others_tells.load(Relaxed) {
            let level = self.others_level.load(Relaxed).wrapping_add(self.tally.peak());
            raise(&frame.process_peak, level);
        } else {
            let others_level = process_level::level().wrapping_sub(self.tally.told());
            raise(&frame.process_peak, watched);
            raise(&frame.process_peak, others_level.wrapping_add(self.tally.live()));
            self.others_level.store(others_level, Relaxed);
            self.others_tells.store(others_tells, Relaxed);
        }
        self.seen_tells.store(tells, Relaxed);
    }

    /// The process's highest level since the last entry or exit, as a reader on another thread
    /// can tell it.
    pub(crate) fn process_level_now(&self) -> i64 {
        let tells = process_level::tells().wrapping_sub(self.tally.tells());
        if tells == self.others_tells.load(Relaxed) {
            self.others_level.load(Relaxed).wrapping_add(self.tally.peak())
        } else {
            let level = process_level::level().wrapping_sub(self.tally.told());
            self.watch.highest().max(level.wrapping_add(self.tally.live()))
        }
    }

    // ---- resident memory --------------------------------------------------------------------

    #[cold]
    #[inline(never)]
    fn read_resident(&self) -> Ticks {
        let _uncounted = Uncounted::begin();
        self.resident.store(resident_bytes().unwrap_or(UNKNOWN_RESIDENT), Relaxed);
        let now = ticks::now();
        self.resident_at.store(now.0, Relaxed);
        now
    }

    #[cold]
    #[inline(never)]
    fn note_resident_delta(&self, frame: &Frame, node: &Node) {
        self.read_resident();
        let (before, after) = (frame.resident.load(Relaxed), self.resident.load(Relaxed));
        if before != UNKNOWN_RESIDENT && after != UNKNOWN_RESIDENT {
            let delta = after.wrapping_sub(before).cast_signed();
            let sum = node.resident_delta.load(Relaxed).wrapping_add(delta);
            node.resident_delta.store(sum, Relaxed);
            bump(&node.resident_calls, 1);
        }
    }

    // ---- which build ------------------------------------------------------------------------

    /// Finds out which build the thread works for, after a build started or ended.
    #[cold]
    #[inline(never)]
    fn look_which_builds_are_open(&'static self) {
        let epoch = Epoch::now();
        let Some(base) = self.base.get() else { return };
        if let Some(tree) = self.tree.get()
            && !tree.build().is_some_and(open_builds::is_open)
        {
            self.leave(tree, base);
        }
        if self.at_base() {
            let build = self.build_to_join();
            let tree = build.and_then(|it| self.tree_for(it));
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
    fn build_to_join(&self) -> Option<BuildNumber> {
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

    fn tree_for(&self, build: BuildNumber) -> Option<&'static Tree> {
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
        tree.begin(build, BuildNumber::from_raw(self.home.load(Relaxed)) == Some(build));
        Some(tree)
    }

    /// Leaves a tree whose build is over: what is open stays open in its record.
    fn leave(&self, tree: &'static Tree, base: &'static Frame) {
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

    fn abandon_open_frames(&self, now: Ticks, counters: Counters) {
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
            node.last_exit.store(now.0, Relaxed);
            node.active.store(node.active.load(Relaxed).wrapping_sub(1), Relaxed);
            frame.clear_ticket();
            self.innermost.set(Some(outer));
        }
    }

    // ---- life -------------------------------------------------------------------------------

    /// A place that no thread has and no list knows, in a build of its own: for trying out what an
    /// entry and exit cost.
    pub(crate) fn rehearsal() -> Option<&'static Self> {
        let thread = Self::make()?;
        let tree = Tree::make()?;
        let build = BuildNumber::next();
        path::begin(build);
        tree.begin(build, true);
        let epoch = Epoch::now().to_raw();
        thread.epoch.store(epoch, Relaxed);
        thread.base_epoch.store(epoch, Relaxed);
        thread.own.store(true, Relaxed);
        thread.tree.set(Some(tree));
        thread.base.get()?.node.set(tree.root());
        // Makes the node that the rehearsal is about.
        tree.at(&[name::intern("(rehearsal)")])?;
        path::end(build);
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

    /// Gives the place back: the present thread ends.
    pub(crate) fn give_back(&'static self) {
        if let (Some(tree), Some(base)) = (self.tree.get(), self.base.get()) {
            self.leave(tree, base);
        }
        let trees = std::iter::successors(self.trees.get(), |it| it.next.get());
        for tree in trees.filter(|it| !it.is_free()) {
            tree.thread_ends();
        }
        self.home.store(0, Relaxed);
        self.epoch.store(u64::MAX, Relaxed);
        self.base_epoch.store(u64::MAX, Relaxed);
        self.tally.tell();
        self.in_use.store(false, Release);
    }

    /// Forgets what the present thread allocated since it took the place.
    pub(crate) fn forget_present_thread(&self) {
        self.tally.forget_since(self.taken_at.load());
    }

    /// Makes `build` the one that this thread started, from `now` on. `live_bytes` is the live heap
    /// of the process.
    pub(crate) fn start_build(&'static self, build: BuildNumber, live_bytes: i64, now: Ticks) {
        self.home.store(BuildNumber::to_raw(Some(build)), Relaxed);
        self.look_which_builds_are_open();
        let Some(base) = self.base.get().filter(|_| self.at_base()) else { return };
        let version = self.begin();
        let counters = self.tally.counters();
        self.outside.add_counters(counters.minus(base.counters.load()));
        base.counters.store(counters);
        let live = self.tally.live();
        base.peak.store(live, Relaxed);
        self.tally.set_peak(live);
        // Settles what the others told; what that was before is no part of the build. Until one of
        // them tells more, their level is known exactly.
        self.fold_told_level(base);
        self.others_level.store(live_bytes.wrapping_sub(live), Relaxed);
        base.process_peak.store(i64::MIN, Relaxed);
        self.outside.add_ticks(now.since(base.start()));
        base.set_start(now);
        self.end(version);
    }

    /// How long readings of the resident bytes stay fresh from now on.
    pub(crate) fn set_resident_fresh(&self, ticks: u64) {
        self.resident_fresh.store(ticks, Relaxed);
    }

    /// Leaves the trees of builds that are over, where there are any.
    pub(crate) fn notice_ended_builds(&'static self) {
        self.look_which_builds_are_open();
    }

    // ---- the present frame ------------------------------------------------------------------

    /// The phase that is open innermost, in a build that is still open.
    pub(crate) fn present_phase(&'static self) -> Option<&'static Node> {
        self.build()?;
        let innermost = self.innermost.get().filter(|it| !self.is_base(it))?;
        innermost.node.get()
    }

    /// Changes something of a node of this thread, so that no reader sees half of it.
    pub(crate) fn write<T>(&self, change: impl FnOnce() -> T) -> T {
        let version = self.begin();
        let result = change();
        self.end(version);
        result
    }

    /// The node of a path in the tree of the thread's present build.
    pub(crate) fn node_at(&self, steps: &[NameId]) -> Option<&'static Node> {
        self.tree.get()?.at(steps)
    }

    #[inline]
    fn is_base(&self, frame: &Frame) -> bool {
        self.base.get().is_some_and(|it| std::ptr::eq(it, frame))
    }

    fn at_base(&self) -> bool {
        self.innermost.get().is_some_and(|it| self.is_base(it))
    }

    // ---- readers ----------------------------------------------------------------------------

    #[inline]
    fn begin(&self) -> u64 {
        let version = self.version.load(Relaxed);
        self.version.store(version.wrapping_add(1), Relaxed);
        fence(Release);
        version
    }

    #[inline]
    fn end(&self, version: u64) {
        self.version.store(version.wrapping_add(2), Release);
    }

    /// Runs `read` until no entry or exit came in between, and gives its result.
    pub(crate) fn read_whole<T>(&self, mut read: impl FnMut() -> T) -> T {
        let mut tries = 0_u32;
        loop {
            let before = self.version.load(Acquire);
            if before & 1 == 0 {
                let result = read();
                fence(Acquire);
                if self.version.load(Relaxed) == before {
                    return result;
                }
            }
            tries += 1;
            if tries.is_multiple_of(64) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    /// The frames that are open, the outermost first. For use in [`Self::read_whole`].
    pub(crate) fn open_frames(&self) -> Vec<&'static Frame> {
        let open = |it: &&'static Frame| !self.is_base(it);
        let mut frames: Vec<_> =
            std::iter::successors(self.innermost.get().filter(open), |it| it.outer.get())
                .take_while(open)
                .collect();
        frames.reverse();
        frames
    }

    pub(crate) fn base(&self) -> Option<&'static Frame> {
        self.base.get()
    }

    pub(crate) fn outside(&self) -> Used {
        self.outside.load()
    }

    /// The tree that the open frames are of.
    pub(crate) fn present_tree(&self) -> Option<&'static Tree> {
        self.tree.get()
    }

    /// All trees of the thread.
    pub(crate) fn trees(&self) -> impl Iterator<Item = &'static Tree> {
        std::iter::successors(self.trees.get(), |it| it.next.get())
    }

    /// The build that the thread started last.
    pub(crate) fn home(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.home.load(Acquire))
    }
}

/// About 10 ms on a counter of 3 GHz, until the first build has measured how long that is.
const FRESH_AT_FIRST: u64 = 30_000_000;
/// Stands for resident bytes that the system does not tell.
const UNKNOWN_RESIDENT: u64 = u64::MAX;

/// Whether a counter was seen to step back since this was last asked.
static STEPPED_BACK: AtomicBool = AtomicBool::new(false);

/// Whether the counter stepped back on any thread since this was last asked.
pub(crate) fn take_stepped_back() -> bool {
    STEPPED_BACK.swap(false, Relaxed)
}

#[cold]
#[inline(never)]
fn odd_length(start: Ticks, now: Ticks) -> u64 {
    if now < start {
        STEPPED_BACK.store(true, Relaxed);
    }
    now.since(start).min(histogram::MAX_VALUE)
}
