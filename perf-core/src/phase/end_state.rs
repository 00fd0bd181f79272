//! The end of a tree, of which its thread and the collector each do a part, in either order. Whichever
//! is second must know that it is, so the state is one atomic word.

use crate::sync::{AtomicU64, Ordering};

/// The build has been collected, and the tree is free for another build.
const COLLECTED: u64 = 1;
/// The thread has noticed the end of the build and has left the phases that were open.
const LEFT: u64 = 2;
/// The number of the build is above these bits.
const BITS: u32 = 2;

/// The build of a tree, and which parts of its end are done.
pub(crate) struct EndState(AtomicU64);

impl EndState {
    /// The state of a free tree that had no build yet.
    pub(crate) fn free() -> Self {
        Self(AtomicU64::new(COLLECTED))
    }

    /// The number of the build; 0 if there was none yet.
    #[inline]
    pub(crate) fn build(&self) -> u64 {
        self.0.load(Ordering::Acquire) >> BITS
    }

    /// Whether the tree is free for another build.
    pub(crate) fn is_collected(&self) -> bool {
        self.0.load(Ordering::Acquire) & COLLECTED != 0
    }

    /// Whether the thread has left the phases that were open when the build ended.
    pub(crate) fn was_left(&self) -> bool {
        self.0.load(Ordering::Acquire) & LEFT != 0
    }

    /// Starts a build, on the tree's thread.
    pub(crate) fn begin(&self, build: u64) {
        self.0.store(build << BITS, Ordering::Release);
    }

    /// The tree's thread leaves. Returns whether the build has been collected before. If not,
    /// [`Self::collect`] reports this call to the collector.
    pub(crate) fn leave(&self) -> bool {
        self.0.fetch_or(LEFT, Ordering::AcqRel) & COLLECTED != 0
    }

    /// The build has been collected. Returns whether the thread has left before. If not,
    /// [`Self::leave`] reports this call to the thread. `None` if the tree is free, or belongs to
    /// another build.
    pub(crate) fn collect(&self, build: u64) -> Option<bool> {
        let collected = |state| (state >> BITS == build).then_some(state | COLLECTED);
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, collected).ok()?;
        (before & COLLECTED == 0).then_some(before & LEFT != 0)
    }

    /// The tree's thread frees the tree, as there is nothing to collect.
    pub(crate) fn discard(&self) {
        self.0.fetch_or(COLLECTED, Ordering::AcqRel);
    }
}
