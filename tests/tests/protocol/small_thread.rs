//! A thread's place in small: one counter, one phase, and the build that it may join.

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::fence;

use super::version::Version;

/// What a reader saw at one instant.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) counted: u64,
    pub(crate) inside: u64,
    pub(crate) outside: u64,
    /// Highest level since the thread began.
    pub(crate) peak: u64,
}

pub(crate) struct SmallThread {
    version: Version,
    /// The tally: written at any time, under no version.
    counted: AtomicU64,
    freed: AtomicU64,
    peak: AtomicU64,
    /// 0 at the base, 1 in the phase.
    innermost: AtomicU64,
    /// The tally at the entry; at the base, at the last return to it.
    entered_at: AtomicU64,
    base_at: AtomicU64,
    base_peak: AtomicU64,
    frame_peak: AtomicU64,
    inside: AtomicU64,
    outside: AtomicU64,
}

fn raise(number: &AtomicU64, to: u64) {
    if to > number.load(Relaxed) {
        number.store(to, Relaxed);
    }
}

impl SmallThread {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            version: Version::new(),
            counted: zero(),
            freed: zero(),
            peak: zero(),
            innermost: zero(),
            entered_at: zero(),
            base_at: zero(),
            base_peak: zero(),
            frame_peak: zero(),
            inside: zero(),
            outside: zero(),
        }
    }

    fn live(&self) -> u64 {
        self.counted.load(Relaxed) - self.freed.load(Relaxed)
    }

    /// What the allocator does.
    pub(crate) fn count(&self, by: u64) {
        self.counted.store(self.counted.load(Relaxed) + by, Relaxed);
        raise(&self.peak, self.live());
    }

    pub(crate) fn free(&self, by: u64) {
        self.freed.store(self.freed.load(Relaxed) + by, Relaxed);
    }

    /// As an entry does it: the frame, the version in one step, the stack, the peak.
    pub(crate) fn enter(&self) {
        let live = self.live();
        raise(&self.base_peak, self.peak.load(Relaxed));
        self.entered_at.store(self.counted.load(Relaxed), Relaxed);
        self.frame_peak.store(live, Relaxed);
        self.version.step(self.version.number());
        self.innermost.store(1, Release);
        self.peak.store(live, Release);
    }

    /// As an exit does it: all within one change.
    pub(crate) fn exit(&self) {
        let version = self.version.begin();
        let (now, entered) = (self.counted.load(Relaxed), self.entered_at.load(Relaxed));
        self.inside.store(self.inside.load(Relaxed) + now - entered, Relaxed);
        raise(&self.base_peak, self.frame_peak.load(Relaxed).max(self.peak.load(Relaxed)));
        self.peak.store(self.live(), Release);
        let outside = entered - self.base_at.load(Relaxed);
        self.outside.store(self.outside.load(Relaxed) + outside, Relaxed);
        self.base_at.store(now, Relaxed);
        self.innermost.store(0, Release);
        self.version.end(version);
    }

    /// As a reader cuts it off.
    pub(crate) fn read(&self) -> Cut {
        self.version.read_whole(|| {
            let counted = self.counted.load(Relaxed);
            let peak = self.peak.load(Relaxed);
            let (mut inside, mut outside) = (0, 0);
            let mut highest = peak;
            if self.innermost.load(Acquire) == 1 {
                let entered = self.entered_at.load(Relaxed);
                inside = counted.wrapping_sub(entered);
                outside = entered.wrapping_sub(self.base_at.load(Relaxed));
                highest = highest.max(self.frame_peak.load(Relaxed));
            } else {
                outside = outside.wrapping_add(counted.wrapping_sub(self.base_at.load(Relaxed)));
            }
            Cut {
                counted,
                inside: inside.wrapping_add(self.inside.load(Relaxed)),
                outside: outside.wrapping_add(self.outside.load(Relaxed)),
                peak: highest.max(self.base_peak.load(Relaxed)),
            }
        })
    }
}

/// One build that is open, and the place where a thread shows that it works for it.
pub(crate) struct Epochs {
    epoch: AtomicU64,
    is_open: AtomicU64,
    tree: AtomicU64,
}

impl Epochs {
    pub(crate) fn new() -> Self {
        Self { epoch: AtomicU64::new(1), is_open: AtomicU64::new(1), tree: AtomicU64::new(0) }
    }

    /// As a thread joins: the epoch, the tree, a fence, the epoch again. Whether it may work.
    pub(crate) fn join(&self) -> bool {
        let epoch = self.epoch.load(Acquire);
        if self.is_open.load(Acquire) == 0 {
            return false;
        }
        self.tree.store(1, Release);
        fence(SeqCst);
        self.epoch.load(Acquire) == epoch || self.is_open.load(Acquire) == 1
    }

    /// As the collector ends a build: the epoch, a fence, the trees. Whether it saw the thread's.
    pub(crate) fn close_and_read(&self) -> bool {
        self.is_open.store(0, Release);
        self.epoch.store(2, Release);
        fence(SeqCst);
        self.tree.load(Acquire) == 1
    }
}
