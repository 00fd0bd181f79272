//! What is kept of one thread: its tally, its stack of open phases, and its trees.
//!
//! # Implementation
//!
//! A [`Thread`] has one writer, the thread that has the slot, and any number of readers. All that
//! readers see is atomic, and is written without locked instructions. A [`Version`] shows a reader
//! whether what it read is consistent. Readers never wait long: after a build has been closed, each
//! thread notices at its next entry or exit, and leaves the build's tree alone from then on.
//!
//! | file | content |
//! |---|---|
//! | `mod.rs` | the state of a thread |
//! | `fast_path.rs` | plain entries and exits |
//! | `slow_path.rs` | all other entries and exits: recursion, panics, intervals; peaks of the process; resident memory |
//! | `hand_off.rs` | work for another chain of phases than that on the stack |
//! | `lifecycle.rs` | the thread's slot, the builds that it starts, joins and leaves |

pub(crate) mod fast_path;
mod hand_off;
mod lifecycle;
pub(crate) mod slow_path;

use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed},
};

use crate::measure::counters::CountersCell;
use crate::measure::leak::{SharedRef, leak};
use crate::measure::process_level::PeakWatch;
use crate::measure::tally::Tally;
use crate::measure::ticks;
use crate::measure::version::Version;

use super::frame::Frame;
use super::global::OPEN_BUILDS;
use super::name::NameId;
use super::node::{Node, UsageCell};
use super::open_builds::BuildNumber;
use super::path::PathId;
use super::slot_state::SlotState;
use super::tree::Tree;

/// The bits of [`Thread::slow_path_flags`] that hold the recursion depth: how many frames of the
/// current chain are entries of phases that were on the stack already.
const RECURSION_DEPTH: u32 = (1 << 24) - 1;
/// The thread must look up which builds are open before anything else.
const RECHECK_BUILDS: u32 = 1 << 24;
/// The build of the bottom frame was looked up in an earlier epoch.
const STALE_ROOT: u32 = 1 << 25;
/// Intervals are recorded.
const RECORD_INTERVALS: u32 = 1 << 26;
/// The work for a build that this thread started during another build was taken off the stack.
const RESUME_SUSPENDED: u32 = 1 << 27;

/// The slot of a thread.
///
/// PERF: each entry and exit touches two cache lines: the tally and the one after it.
#[repr(C, align(128))]
pub(crate) struct Thread {
    pub(crate) tally: Tally,

    /// The version of all fields below that readers read.
    version: Version,
    /// The epoch in which the thread last looked up which builds are open.
    epoch: AtomicU64,
    /// The innermost open frame, or the bottom frame.
    innermost: SharedRef<Frame>,
    /// 0 if an entry can take the fast path. See [`RECURSION_DEPTH`], [`RECHECK_BUILDS`],
    /// [`STALE_ROOT`], [`RECORD_INTERVALS`] and [`RESUME_SUSPENDED`].
    slow_path_flags: AtomicU32,
    /// Whether a build that this thread started is open.
    owns_build: AtomicBool,
    /// The live heap of all other threads. See [`Self::raise_process_peak`].
    others_level: AtomicI64,
    /// How often any thread had published its level when the process peak was last updated.
    seen_publish_count: AtomicU64,
    /// When resident memory was read, in ticks.
    resident_at: AtomicU64,
    /// How many ticks a reading of resident memory stays valid: about 10 ms.
    resident_interval: AtomicU64,

    /// The epoch in which the build of the bottom frame was looked up.
    bottom_epoch: AtomicU64,
    /// How often the other threads had published their levels when `others_level` was set.
    others_publish_count: AtomicU64,
    /// Resident bytes.
    resident: AtomicU64,

    /// Idle time and memory of the bottom frame, up to the last exit to it.
    idle: UsageCell,
    bottom: SharedRef<Frame>,
    /// The tree of the innermost frame.
    tree: SharedRef<Tree>,
    /// The first of the thread's trees.
    trees: SharedRef<Tree>,
    /// The number of the build that the thread started last.
    last_started: AtomicU64,
    /// Watches the live heap of the process while builds of this thread are open.
    pub(crate) peak_watch: PeakWatch,
    /// The ordinary spans of `tracing` that the thread made.
    #[cfg(feature = "tracing")]
    pub(crate) spans: SharedRef<crate::tracing_layer::SpanTable>,

    state: SlotState,
    /// The round in which the thread may turn out to be one of the runtime's, see
    /// [`super::internal_threads`]; 0 if it is certain.
    pub(crate) uncertain: AtomicU64,
    /// The tally when the current thread claimed the slot.
    claimed_at: CountersCell,
    /// The next slot in the list of all.
    pub(crate) next: SharedRef<Thread>,
    /// The part of the idle time and memory that the registry has attributed to builds already.
    pub(crate) settled: UsageCell,
}

