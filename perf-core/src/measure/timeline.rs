//! Intervals, one for each call of a phase on one thread: kept only where they are asked for, and no
//! more than a fixed number in the process.
//!
//! # Implementation
//!
//! Intervals are kept in chunks that are made once and used again. Together, the lists of all
//! threads hold no more than [`MOST`] intervals at a time: a chunk is taken before it is filled, and
//! given back when its list starts anew.

use std::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use super::counters::bump;
use super::histogram;
use super::leak::{Slot, leak};
use super::ticks::Ticks;

/// How many intervals a chunk holds.
const CHUNK: usize = 1_024;
/// How many intervals are kept at a time, of all builds that are open: 16 MiB.
const MOST: usize = 1 << 20;
/// How many chunks may be taken yet.
static LEFT: AtomicUsize = AtomicUsize::new(MOST / CHUNK);

/// Bits of a packed interval that tell its length.
const LENGTH_BITS: u32 = histogram::MAX_VALUE.count_ones();

/// A stretch of time in which a phase was on a thread's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The phase's path: a number below 2^16.
    pub path: u32,
    pub start: Ticks,
    /// Ticks; at most [`histogram::MAX_VALUE`].
    pub length: u64,
}

struct Packed {
    start: AtomicU64,
    path_and_length: AtomicU64,
}

struct Chunk {
    intervals: [Packed; CHUNK],
    len: AtomicU32,
    next: Slot<Chunk>,
}

/// The intervals of one thread and build. Only that thread writes.
pub(crate) struct Timeline {
    first: Slot<Chunk>,
    /// The chunk that is being filled. `None` where none was taken.
    last: Slot<Chunk>,
    taken: AtomicUsize,
    dropped: AtomicU64,
}

impl Timeline {
    pub(crate) const fn new() -> Self {
        Self {
            first: Slot::empty(),
            last: Slot::empty(),
            taken: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Keeps an interval, or counts it where there is no place left.
    pub(crate) fn add(&self, interval: Interval) {
        let Some(chunk) = self.chunk_with_room() else {
            bump(&self.dropped, 1);
            return;
        };
        let len = chunk.len.load(Relaxed);
        let Some(place) = chunk.intervals.get(len as usize) else { return };
        place.start.store(interval.start.0, Relaxed);
        let packed = u64::from(interval.path) << LENGTH_BITS | interval.length;
        place.path_and_length.store(packed, Relaxed);
        chunk.len.store(len + 1, Release);
    }

    fn chunk_with_room(&self) -> Option<&'static Chunk> {
        let last = self.last.get();
        if let Some(last) = last.filter(|it| (it.len.load(Relaxed) as usize) < CHUNK) {
            return Some(last);
        }
        LEFT.fetch_update(Relaxed, Relaxed, |it| it.checked_sub(1)).ok()?;
        // Where the list was filled before, its chunks are there.
        let place = last.map_or(&self.first, |it| &it.next);
        let next = place.get().or_else(Chunk::make);
        match next {
            Some(next) => {
                next.len.store(0, Relaxed);
                self.taken.store(self.taken.load(Relaxed) + 1, Relaxed);
                place.set(Some(next));
                self.last.set(Some(next));
            }
            None => {
                LEFT.fetch_add(1, Relaxed);
            }
        }
        next
    }

    /// Forgets all intervals; keeps the memory.
    pub(crate) fn clear(&self) {
        LEFT.fetch_add(self.taken.swap(0, Relaxed), Relaxed);
        self.last.set(None);
        self.dropped.store(0, Relaxed);
    }

    /// All intervals, in the order in which they ended. For when nothing is added any more.
    pub(crate) fn intervals(&self) -> impl Iterator<Item = Interval> + use<> {
        let taken = self.taken.load(Relaxed);
        let first = if taken > 0 { self.first.get() } else { None };
        std::iter::successors(first, |it| it.next.get()).take(taken).flat_map(|chunk| {
            let filled = chunk.intervals.iter().take(chunk.len.load(Acquire) as usize);
            filled.map(Packed::unpack)
        })
    }

    /// How many intervals found no place.
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
            next: Slot::empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound is the process's: one test at a time may come near it.
    #[test]
    fn intervals_are_kept_up_to_the_bound_and_counted_beyond_it() {
        let interval = |number: usize| Interval {
            path: u32::try_from(number % 65_536).unwrap(),
            start: Ticks(number as u64 * 3),
            length: histogram::MAX_VALUE - number as u64,
        };
        let timeline = Timeline::new();
        for round in 1..3 {
            for number in 0..MOST + 10 {
                timeline.add(interval(number));
            }
            assert_eq!(timeline.dropped(), 10, "round {round}");
            assert!(timeline.intervals().eq((0..MOST).map(interval)), "round {round}");
            timeline.clear();
            assert_eq!((timeline.intervals().count(), timeline.dropped()), (0, 0));
        }
        timeline.add(interval(7));
        assert!(timeline.intervals().eq([interval(7)]));
        timeline.clear();
    }
}
