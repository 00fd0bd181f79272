//! Allocation counters: as values, and as cells that one thread writes and any thread reads.

use crate::sync::{AtomicU64, Ordering::Relaxed, const_fn};

/// Allocations and frees, since a start or between two instants. Sums and differences wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// The number of allocations.
    pub alloc_count: u64,
    /// Bytes allocated, the growth of blocks by `realloc` included.
    pub alloc_bytes: u64,
    /// Bytes allocated minus bytes freed, in two's complement.
    pub net_bytes: u64,
    /// The number of frees.
    pub freed_count: u64,
    /// The number of calls of `realloc`.
    pub realloc_count: u64,
}

impl Counters {
    /// All counters are 0.
    pub const ZERO: Self =
        Self { alloc_count: 0, alloc_bytes: 0, net_bytes: 0, freed_count: 0, realloc_count: 0 };

    /// Bytes freed, the shrinking of blocks by `realloc` included.
    #[must_use]
    pub fn freed_bytes(&self) -> u64 {
        self.alloc_bytes.wrapping_sub(self.net_bytes)
    }

    /// `self + other`.
    #[inline]
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::wrapping_add)
    }

    /// `self - other`.
    #[inline]
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, u64::wrapping_sub)
    }

    #[inline]
    fn with(self, other: Self, apply: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            alloc_count: apply(self.alloc_count, other.alloc_count),
            alloc_bytes: apply(self.alloc_bytes, other.alloc_bytes),
            net_bytes: apply(self.net_bytes, other.net_bytes),
            freed_count: apply(self.freed_count, other.freed_count),
            realloc_count: apply(self.realloc_count, other.realloc_count),
        }
    }
}

/// Adds to a number that only this thread writes.
#[inline]
pub(crate) fn bump(number: &AtomicU64, by: u64) {
    number.store(number.load(Relaxed).wrapping_add(by), Relaxed);
}

/// [`Counters`] that threads share.
pub(crate) struct CountersCell {
    alloc_count: AtomicU64,
    alloc_bytes: AtomicU64,
    net_bytes: AtomicU64,
    freed_count: AtomicU64,
    realloc_count: AtomicU64,
}

impl CountersCell {
    const_fn! {
        pub(crate) fn zero() -> Self {
            Self {
                alloc_count: AtomicU64::new(0),
                alloc_bytes: AtomicU64::new(0),
                net_bytes: AtomicU64::new(0),
                freed_count: AtomicU64::new(0),
                realloc_count: AtomicU64::new(0),
            }
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> Counters {
        Counters {
            alloc_count: self.alloc_count.load(Relaxed),
            alloc_bytes: self.alloc_bytes.load(Relaxed),
            net_bytes: self.net_bytes.load(Relaxed),
            freed_count: self.freed_count.load(Relaxed),
            realloc_count: self.realloc_count.load(Relaxed),
        }
    }

    /// Bytes allocated minus bytes freed.
    #[inline]
    pub(crate) fn net_bytes(&self) -> i64 {
        self.net_bytes.load(Relaxed).cast_signed()
    }

    #[inline]
    pub(crate) fn store(&self, counters: Counters) {
        self.alloc_count.store(counters.alloc_count, Relaxed);
        self.alloc_bytes.store(counters.alloc_bytes, Relaxed);
        self.net_bytes.store(counters.net_bytes, Relaxed);
        self.freed_count.store(counters.freed_count, Relaxed);
        self.realloc_count.store(counters.realloc_count, Relaxed);
    }

    /// Whether the numbers of allocations, frees and `realloc`s equal the arguments.
    #[inline]
    pub(crate) fn counts_are(&self, allocs: u64, frees: u64, reallocs: u64) -> bool {
        (self.alloc_count.load(Relaxed) ^ allocs)
            | (self.freed_count.load(Relaxed) ^ frees)
            | (self.realloc_count.load(Relaxed) ^ reallocs)
            == 0
    }

    /// Adds `counters`, on the one thread that writes.
    #[inline]
    pub(crate) fn add(&self, counters: Counters) {
        bump(&self.alloc_count, counters.alloc_count);
        bump(&self.alloc_bytes, counters.alloc_bytes);
        bump(&self.net_bytes, counters.net_bytes);
        bump(&self.freed_count, counters.freed_count);
        bump(&self.realloc_count, counters.realloc_count);
    }
}
