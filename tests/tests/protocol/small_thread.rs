//! A small model of a thread's slot: one counter, one phase, and the build that the thread may join.

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::fence;

use super::end_state::EndState;
use super::open_builds::{BuildNumber, OpenBuilds};
use super::version::Version;

/// What a reader sees at one instant.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) counted: u64,
    pub(crate) inside: u64,
    pub(crate) outside: u64,
    /// The highest level since the thread started.
    pub(crate) peak: u64,
    /// Whether the thread had left the phase, as its build was over.
    left: bool,
}

/// The number of the only build.
const BUILD: u64 = 1;

pub(crate) struct SmallThread {
    version: Version,
    /// The tally: written at any time, under no version.
    counted: AtomicU64,
    freed: AtomicU64,
    peak: AtomicU64,
    /// 0 in the bottom frame, 1 in the phase.
    innermost: AtomicU64,
    /// The tally at the entry; in the bottom frame, at the last return to it.
    entered_at: AtomicU64,
    bottom_at: AtomicU64,
    bottom_peak: AtomicU64,
    frame_peak: AtomicU64,
    inside: AtomicU64,
    outside: AtomicU64,
    end_state: EndState,
    /// The tally when the thread was read, and when it left the phase.
    cut: AtomicU64,
    left_at: AtomicU64,
}

fn raise(number: &AtomicU64, to: u64) {
    if to > number.load(Relaxed) {
        number.store(to, Relaxed);
    }
}

impl SmallThread {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        let end_state = EndState::free();
        end_state.begin(BUILD);
        Self {
            version: Version::new(),
            counted: zero(),
            freed: zero(),
            peak: zero(),
            innermost: zero(),
            entered_at: zero(),
            bottom_at: zero(),
            bottom_peak: zero(),
            frame_peak: zero(),
            inside: zero(),
            outside: zero(),
            end_state,
            cut: zero(),
            left_at: zero(),
        }
    }

    fn live(&self) -> u64 {
        self.counted.load(Relaxed) - self.freed.load(Relaxed)
    }

    /// Does what the allocator does.
    pub(crate) fn count(&self, by: u64) {
        self.counted.store(self.counted.load(Relaxed) + by, Relaxed);
        raise(&self.peak, self.live());
    }

    pub(crate) fn free(&self, by: u64) {
        self.freed.store(self.freed.load(Relaxed) + by, Relaxed);
    }

    /// Does what an entry does: the frame, the version in one step, the stack, the peak.
    pub(crate) fn enter(&self) {
        let live = self.live();
        raise(&self.bottom_peak, self.peak.load(Relaxed));
        self.entered_at.store(self.counted.load(Relaxed), Relaxed);
        self.frame_peak.store(live, Relaxed);
        self.version.step(self.version.number());
        self.innermost.store(1, Release);
        self.peak.store(live, Release);
    }

    /// Does what an exit does: all within one change.
    pub(crate) fn exit(&self) {
        let version = self.version.begin();
        self.pop();
        self.version.end(version);
    }

    /// Does what the end of a thread does: leaves the phase, whether its build is over or not.
    pub(crate) fn end(&self, build: &SmallBuild) {
        let version = self.version.begin();
        fence(SeqCst);
        if !build.is_open() {
            let now = self.counted.load(Relaxed);
            self.left_at.store(now, Relaxed);
            if self.end_state.leave() {
                let since_cut = now - self.cut.load(Relaxed);
                self.outside.store(self.outside.load(Relaxed) + since_cut, Relaxed);
            }
        }
        self.pop();
        self.version.end(version);
    }

    /// Does what the collector does after all threads are read. Returns what the thread did between
    /// that reading and leaving the phase, if the thread did not know of the reading.
    pub(crate) fn collect(&self, cut: &Cut) -> u64 {
        self.cut.store(cut.counted, Relaxed);
        let left = self.end_state.collect(BUILD).is_some_and(|left| left && !cut.left);
        if left { self.left_at.load(Relaxed) - cut.counted } else { 0 }
    }

    fn pop(&self) {
        let (now, entered) = (self.counted.load(Relaxed), self.entered_at.load(Relaxed));
        self.inside.store(self.inside.load(Relaxed) + now - entered, Relaxed);
        raise(&self.bottom_peak, self.frame_peak.load(Relaxed).max(self.peak.load(Relaxed)));
        self.peak.store(self.live(), Release);
        let outside = entered - self.bottom_at.load(Relaxed);
        self.outside.store(self.outside.load(Relaxed) + outside, Relaxed);
        self.bottom_at.store(now, Relaxed);
        self.innermost.store(0, Release);
    }

    /// Does what a reader does.
    pub(crate) fn read(&self) -> Cut {
        self.version.read_consistent(|| {
            let counted = self.counted.load(Relaxed);
            let peak = self.peak.load(Relaxed);
            let (mut inside, mut outside) = (0, 0);
            let mut highest = peak;
            if self.innermost.load(Acquire) == 1 {
                let entered = self.entered_at.load(Relaxed);
                inside = counted.wrapping_sub(entered);
                outside = entered.wrapping_sub(self.bottom_at.load(Relaxed));
                highest = highest.max(self.frame_peak.load(Relaxed));
            } else {
                outside = outside.wrapping_add(counted.wrapping_sub(self.bottom_at.load(Relaxed)));
            }
            Cut {
                counted,
                inside: inside.wrapping_add(self.inside.load(Relaxed)),
                outside: outside.wrapping_add(self.outside.load(Relaxed)),
                peak: highest.max(self.bottom_peak.load(Relaxed)),
                left: self.end_state.was_left(),
            }
        })
    }
}

/// A build, and the tree through which a thread shows that it works for it.
pub(crate) struct SmallBuild {
    builds: OpenBuilds<1>,
    number: BuildNumber,
    tree: AtomicU64,
}

impl SmallBuild {
    pub(crate) fn start() -> Self {
        let (builds, number) = (OpenBuilds::new(), BuildNumber::next());
        assert!(builds.open(number, false));
        Self { builds, number, tree: AtomicU64::new(0) }
    }

    /// Does what a thread does to join: the epoch, the tree, a fence, the epoch again. Returns whether
    /// the thread works for the build.
    pub(crate) fn join(&self) -> bool {
        let epoch = self.builds.epoch();
        if !self.is_open() {
            return false;
        }
        self.tree.store(1, Release);
        fence(SeqCst);
        self.builds.epoch() == epoch || self.is_open()
    }

    /// Does what the collector does to end a build: the epoch, a fence, the trees. Returns whether it
    /// saw the thread's tree.
    pub(crate) fn close_and_read(&self) -> bool {
        self.close();
        self.tree.load(Acquire) == 1
    }

    pub(crate) fn close(&self) {
        self.builds.close(self.number);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.builds.is_open(self.number)
    }
}
