//! The spread of the calls of a phase: a log-linear histogram of ticks, written by one thread.
//!
//! # Implementation
//!
//! Values below 16 have a bucket each; above, each power of two has 16 buckets of equal width, so
//! that the middle of a bucket is within 1/32 (3.2 %) of every value in it. The 16 buckets of a
//! power of two are a segment, made when its first value comes: a phase whose calls are alike
//! takes one or two of 128 bytes each. (The scheme is that of G. Tene's `HdrHistogram`.)

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::counters::bump;
use super::leak::{Slot, leak};

/// Bits of a value that choose its bucket within a segment.
const SUB_BITS: u32 = 4;
const BUCKETS: usize = 1 << SUB_BITS;
/// Values from 2^48 on (a day, at 3 GHz) count as 2^48 - 1.
const VALUE_BITS: u32 = 48;
const SEGMENTS: usize = (VALUE_BITS - SUB_BITS + 1) as usize;
/// The largest value that is told from larger ones.
pub(crate) const MAX_VALUE: u64 = (1 << VALUE_BITS) - 1;

struct Segment {
    counts: [AtomicU64; BUCKETS],
}

/// How many calls lasted how long.
pub(crate) struct Histogram {
    segments: [Slot<Segment>; SEGMENTS],
    /// A bit for each segment that was made.
    made: AtomicU64,
    /// Calls for whose segment there was no memory.
    unplaced: AtomicU64,
}

/// Which segment, and which bucket in it. `value` is at most [`MAX_VALUE`].
#[inline]
fn place(value: u64) -> (usize, usize) {
    // Setting the bit makes the values below 16 share the arithmetic of those up to 31: both have
    // the exponent of 16, and `>>` by nothing; what sets them apart is the segment.
    let exponent = (value | (1 << SUB_BITS)).ilog2();
    let shift = exponent - SUB_BITS;
    let segment = shift as usize + usize::from(value >= 1 << SUB_BITS);
    #[expect(clippy::cast_possible_truncation, reason = "four bits")]
    let bucket = (value >> shift) as usize & (BUCKETS - 1);
    (segment, bucket)
}

/// The middle of a bucket.
fn middle(segment: usize, bucket: usize) -> u64 {
    if segment == 0 {
        return bucket as u64;
    }
    let shift = segment - 1;
    let low = ((BUCKETS + bucket) as u64) << shift;
    low + ((1_u64 << shift) >> 1)
}

impl Histogram {
    pub(crate) const fn new() -> Self {
        Self {
            segments: [const { Slot::empty() }; SEGMENTS],
            made: AtomicU64::new(0),
            unplaced: AtomicU64::new(0),
        }
    }

    /// Where calls that lasted `ticks`, at most [`MAX_VALUE`], are counted, once the first was.
    #[inline]
    pub(crate) fn bucket(&self, ticks: u64) -> Option<&AtomicU64> {
        let (segment, bucket) = place(ticks);
        Some(&self.segments.get(segment)?.get()?.counts[bucket])
    }

    /// Counts one call that lasted `ticks`, at most [`MAX_VALUE`].
    pub(crate) fn record(&self, ticks: u64) {
        let (segment, bucket) = place(ticks);
        let counts = self.segments.get(segment).and_then(|it| {
            it.get().or_else(|| {
                it.set(leak(|| Segment { counts: [const { AtomicU64::new(0) }; BUCKETS] }));
                self.made.store(self.made.load(Relaxed) | 1 << segment, Relaxed);
                it.get()
            })
        });
        bump(counts.map_or(&self.unplaced, |it| &it.counts[bucket]), 1);
    }

