//! What one thread allocated and freed: counters that only that thread writes and any thread reads.
//!
//! # Implementation
//!
//! Each counter is an atomic that its thread loads and stores without a locked instruction, so
//! counting costs a few plain instructions and never contends. A reader on another thread sees a recent
//! value of each counter, but not all counters at the same instant.
//!
//! The thread's *level* is its live heap: bytes allocated minus bytes freed. The thread publishes it
//! to [`process_level`] whenever it has moved by a step, not at each allocation.
//!
//! PERF: an allocation compares the level with `ceiling`, a free compares the bytes freed with
//! `freed_limit`. Only a new peak or a level that has moved far exceeds one of them, and only then
//! are they updated. All fields that the two touch are in one cache line.

use crate::sync::{
    AtomicI64, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::counters::{Counters, CountersCell, bump};
use super::process_level;

/// What one thread allocated and freed since it started.
#[repr(C, align(64))]
pub(crate) struct Tally {
    alloc_count: AtomicU64,
    alloc_bytes: AtomicU64,
    freed_bytes: AtomicU64,
    freed_count: AtomicU64,
    realloc_count: AtomicU64,
    /// The lower of `peak` and `publish_threshold`.
    ceiling: AtomicI64,
    /// When `freed_bytes` reaches this, the level may have fallen far enough to be published.
    freed_limit: AtomicU64,
    peak: AtomicI64,
    /// A level above this is published: one step above the last published level.
    publish_threshold: AtomicI64,
    /// How often the level was published.
    publish_count: AtomicU64,
    is_unpublished: bool,
}

/// A size as a signed number. No object is larger than `isize::MAX` bytes.
#[inline]
fn signed(size: usize) -> i64 {
    size.cast_signed() as i64
}

/// The number of freed bytes after which [`Tally::settle`] checks how far the level has fallen.
const FREED_LIMIT: u64 = process_level::STEP.cast_unsigned() + 1;

impl Tally {
    /// The tally of a thread.
    pub(crate) const fn new() -> Self {
        Self::with(false, 0, process_level::STEP, FREED_LIMIT)
    }

    /// A tally that is never published, for work that is counted nowhere.
    pub(crate) const fn unpublished() -> Self {
        Self::with(true, 0, process_level::STEP, FREED_LIMIT)
    }

    /// A placeholder for a missing tally: each operation on it reports that it must be settled.
    pub(crate) const fn closed() -> Self {
        Self::with(true, i64::MIN, i64::MIN, 0)
    }

    const fn with(
        is_unpublished: bool,
        ceiling: i64,
        publish_threshold: i64,
        freed_limit: u64,
    ) -> Self {
        Self {
            alloc_count: AtomicU64::new(0),
            alloc_bytes: AtomicU64::new(0),
            freed_bytes: AtomicU64::new(0),
            freed_count: AtomicU64::new(0),
            realloc_count: AtomicU64::new(0),
            ceiling: AtomicI64::new(ceiling),
            freed_limit: AtomicU64::new(freed_limit),
            peak: AtomicI64::new(0),
            publish_threshold: AtomicI64::new(publish_threshold),
            publish_count: AtomicU64::new(0),
            is_unpublished,
        }
    }

    /// Counts an allocation of `size` bytes, on the tally's thread. Returns whether the caller must
    /// [settle](Self::settle) the tally.
    #[inline]
    pub(crate) fn allocated(&self, size: usize) -> bool {
        bump(&self.alloc_count, 1);
        self.grew(size)
    }

    /// Counts a free of `size` bytes, on the tally's thread. Returns whether the caller must
    /// [settle](Self::settle) the tally.
    #[inline]
    pub(crate) fn freed(&self, size: usize) -> bool {
        bump(&self.freed_count, 1);
        self.shrank(size)
    }

    /// Counts a `realloc` from `old` to `new` bytes, on the tally's thread. Returns whether the
    /// caller must [settle](Self::settle) the tally.
    #[inline]
    pub(crate) fn reallocated(&self, old: usize, new: usize) -> bool {
        bump(&self.realloc_count, 1);
        if new >= old { self.grew(new - old) } else { self.shrank(old - new) }
    }

    #[inline]
    fn grew(&self, by: usize) -> bool {
        bump(&self.alloc_bytes, by as u64);
        let live = self.live();
        if live <= self.ceiling.load(Relaxed) {
            return false;
        }
        if live > self.publish_threshold.load(Relaxed) {
            return true;
        }
        // Here the ceiling was the peak.
        self.ceiling.store(live, Relaxed);
        self.peak.store(live, Relaxed);
        false
    }

    #[inline]
    fn shrank(&self, by: usize) -> bool {
        bump(&self.freed_bytes, by as u64);
        self.freed_bytes.load(Relaxed) >= self.freed_limit.load(Relaxed)
    }

    /// Raises the peak, and publishes the level if it has moved far, on the tally's thread.
    pub(crate) fn settle(&self) {
        let live = self.live();
        if live > self.peak.load(Relaxed) {
            self.peak.store(live, Relaxed);
        }
        let above = live.wrapping_sub(self.published_level());
        // A fall is published after half a step. Otherwise each free would end here while the level
        // swings around the limit.
        if (-process_level::STEP / 2..=process_level::STEP).contains(&above) {
            self.set_limits(live, above);
        } else {
            self.publish();
        }
    }

    /// Publishes how far the level has moved since it was last published.
    #[cold]
    #[inline(never)]
    pub(crate) fn publish(&self) {
        let live = self.live();
        let moved = live.wrapping_sub(self.published_level());
        if moved != 0 {
            self.publish_threshold.store(live.wrapping_add(process_level::STEP), Relaxed);
            if !self.is_unpublished {
                bump(&self.publish_count, 1);
                process_level::add(moved);
            }
        }
        self.set_limits(live, 0);
    }

    /// Sets the limits at which [`Self::settle`] is due next. The level is `live`, which is `above`
    /// bytes above the published level.
    fn set_limits(&self, live: i64, above: i64) {
        let publish_threshold = live.wrapping_sub(above).wrapping_add(process_level::STEP);
        self.ceiling.store(publish_threshold.min(self.peak.load(Relaxed)), Relaxed);
        let freed = self.freed_bytes.load(Relaxed).wrapping_add(above.cast_unsigned());
        self.freed_limit.store(freed.wrapping_add(FREED_LIMIT), Relaxed);
    }

    /// Counts an allocation in a tally that several threads write: for allocations of threads whose
    /// tally has been released.
    pub(crate) fn shared_allocated(&self, size: usize) {
        self.alloc_count.fetch_add(1, Relaxed);
        self.shared_grew(size);
    }

    /// Like [`Self::shared_allocated`], for a free.
    pub(crate) fn shared_freed(&self, size: usize) {
        self.freed_count.fetch_add(1, Relaxed);
        self.freed_bytes.fetch_add(size as u64, Relaxed);
        process_level::add(-signed(size));
    }

    /// Like [`Self::shared_allocated`], for a `realloc`.
    pub(crate) fn shared_reallocated(&self, old: usize, new: usize) {
        self.realloc_count.fetch_add(1, Relaxed);
        if new >= old {
            self.shared_grew(new - old);
        } else {
            self.freed_bytes.fetch_add((old - new) as u64, Relaxed);
            process_level::add(-signed(old - new));
        }
    }

    fn shared_grew(&self, by: usize) {
        self.alloc_bytes.fetch_add(by as u64, Relaxed);
        process_level::add(signed(by));
    }

    /// The current counters.
    #[inline]
    pub(crate) fn counters(&self) -> Counters {
        let alloc_bytes = self.alloc_bytes.load(Relaxed);
        Counters {
            alloc_count: self.alloc_count.load(Relaxed),
            alloc_bytes,
            net_bytes: alloc_bytes.wrapping_sub(self.freed_bytes.load(Relaxed)),
            freed_count: self.freed_count.load(Relaxed),
            realloc_count: self.realloc_count.load(Relaxed),
        }
    }

    /// Whether anything was allocated, freed or resized since the counters were `earlier`.
    #[inline]
    pub(crate) fn moved_since(&self, earlier: &CountersCell) -> bool {
        !earlier.counts_are(
            self.alloc_count.load(Relaxed),
            self.freed_count.load(Relaxed),
            self.realloc_count.load(Relaxed),
        )
    }

    /// Resets the counters to `earlier`, on the tally's thread, so that later allocations and frees
    /// count nowhere.
    pub(crate) fn forget_since(&self, earlier: Counters) {
        self.alloc_count.store(earlier.alloc_count, Relaxed);
        self.alloc_bytes.store(earlier.alloc_bytes, Relaxed);
        self.freed_bytes.store(earlier.freed_bytes(), Relaxed);
        self.freed_count.store(earlier.freed_count, Relaxed);
        self.realloc_count.store(earlier.realloc_count, Relaxed);
        self.publish();
    }

    /// The thread's level: bytes allocated minus bytes freed. Negative if it freed what other threads
    /// allocated.
    #[inline]
    pub(crate) fn live(&self) -> i64 {
        self.alloc_bytes.load(Relaxed).wrapping_sub(self.freed_bytes.load(Relaxed)).cast_signed()
    }

    /// The highest level since the last [`Self::restart_peak`].
    #[inline]
    pub(crate) fn peak(&self) -> i64 {
        self.peak.load(Relaxed)
    }

    /// Restarts the peak at the current level, `live`, on the tally's thread. A reader that sees the
    /// new peak also sees everything written before.
    #[inline]
    pub(crate) fn restart_peak(&self, live: i64) {
        // The level is never more than a step above the published one, so this is the lower of the two.
        self.ceiling.store(live, Relaxed);
        self.peak.store(live, Release);
    }

    /// The level that was last published.
    #[inline]
    pub(crate) fn published_level(&self) -> i64 {
        self.publish_threshold.load(Relaxed).wrapping_sub(process_level::STEP)
    }

    /// How often this thread published its level.
    #[inline]
    pub(crate) fn publish_count(&self) -> u64 {
        self.publish_count.load(Relaxed)
    }
}
