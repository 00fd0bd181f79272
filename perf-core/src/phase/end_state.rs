//! How far the end of a tree has come. Its thread and the collector each do a part of it, in either
//! order, and the one that comes second has to know that: so all is in one word.

use crate::measure::atomic::{AtomicU64, Ordering};

/// The build has been collected, so that the tree is free for another.
const COLLECTED: u64 = 1;
/// The thread has left what it was in the midst of when it noticed that the build was over.
const LEFT: u64 = 2;
/// Above these bits is the number of the build.
const BITS: u32 = 2;

/// The build of a tree, and how far its end has come.
pub(crate) struct EndState(AtomicU64);

impl EndState {
    /// That of a tree which is free, and had no build yet.
    pub(crate) fn free() -> Self {
        Self(AtomicU64::new(COLLECTED))
    }

    /// The number of the build; 0 where there was none yet.
    #[inline]
    pub(crate) fn build(&self) -> u64 {
        self.0.load(Ordering::Acquire) >> BITS
    }

    /// Whether the tree is free for another build.
    pub(crate) fn is_collected(&self) -> bool {
        self.0.load(Ordering::Acquire) & COLLECTED != 0
    }

    /// Whether the thread has left what it was in the midst of when the build ended.
    pub(crate) fn was_left(&self) -> bool {
        self.0.load(Ordering::Acquire) & LEFT != 0
    }

    /// Begins a build, on the tree's thread.
    pub(crate) fn begin(&self, build: u64) {
        self.0.store(build << BITS, Ordering::Release);
    }

    /// The tree's thread leaves. Gives whether the build has been collected before: if not, the
    /// collector learns of it from [`Self::collect`].
    pub(crate) fn leave(&self) -> bool {
        self.0.fetch_or(LEFT, Ordering::AcqRel) & COLLECTED != 0
    }

    /// The build has been collected. Gives whether the thread left before: if not, the thread learns of
    /// it from [`Self::leave`]. `None` where the tree is free, or of another build, by now.
    pub(crate) fn collect(&self, build: u64) -> Option<bool> {
        let collected = |state| (state >> BITS == build).then_some(state | COLLECTED);
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, collected).ok()?;
        (before & COLLECTED == 0).then_some(before & LEFT != 0)
    }

    /// The tree's thread frees it, as there is nothing to collect.
    pub(crate) fn discard(&self) {
        self.0.fetch_or(COLLECTED, Ordering::AcqRel);
    }
}
