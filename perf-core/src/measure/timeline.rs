//! The intervals of calls on one thread, one per call: recorded only for builds with a timeline, up to
//! a fixed number per process.
//!
//! # Implementation
//!
//! Intervals are kept in chunks, which are never freed and are reused. Each chunk is reserved before
//! it is filled and released when its list is cleared, so that the lists of all threads together
//! hold at most [`MAX_INTERVALS`].

use std::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use super::counters::bump;
use super::histogram;
use super::leak::{SharedRef, leak};
use super::ticks::Ticks;

/// Intervals per chunk.
const CHUNK: usize = 1_024;
/// The number of intervals that are kept at a time, of all open builds: 16 MiB.
const MAX_INTERVALS: usize = 1 << 20;
/// The number of chunks that can still be reserved.
static FREE_CHUNKS: AtomicUsize = AtomicUsize::new(MAX_INTERVALS / CHUNK);

/// The bits of a packed interval that hold its length.
const LENGTH_BITS: u32 = histogram::MAX_VALUE.count_ones();

/// A span of time in which a phase was on a thread's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The number of the phase's path, below 2^16.
    pub path: u32,
    /// The time of the entry.
    pub start: Ticks,
    /// The length in ticks, below 2^48.
    pub length: u64,
}

struct Packed {
    start: AtomicU64,
    path_and_length: AtomicU64,
}

struct Chunk {
    intervals: [Packed; CHUNK],
    len: AtomicU32,
    next: SharedRef<Chunk>,
}

/// The intervals of one thread and build. Only that thread writes.
pub(crate) struct Timeline {
    first: SharedRef<Chunk>,
    /// The chunk that is being filled. `None` if none is reserved.
    last: SharedRef<Chunk>,
    /// How many chunks are reserved.
    reserved: AtomicUsize,
    /// How many intervals did not fit.
    dropped: AtomicU64,
}

impl Timeline {
    pub(crate) const fn new() -> Self {
        Self {
            first: SharedRef::empty(),
            last: SharedRef::empty(),
            reserved: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Records an interval, or counts it as dropped if there is no room.
    pub(crate) fn add(&self, interval: Interval) {
        let Some(chunk) = self.chunk_with_room() else {
            bump(&self.dropped, 1);
            return;
        };
        let len = chunk.len.load(Relaxed);
        let Some(slot) = chunk.intervals.get(len as usize) else { return };
        slot.start.store(interval.start.0, Relaxed);
        let packed = u64::from(interval.path) << LENGTH_BITS | interval.length;
        slot.path_and_length.store(packed, Relaxed);
        chunk.len.store(len + 1, Release);
    }

    fn chunk_with_room(&self) -> Option<&'static Chunk> {
        let last = self.last.get();
        if let Some(last) = last.filter(|chunk| (chunk.len.load(Relaxed) as usize) < CHUNK) {
            return Some(last);
        }
        FREE_CHUNKS.fetch_update(Relaxed, Relaxed, |free| free.checked_sub(1)).ok()?;
        // Chunks of an earlier use of the list are reused.
        let slot = last.map_or(&self.first, |chunk| &chunk.next);
        let next = slot.get().or_else(Chunk::make);
        match next {
            Some(next) => {
                next.len.store(0, Relaxed);
                self.reserved.store(self.reserved.load(Relaxed) + 1, Relaxed);
                slot.set(Some(next));
                self.last.set(Some(next));
            }
            None => {
                FREE_CHUNKS.fetch_add(1, Relaxed);
            }
        }
        next
    }

    /// Removes all intervals; keeps the memory.
    pub(crate) fn clear(&self) {
        FREE_CHUNKS.fetch_add(self.reserved.swap(0, Relaxed), Relaxed);
        self.last.set(None);
        self.dropped.store(0, Relaxed);
    }

    /// All intervals, in the order in which they ended. To be called when none are added any more.
    pub(crate) fn intervals(&self) -> impl Iterator<Item = Interval> + use<> {
        let reserved = self.reserved.load(Relaxed);
        let first = if reserved > 0 { self.first.get() } else { None };
        std::iter::successors(first, |chunk| chunk.next.get()).take(reserved).flat_map(|chunk| {
            let filled = chunk.intervals.iter().take(chunk.len.load(Acquire) as usize);
            filled.map(Packed::unpack)
        })
    }

    /// How many intervals did not fit.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

impl Packed {
    fn unpack(&self) -> Interval {
        let packed = self.path_and_length.load(Relaxed);
        Interval {
            path: u32::try_from(packed >> LENGTH_BITS).unwrap_or(u32::MAX),
            start: Ticks(self.start.load(Relaxed)),
            length: packed & histogram::MAX_VALUE,
        }
    }
}

impl Chunk {
    fn make() -> Option<&'static Self> {
        leak(|| Self {
            intervals: [const { Packed { start: AtomicU64::new(0), path_and_length: AtomicU64::new(0) } };
                CHUNK],
            len: AtomicU32::new(0),
            next: SharedRef::empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound is per process, so only one test may reach it.
    #[test]
    fn intervals_are_kept_up_to_the_bound_and_counted_beyond_it() {
        let interval = |number: usize| Interval {
            path: u32::try_from(number % 65_536).unwrap(),
            start: Ticks(number as u64 * 3),
            length: histogram::MAX_VALUE - number as u64,
        };
        let timeline = Timeline::new();
        for round in 1..3 {
            for number in 0..MAX_INTERVALS + 10 {
                timeline.add(interval(number));
            }
            assert_eq!(timeline.dropped(), 10, "round {round}");
            assert!(timeline.intervals().eq((0..MAX_INTERVALS).map(interval)), "round {round}");
            timeline.clear();
            assert_eq!((timeline.intervals().count(), timeline.dropped()), (0, 0));
        }
        timeline.add(interval(7));
        assert!(timeline.intervals().eq([interval(7)]));
        timeline.clear();
    }
}