impl Thread {
    /// A slot, claimed by the current thread. `None` without memory.
    pub(crate) fn make() -> Option<&'static Self> {
        let bottom = Frame::make_bottom()?;
        let thread = leak(|| Self {
            tally: Tally::new(),
            version: Version::new(),
            epoch: AtomicU64::new(u64::MAX),
            innermost: SharedRef::empty(),
            slow_path_flags: AtomicU32::new(0),
            owns_build: AtomicBool::new(false),
            others_level: AtomicI64::new(0),
            seen_publish_count: AtomicU64::new(0),
            resident_at: AtomicU64::new(0),
            resident_interval: AtomicU64::new(ticks::max_ticks_in_10_ms()),
            bottom_epoch: AtomicU64::new(u64::MAX),
            others_publish_count: AtomicU64::new(0),
            resident: AtomicU64::new(0),
            idle: UsageCell::zero(),
            bottom: SharedRef::empty(),
            tree: SharedRef::empty(),
            trees: SharedRef::empty(),
            last_started: AtomicU64::new(0),
            peak_watch: PeakWatch::new(),
            #[cfg(feature = "tracing")]
            spans: SharedRef::empty(),
            state: SlotState::claimed(),
            uncertain: AtomicU64::new(0),
            claimed_at: CountersCell::zero(),
            next: SharedRef::empty(),
            settled: UsageCell::zero(),
        })?;
        bottom.idle.set(Some(&thread.idle));
        thread.bottom.set(Some(bottom));
        thread.innermost.set(Some(bottom));
        Some(thread)
    }

    /// The innermost open phase, if its build is still open.
    pub(crate) fn innermost_phase(&'static self) -> Option<&'static Node> {
        self.build()?;
        let innermost = self.innermost.get().filter(|frame| !frame.is_root())?;
        innermost.node.get()
    }

    /// The build that the thread works for, and the path of the innermost open phase.
    pub(crate) fn current_chain(&'static self) -> Option<(BuildNumber, PathId)> {
        let build = self.build()?;
        let innermost = self.innermost.get()?;
        Some((build, innermost.node.get()?.path()))
    }

    /// Makes `tree` the tree of the innermost frame.
    fn work_on(&self, tree: Option<&'static Tree>) {
        self.tree.set(tree);
        self.set_slow_path_flag(RECORD_INTERVALS, tree.is_some_and(Tree::is_timed));
    }

    /// Changes the thread or a node of it. Readers see the whole change or nothing of it.
    pub(crate) fn write<T>(&self, change: impl FnOnce() -> T) -> T {
        let version = self.version.begin();
        let result = change();
        self.version.end(version);
        result
    }

    /// The node of a path in the thread's tree of a build. `None` after the end of the build.
    pub(crate) fn node_at(&self, build: BuildNumber, steps: &[NameId]) -> Option<&'static Node> {
        if !OPEN_BUILDS.is_open(build) {
            return None;
        }
        self.tree_if_open(build, OPEN_BUILDS.epoch(), false)?.at(steps)
    }

    /// How many frames of the current chain are entries of phases that were on the stack already.
    #[inline]
    fn recursion_depth(&self) -> u32 {
        self.slow_path_flags.load(Relaxed) & RECURSION_DEPTH
    }

    fn set_recursion_depth(&self, depth: u32) {
        self.slow_path_flags.store(
            self.slow_path_flags.load(Relaxed) & !RECURSION_DEPTH | depth.min(RECURSION_DEPTH),
            Relaxed,
        );
    }

    fn set_slow_path_flag(&self, flag: u32, on: bool) {
        let others = self.slow_path_flags.load(Relaxed) & !flag;
        self.slow_path_flags.store(if on { others | flag } else { others }, Relaxed);
    }

    fn has_slow_path_flag(&self, flag: u32) -> bool {
        self.slow_path_flags.load(Relaxed) & flag != 0
    }

    fn is_bottom(&self, frame: &Frame) -> bool {
        self.bottom.get().is_some_and(|bottom| std::ptr::eq(bottom, frame))
    }

    fn at_bottom(&self) -> bool {
        self.innermost.get().is_some_and(|frame| self.is_bottom(frame))
    }

    /// Runs `read` until no entry or exit happened during it, and returns its result.
    pub(crate) fn read_consistent<T>(&self, read: impl FnMut() -> T) -> T {
        self.version.read_consistent(read)
    }

    /// The frames above the bottom frame, the innermost first.
    pub(crate) fn open_frames(&self) -> impl Iterator<Item = &'static Frame> {
        std::iter::successors(self.innermost.get(), |frame| frame.outer.get())
            .take_while(|frame| !self.is_bottom(frame))
    }

    pub(crate) fn bottom(&self) -> Option<&'static Frame> {
        self.bottom.get()
    }

    /// The tree of the innermost frame.
    pub(crate) fn current_tree(&self) -> Option<&'static Tree> {
        self.tree.get()
    }

    /// All trees of the thread.
    pub(crate) fn trees(&self) -> impl Iterator<Item = &'static Tree> {
        std::iter::successors(self.trees.get(), |tree| tree.next.get())
    }

    /// The build that the thread started last.
    pub(crate) fn last_started(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.last_started.load(Acquire))
    }
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}
