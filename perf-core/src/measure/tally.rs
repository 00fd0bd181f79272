//! What one thread allocated and freed: counters that only their thread writes and anyone may read.
//!
//! # Implementation
//!
//! Each counter is an atomic that its thread loads and stores without a locked instruction, so
//! counting costs a few plain instructions and never contends. A reader on another thread sees each
//! counter at some recent instant, not all of them at the same one.
//!
//! PERF: an allocation and a free compare one number each, `ceiling` and `freed_limit`, which are
//! kept up to date where the level is higher than ever, or has moved far, and nowhere else. One cache
//! line holds all that they touch.

use std::sync::atomic::{
    AtomicI64, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::counters::{Counters, CountersCell, bump};
use super::process_level;

/// What a thread allocated and freed since it began.
#[repr(C, align(64))]
pub(crate) struct Tally {
    alloc_count: AtomicU64,
    alloc_bytes: AtomicU64,
    freed_bytes: AtomicU64,
    freed_count: AtomicU64,
    realloc_count: AtomicU64,
    /// The lower of `peak` and `publish_threshold`.
    ceiling: AtomicI64,
    /// So many bytes freed, and the level may have fallen so far that the process is to be told.
    freed_limit: AtomicU64,
    peak: AtomicI64,
    /// Up to which level the process need not be told: a step above the last that it was told.
    publish_threshold: AtomicI64,
    publish_count: AtomicU64,
    is_unpublished: bool,
}

/// A size as a number: no object is larger than `isize::MAX` bytes.
#[inline]
fn signed(size: usize) -> i64 {
    size.cast_signed() as i64
}

/// After how many freed bytes it is time to look how far the level has fallen.
const FREED_LIMIT: u64 = process_level::STEP.cast_unsigned() + 1;

impl Tally {
    /// A tally of a thread.
    pub(crate) const fn new() -> Self {
        Self::with(false, 0, process_level::STEP, FREED_LIMIT)
    }

    /// A tally that the process is never told of: for work that is counted nowhere.
    pub(crate) const fn unpublished() -> Self {
        Self::with(true, 0, process_level::STEP, FREED_LIMIT)
    }

    /// What stands in for a tally where there is none: it takes nothing in, whatever is tried.
    pub(crate) const fn closed() -> Self {
        Self::with(true, i64::MIN, i64::MIN, 0)
    }

    const fn with(silent: bool, ceiling: i64, publish_threshold: i64, freed_limit: u64) -> Self {
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
            is_unpublished: silent,
        }
    }

    /// Counts an allocation of `size` bytes, on the tally's own thread. Whether it is to be
    /// [settled](Self::settle).
    #[inline]
    pub(crate) fn allocated(&self, size: usize) -> bool {
        bump(&self.alloc_count, 1);
        self.grew(size)
    }

    /// Counts a free of `size` bytes, on the tally's own thread. Whether it is to be
    /// [settled](Self::settle).
    #[inline]
    pub(crate) fn freed(&self, size: usize) -> bool {
        bump(&self.freed_count, 1);
        self.shrank(size)
    }

    /// Counts a `realloc` from `old` to `new` bytes, on the tally's own thread. Whether it is to be
    /// [settled](Self::settle).
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
        // The ceiling was the peak.
        self.ceiling.store(live, Relaxed);
        self.peak.store(live, Relaxed);
        false
    }

    #[inline]
    fn shrank(&self, by: usize) -> bool {
        bump(&self.freed_bytes, by as u64);
        self.freed_bytes.load(Relaxed) >= self.freed_limit.load(Relaxed)
    }

    /// Raises the peak, and publish_count the process of the level if it has moved far, on the tally's own
    /// thread.
    pub(crate) fn settle(&self) {
        let live = self.live();
        if live > self.peak.load(Relaxed) {
            self.peak.store(live, Relaxed);
        }
        let above = live.wrapping_sub(self.published_level());
        // A fall is told early, or a level that swings at the limit would come here at each free.
        if (-process_level::STEP / 2..=process_level::STEP).contains(&above) {
            self.look_out(live, above);
        } else {
            self.publish();
        }
    }

    /// Tells the process how far this thread's level has moved since it last did so.
    #[cold]
    #[inline(never)]
    pub(crate) fn publish(&self) {
        let live = self.live();
        let moved = live.wrapping_sub(self.published_level());
        if moved != 0 {
            self.publish_threshold.store(live.wrapping_add(process_level::STEP), Relaxed);
            if !self.is_unpublished {
                bump(&self.publish_count, 1);
                process_level::moved(moved);
            }
        }
        self.look_out(live, 0);
    }

    /// Sets when there is next something to do, with the level at `live`, which is so far `above`
    /// what the process was told.
    fn look_out(&self, live: i64, above: i64) {
        let publish_threshold = live.wrapping_sub(above).wrapping_add(process_level::STEP);
        self.ceiling.store(publish_threshold.min(self.peak.load(Relaxed)), Relaxed);
        let freed = self.freed_bytes.load(Relaxed).wrapping_add(above.cast_unsigned());
        self.freed_limit.store(freed.wrapping_add(FREED_LIMIT), Relaxed);
    }

    /// Counts on behalf of any number of threads at once: for what happens when a thread's own
    /// tally is gone.
    pub(crate) fn shared_allocated(&self, size: usize) {
        self.alloc_count.fetch_add(1, Relaxed);
        self.shared_grew(size);
    }

    /// As [`Self::shared_allocated`], for a free.
    pub(crate) fn shared_freed(&self, size: usize) {
        self.freed_count.fetch_add(1, Relaxed);
        self.freed_bytes.fetch_add(size as u64, Relaxed);
        process_level::moved(-signed(size));
    }

    /// As [`Self::shared_allocated`], for a `realloc`.
    pub(crate) fn shared_reallocated(&self, old: usize, new: usize) {
        self.realloc_count.fetch_add(1, Relaxed);
        if new >= old {
            self.shared_grew(new - old);
        } else {
            self.freed_bytes.fetch_add((old - new) as u64, Relaxed);
            process_level::moved(-signed(old - new));
        }
    }

    fn shared_grew(&self, by: usize) {
        self.alloc_bytes.fetch_add(by as u64, Relaxed);
        process_level::moved(signed(by));
    }

    /// The counters now.
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

    /// Whether anything was allocated, freed or resized since the counters were these.
    #[inline]
    pub(crate) fn moved_since(&self, earlier: &CountersCell) -> bool {
        !earlier.counts_are(
            self.alloc_count.load(Relaxed),
            self.freed_count.load(Relaxed),
            self.realloc_count.load(Relaxed),
        )
    }

    /// Sets the counters back to `earlier`, on the tally's own thread: what happened since is
    /// counted nowhere.
    pub(crate) fn forget_since(&self, earlier: Counters) {
        self.alloc_count.store(earlier.alloc_count, Relaxed);
        self.alloc_bytes.store(earlier.alloc_bytes, Relaxed);
        self.freed_bytes.store(earlier.freed_bytes(), Relaxed);
        self.freed_count.store(earlier.freed_count, Relaxed);
        self.realloc_count.store(earlier.realloc_count, Relaxed);
        self.publish();
    }

    /// The thread's live heap: what it allocated minus what it freed. Negative where it freed what
    /// others had allocated.
    #[inline]
    pub(crate) fn live(&self) -> i64 {
        self.alloc_bytes.load(Relaxed).wrapping_sub(self.freed_bytes.load(Relaxed)).cast_signed()
    }

    /// The highest level since the last [`Self::restart_peak`].
    #[inline]
    pub(crate) fn peak(&self) -> i64 {
        self.peak.load(Relaxed)
    }

    /// Starts a new stretch, whose highest level so far is the present one, `live`, on the tally's
    /// own thread. Who sees it sees what was written before.
    #[inline]
    pub(crate) fn restart_peak(&self, live: i64) {
        // No level is more than a step above what was told.
        self.ceiling.store(live, Relaxed);
        self.peak.store(live, Release);
    }

    /// The level that the process has been told of.
    #[inline]
    pub(crate) fn published_level(&self) -> i64 {
        self.publish_threshold.load(Relaxed).wrapping_sub(process_level::STEP)
    }

    /// How often this thread told the process.
    #[inline]
    pub(crate) fn publish_count(&self) -> u64 {
        self.publish_count.load(Relaxed)
    }
}
