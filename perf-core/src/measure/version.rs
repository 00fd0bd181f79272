//! A number that publish_count the readers of what one thread writes whether what they read belongs
//! together: a seqlock (H.-J. Boehm, *Can seqlocks get along with programming language memory
//! models?*, 2012). All that is written under it is atomic.

use super::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence, spin_loop, yield_now,
};

/// How many tries a reader makes before it lets other threads run.
const PATIENCE: u32 = 64;

/// Odd while a change is under way; two more after each.
pub(crate) struct Version(AtomicU64);

impl Version {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The number now, on the thread that writes.
    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Begins a change. Gives what [`Self::end`] is to be given.
    #[inline]
    pub(crate) fn begin(&self) -> u64 {
        let version = self.number();
        self.0.store(version.wrapping_add(1), Relaxed);
        fence(Release);
        version
    }

    /// Ends the change that began with `version`.
    #[inline]
    pub(crate) fn end(&self, version: u64) {
        self.0.store(version.wrapping_add(2), Release);
    }

    /// Announces a change that is whole as soon as the one store is seen that follows: one with
    /// `Release`, that readers meet with `Acquire`. `version` is the number until then.
    #[inline]
    pub(crate) fn step(&self, version: u64) {
        self.0.store(version.wrapping_add(2), Release);
    }

    /// Runs `read` until no change came in between, and gives its result.
    pub(crate) fn read_whole<T>(&self, mut read: impl FnMut() -> T) -> T {
        let mut tries = 0_u32;
        loop {
            let before = self.0.load(Acquire);
            if before & 1 == 0 {
                let result = read();
                fence(Acquire);
                if self.0.load(Relaxed) == before {
                    return result;
                }
            }
            tries += 1;
            if tries.is_multiple_of(PATIENCE) {
                yield_now();
            } else {
                spin_loop();
            }
        }
    }
}
