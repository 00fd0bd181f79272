//! What is kept of one thread: its tally, its stack of open phases, and its trees.
//!
//! # Implementation
//!
//! A [`Thread`] has one writer, the thread that it belongs to at the time, and any number of
//! readers. All that readers see is atomic, and written without locked instructions. A [`Version`]
//! publish_count a reader whether what it read belongs together. A reader never waits long: once a build has been closed, each thread notices
//! at its next entry or exit and leaves the build's tree alone from then on.

pub(crate) mod fast_path;
mod hand_off;
mod level;
mod membership;
mod resident;
mod slot;
pub(crate) mod slow_path;

use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed},
};

use crate::measure::counters::CountersCell;
use crate::measure::leak::{Slot, leak};
use crate::measure::process_level::PeakWatch;
use crate::measure::tally::Tally;
use crate::measure::ticks;
use crate::measure::version::Version;

use super::frame::Frame;
use super::name::NameId;
use super::node::{Node, UsageCell};
use super::open_builds::BuildNumber;
use super::path::PathId;
use super::tree::Tree;
use crate::registry::Registry;

/// The bits of [`Thread::slow_path_flags`] that count the open frames of the present chain which are entries
/// of phases that were open already.
const RECURSION_DEPTH: u32 = (1 << 24) - 1;
/// Which builds are open is to be looked at before anything else is done.
const RECHECK_BUILDS: u32 = 1 << 24;
/// Builds started or ended since the thread last looked which it works for when in no phase.
const STALE_ROOT: u32 = 1 << 25;

/// Work for a build that this thread started in the midst of others was taken off the stack.
const RESUME_SUSPENDED: u32 = 1 << 27;
/// Calls leave intervals.
const RECORD_INTERVALS: u32 = 1 << 26;

/// What is kept of one thread.
///
/// PERF: what each entry and exit touches are two lines of the cache, the tally and the next.
#[repr(C, align(128))]
pub(crate) struct Thread {
    pub(crate) tally: Tally,

    /// Tells readers whether what they read of all below belongs together.
    version: Version,
    /// The epoch in which the thread last looked which builds are open.
    epoch: AtomicU64,
    /// The innermost open frame, or the base.
    innermost: Slot<Frame>,
    /// What makes entries other than ordinary: 0 where nothing does. See [`RECURSION_DEPTH`], [`RECHECK_BUILDS`],
    /// [`STALE_ROOT`], [`RESUME_SUSPENDED`] and [`RECORD_INTERVALS`].
    slow_path_flags: AtomicU32,
    /// Whether a build that this thread started is open.
    own: AtomicBool,
    /// See [`Self::fold_process_level`].
    others_level: AtomicI64,
    seen_publish_count: AtomicU64,
    /// When the resident bytes were read.
    resident_at: AtomicU64,
    /// How many ticks a reading of the resident bytes stays fresh: about 10 ms.
    resident_fresh: AtomicU64,

    /// The epoch in which the thread last looked which builds are open, with no phase open.
    bottom_epoch: AtomicU64,
    others_publish_count: AtomicU64,
    /// Resident bytes.
    resident: AtomicU64,

    /// What the thread did while in no phase, up to the last exit to the base.
    idle: UsageCell,
    bottom: Slot<Frame>,
    tree: Slot<Tree>,
    trees: Slot<Tree>,
    /// The build that the thread started last.
    last_started: AtomicU64,
    /// For the highest level of the process while builds of this thread are open.
    pub(crate) watch: PeakWatch,

    /// The spans of `tracing` that the thread made, as far as they are ordinary.
    #[cfg(feature = "tracing")]
    pub(crate) spans: Slot<crate::tracing_layer::SpanTable>,

    /// The tally that takes what the runtime itself allocates on this thread.
    pub(crate) unpublished: Tally,
    in_use: AtomicBool,
    /// Whether the thread that has the place has ended.
    vacant: AtomicBool,
    /// Whether the present thread may turn out to be one of the runtime's own: see
    /// [`super::internal_threads`].
    pub(crate) uncertain: AtomicU64,
    /// The tally when the present thread took the place.
    taken_at: CountersCell,
    /// The next in the list of all.
    pub(crate) next: Slot<Thread>,
    /// What had been idle when it was last settled between builds. Only the registry uses it.
    pub(crate) settled: UsageCell,
}

