//! The numbers that memory is told in, as values and as cells that one thread writes and all read.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was allocated and freed, at one instant or between two. Sums wrap, as differences do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    pub alloc_count: u64,
    pub alloc_bytes: u64,
    /// Allocated minus freed, in two's complement.
    pub net_bytes: u64,
    pub freed_count: u64,
    pub realloc_count: u64,
}

impl Counters {
    /// Nothing.
    pub const ZERO: Self =
        Self { alloc_count: 0, alloc_bytes: 0, net_bytes: 0, freed_count: 0, realloc_count: 0 };

    /// Bytes freed: what was allocated and is not there any more.
    pub fn freed_bytes(&self) -> u64 {
        self.alloc_bytes.wrapping_sub(self.net_bytes)
    }

    /// `self + other`.
    #[inline]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::wrapping_add)
    }

    /// `self - other`.
    #[inline]
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

/// Counters in a place that threads share.
pub(crate) struct CountersCell {
    alloc_count: AtomicU64,
    alloc_bytes: AtomicU64,
    net_bytes: AtomicU64,
    freed_count: AtomicU64,
    realloc_count: AtomicU64,
}

impl CountersCell {
    pub(crate) const fn zero() -> Self {
        Self {
            alloc_count: AtomicU64::new(0),
            alloc_bytes: AtomicU64::new(0),
            net_bytes: AtomicU64::new(0),
            freed_count: AtomicU64::new(0),
            realloc_count: AtomicU64::new(0),
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

    /// Allocated minus freed.
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

    /// Whether these are the numbers of allocations, frees and `realloc`s.
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
