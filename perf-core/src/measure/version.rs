//! The version number of data that one thread writes and others read: a seqlock (H.-J. Boehm, *Can
//! seqlocks get along with programming language memory models?*, 2012). All data that it guards is
//! atomic.

use crate::sync::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence, spin_loop, yield_now,
};

/// How many times a reader retries before it yields to other threads.
const SPINS: u32 = 64;

/// Odd during a change; each change adds 2.
pub(crate) struct Version(AtomicU64);

impl Version {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The current number, on the thread that writes.
    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Begins a change. Returns the argument for [`Self::end`].
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

    /// Announces a change that takes effect with the single store that follows. That store must be
    /// `Release`, and readers must load it with `Acquire`. `version` is the current number.
    #[inline]
    pub(crate) fn step(&self, version: u64) {
        self.0.store(version.wrapping_add(2), Release);
    }

    /// Runs `read` until no change happened during it, and returns its result.
    pub(crate) fn read_consistent<T>(&self, mut read: impl FnMut() -> T) -> T {
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
            if tries.is_multiple_of(SPINS) {
                yield_now();
            } else {
                spin_loop();
            }
        }
    }
}