    fn made(&self) -> impl Iterator<Item = (usize, &'static Segment)> + '_ {
        let made = self.made.load(Relaxed);
        // PERF: most have one or two, and the collector asks each phase of each thread.
        let without_lowest = |made: &u64| Some(made & (made - 1)).filter(|it| *it != 0);
        std::iter::successors(Some(made).filter(|it| *it != 0), without_lowest)
            .map(|made| made.trailing_zeros() as usize)
            .filter_map(|it| Some((it, self.segments.get(it)?.get()?)))
    }

    /// How many calls were counted.
    pub(crate) fn calls(&self) -> u64 {
        let counts = self.made().flat_map(|it| &it.1.counts).map(|it| it.load(Relaxed));
        counts.fold(self.unplaced.load(Relaxed), u64::wrapping_add)
    }

    /// Forgets all calls; keeps the memory.
    pub(crate) fn clear(&self) {
        self.unplaced.store(0, Relaxed);
        for count in self.made().flat_map(|it| &it.1.counts) {
            count.store(0, Relaxed);
        }
    }

    /// Adds the buckets that calls were counted in to `buckets`, ascending, and gives how many
    /// calls were counted.
    pub(crate) fn read_into(&self, buckets: &mut Vec<Bucket>) -> u64 {
        let mut calls = self.unplaced.load(Relaxed);
        for (index, segment) in self.made() {
            for (bucket, count) in segment.counts.iter().enumerate() {
                let count = count.load(Relaxed);
                if count != 0 {
                    calls = calls.wrapping_add(count);
                    buckets.push((index * BUCKETS + bucket, count));
                }
            }
        }
        calls
    }
}

/// The number of a bucket, and how many calls were counted there.
pub(crate) type Bucket = (usize, u64);

/// The histograms of all threads, added up.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    /// Ascending and without empty ones.
    buckets: Vec<Bucket>,
}

impl Spread {
    /// Adds the calls of one histogram.
    pub(crate) fn add(&mut self, buckets: &[Bucket]) {
        if self.buckets.is_empty() {
            self.buckets.extend_from_slice(buckets);
            return;
        }
        for &(bucket, calls) in buckets {
            self.add_calls(bucket, calls);
        }
    }

    fn add_calls(&mut self, bucket: usize, calls: u64) {
        match self.buckets.binary_search_by_key(&bucket, |it| it.0) {
            Ok(found) => self.buckets[found].1 += calls,
            Err(place) => self.buckets.insert(place, (bucket, calls)),
        }
    }

    /// The ticks below which the given share of the calls stayed (nearest rank), within 1/32.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let calls: u64 = self.buckets.iter().map(|it| it.1).sum();
        let rank = (calls * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.buckets.iter().find_map(|&(bucket, count)| {
            seen += count;
            (seen >= rank).then(|| middle(bucket / BUCKETS, bucket % BUCKETS))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_values_bucket_is_within_four_percent_of_the_value() {
        let mut value = 0_u64;
        while value <= MAX_VALUE {
            let (segment, bucket) = place(value);
            assert!(segment < SEGMENTS, "{value}");
            let error = middle(segment, bucket).abs_diff(value);
            assert!(error * 32 <= value, "{value}: off by {error}");
            value += 1 + value / 37;
        }
        assert_eq!(place(MAX_VALUE), (SEGMENTS - 1, BUCKETS - 1));
    }

    #[test]
    fn buckets_ascend_with_their_values() {
        let index = |value| {
            let (segment, bucket) = place(value);
            segment * BUCKETS + bucket
        };
        for value in 0..100_000 {
            assert!(index(value) <= index(value + 1), "{value}");
        }
    }

    #[test]
    fn percentiles_agree_with_a_sorted_list_within_four_percent() {
        let mut values: Vec<u64> = (0..5_000_u64).map(|it| (it * it * 7919) % 1_000_003).collect();
        let histogram = Histogram::new();
        for &value in &values {
            histogram.record(value);
        }
        assert_eq!(histogram.calls(), 5_000);
        let mut buckets = Vec::new();
        assert_eq!(histogram.read_into(&mut buckets), 5_000);
        let mut spread = Spread::default();
        spread.add(&buckets);
        values.sort_unstable();
        for percent in [1, 50, 95, 99, 100] {
            let rank = (values.len() * percent).div_ceil(100);
            let truth = values[rank - 1];
            let found = spread.percentile(percent as u64).unwrap();
            assert!(found.abs_diff(truth) * 25 <= truth, "p{percent}: {found} for {truth}");
        }
    }

    #[test]
    fn no_calls_have_no_percentile() {
        assert_eq!(Spread::default().percentile(50), None);
    }
}