impl Thread {
    /// A place for a thread. `None` without memory.
    pub(crate) fn make() -> Option<&'static Self> {
        let bottom = Frame::make_bottom()?;
        let thread = leak(|| Self {
            tally: Tally::new(),
            version: Version::new(),
            epoch: AtomicU64::new(u64::MAX),
            bottom_epoch: AtomicU64::new(u64::MAX),
            innermost: Slot::empty(),
            slow_path_flags: AtomicU32::new(0),
            own: AtomicBool::new(false),
            others_level: AtomicI64::new(0),
            others_publish_count: AtomicU64::new(0),
            seen_publish_count: AtomicU64::new(0),
            resident: AtomicU64::new(0),
            resident_at: AtomicU64::new(0),
            resident_fresh: AtomicU64::new(ticks::max_ticks_in_10_ms()),
            idle: UsageCell::zero(),
            bottom: Slot::empty(),
            tree: Slot::empty(),
            trees: Slot::empty(),
            last_started: AtomicU64::new(0),
            watch: PeakWatch::new(),
            #[cfg(feature = "tracing")]
            spans: Slot::empty(),
            unpublished: Tally::unpublished(),
            in_use: AtomicBool::new(true),
            vacant: AtomicBool::new(false),
            uncertain: AtomicU64::new(0),
            taken_at: CountersCell::zero(),
            next: Slot::empty(),
            settled: UsageCell::zero(),
        })?;
        bottom.idle.set(Some(&thread.idle));
        thread.bottom.set(Some(bottom));
        thread.innermost.set(Some(bottom));
        Some(thread)
    }

    /// The phase that is open innermost, in a build that is still open.
    pub(crate) fn innermost_phase(&'static self) -> Option<&'static Node> {
        self.build()?;
        let innermost = self.innermost.get().filter(|it| !it.is_root())?;
        innermost.node.get()
    }

    /// The build that the thread works for, and the path of the phase that is open innermost.
    pub(crate) fn current_chain(&'static self) -> Option<(BuildNumber, PathId)> {
        let build = self.build()?;
        let innermost = self.innermost.get()?;
        Some((build, innermost.node.get()?.path()))
    }

    /// Makes a tree the one that the innermost frames are of.
    fn work_on(&self, tree: Option<&'static Tree>) {
        self.tree.set(tree);
        self.set_slow_path_flag(RECORD_INTERVALS, tree.is_some_and(Tree::is_timed));
    }

    /// Changes something of a node of this thread, so that no reader sees half of it.
    pub(crate) fn write<T>(&self, change: impl FnOnce() -> T) -> T {
        let version = self.version.begin();
        let result = change();
        self.version.end(version);
        result
    }

    /// The node of a path in the thread's tree of a build. `None` after the build's end.
    pub(crate) fn node_at(&self, build: BuildNumber, steps: &[NameId]) -> Option<&'static Node> {
        if !Registry::global().is_open(build) {
            return None;
        }
        self.tree_in_time_for(build, Registry::global().epoch(), false)?.at(steps)
    }

    /// How many of the open frames of the present chain are entries of phases that were open
    /// already.
    #[inline]
    fn recursion_depth(&self) -> u32 {
        self.slow_path_flags.load(Relaxed) & RECURSION_DEPTH
    }

    fn set_recursion_depth(&self, folds: u32) {
        self.slow_path_flags.store(
            self.slow_path_flags.load(Relaxed) & !RECURSION_DEPTH | folds.min(RECURSION_DEPTH),
            Relaxed,
        );
    }

    fn set_slow_path_flag(&self, bit: u32, on: bool) {
        let others = self.slow_path_flags.load(Relaxed) & !bit;
        self.slow_path_flags.store(if on { others | bit } else { others }, Relaxed);
    }

    fn is_bottom(&self, frame: &Frame) -> bool {
        self.bottom.get().is_some_and(|it| std::ptr::eq(it, frame))
    }

    fn at_bottom(&self) -> bool {
        self.innermost.get().is_some_and(|it| self.is_bottom(it))
    }

    /// Runs `read` until no entry or exit came in between, and gives its result.
    pub(crate) fn read_whole<T>(&self, read: impl FnMut() -> T) -> T {
        self.version.read_whole(read)
    }

    /// The frames above the base, the innermost first.
    pub(crate) fn open_frames(&self) -> impl Iterator<Item = &'static Frame> {
        std::iter::successors(self.innermost.get(), |it| it.outer.get())
            .take_while(|it| !self.is_bottom(it))
    }

    pub(crate) fn bottom(&self) -> Option<&'static Frame> {
        self.bottom.get()
    }

    /// The tree that the innermost frames are of.
    pub(crate) fn current_tree(&self) -> Option<&'static Tree> {
        self.tree.get()
    }

    /// All trees of the thread.
    pub(crate) fn trees(&self) -> impl Iterator<Item = &'static Tree> {
        std::iter::successors(self.trees.get(), |it| it.next.get())
    }

    /// The build that the thread started last.
    pub(crate) fn last_started(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.last_started.load(Acquire))
    }
}
