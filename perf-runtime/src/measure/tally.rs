//! What one thread allocated and freed: counters that only their thread writes and anyone may read.
//!
//! # Implementation
//!
//! Each counter is an atomic that its thread loads and stores without a locked instruction, so
//! counting costs a few plain instructions and never contends. Freed bytes are not counted apart:
//! they are what was allocated and is not live. A reader on another thread sees each counter at
//! some recent instant, not all of them at the same one.

use std::sync::atomic::{
    AtomicI64, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::counters::{Counters, CountersCell, bump};
use super::process_level;

/// What a thread allocated and freed since it began.
#[repr(align(64))]
pub(crate) struct Tally {
    alloc_count: AtomicU64,
    alloc_bytes: AtomicU64,
    freed_bytes: AtomicU64,
    freed_count: AtomicU64,
    realloc_count: AtomicU64,
    peak: AtomicI64,
    told: AtomicI64,
    tells: AtomicU64,
    silent: bool,
}

/// A size as a number: no object is larger than `isize::MAX` bytes.
#[inline]
fn signed(size: usize) -> i64 {
    size.cast_signed() as i64
}

impl Tally {
    /// A tally of a thread.
    pub(crate) const fn new() -> Self {
        Self::with(false)
    }

    /// A tally that the process is never told of: for work that is counted nowhere.
    pub(crate) const fn silent() -> Self {
        Self::with(true)
    }

    const fn with(silent: bool) -> Self {
        Self {
            alloc_count: AtomicU64::new(0),
            alloc_bytes: AtomicU64::new(0),
            freed_bytes: AtomicU64::new(0),
            freed_count: AtomicU64::new(0),
            realloc_count: AtomicU64::new(0),
            peak: AtomicI64::new(0),
            told: AtomicI64::new(0),
            tells: AtomicU64::new(0),
            silent,
        }
    }

    /// Counts an allocation of `size` bytes, on the tally's own thread.
    #[inline]
    pub(crate) fn allocated(&self, size: usize) {
        bump(&self.alloc_count, 1);
        self.grew(size);
    }

    /// Counts a free of `size` bytes, on the tally's own thread.
    #[inline]
    pub(crate) fn freed(&self, size: usize) {
        bump(&self.freed_count, 1);
        self.shrank(size);
    }

    /// Counts a `realloc` from `old` to `new` bytes, on the tally's own thread.
    #[inline]
    pub(crate) fn reallocated(&self, old: usize, new: usize) {
        bump(&self.realloc_count, 1);
        if new >= old {
            self.grew(new - old);
        } else {
            self.shrank(old - new);
        }
    }

    #[inline]
    fn grew(&self, by: usize) {
        bump(&self.alloc_bytes, by as u64);
        let live = self.live();
        if live > self.peak.load(Relaxed) {
            self.peak.store(live, Relaxed);
        }
        if live > self.told.load(Relaxed).wrapping_add(process_level::STEP) {
            self.tell();
        }
    }

    #[inline]
    fn shrank(&self, by: usize) {
        bump(&self.freed_bytes, by as u64);
        if self.live() < self.told.load(Relaxed).wrapping_sub(process_level::STEP) {
            self.tell();
        }
    }

    /// Tells the process how far this thread's level has moved since it last did so.
    #[cold]
    #[inline(never)]
    pub(crate) fn tell(&self) {
        let live = self.live();
        let moved = live.wrapping_sub(self.told.load(Relaxed));
        if moved != 0 {
            self.told.store(live, Relaxed);
            if !self.silent {
                bump(&self.tells, 1);
                process_level::moved(moved);
            }
        }
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
        self.tell();
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

    /// Starts a new stretch whose highest level so far is `level`, on the tally's own thread. Who
    /// sees it sees what was written before.
    #[inline]
    pub(crate) fn restart_peak(&self, level: i64) {
        self.peak.store(level, Release);
    }

    /// The level that the process has been told of.
    #[inline]
    pub(crate) fn told(&self) -> i64 {
        self.told.load(Relaxed)
    }

    /// How often this thread told the process.
    #[inline]
    pub(crate) fn tells(&self) -> u64 {
        self.tells.load(Relaxed)
    }
}
