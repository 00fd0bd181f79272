//! The distribution of call durations: a log-linear histogram of ticks, written by one thread.
//!
//! # Implementation
//!
//! Each value below 16 has a bucket of its own. Above, each power of two has 16 buckets of equal
//! width, so that the middle of a bucket is within 1/32 (3.2 %) of every value in it. The 16 buckets
//! of a power of two form a segment of 128 bytes, which is allocated at its first value: a phase
//! whose calls take similar times needs one or two. (The scheme is that of G. Tene's `HdrHistogram`.)

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::counters::bump;
use super::leak::{SharedRef, leak};

/// Bits of a value that choose its bucket within a segment.
const SUB_BITS: u32 = 4;
const BUCKETS: usize = 1 << SUB_BITS;
/// Values from 2^48 on (a day, at 3 GHz) count as 2^48 - 1.
const VALUE_BITS: u32 = 48;
const SEGMENTS: usize = (VALUE_BITS - SUB_BITS + 1) as usize;
/// Larger values count as this one.
pub(crate) const MAX_VALUE: u64 = (1 << VALUE_BITS) - 1;

struct Segment {
    counts: [AtomicU64; BUCKETS],
}

/// Counts calls by their duration in ticks.
pub(crate) struct Histogram {
    segments: [SharedRef<Segment>; SEGMENTS],
    /// A bit for each segment that was allocated.
    allocated: AtomicU64,
    /// Calls whose segment could not be allocated.
    uncounted: AtomicU64,
}

/// The segment of a value, and its bucket in the segment. `value` is at most [`MAX_VALUE`].
#[inline]
fn segment_and_bucket(value: u64) -> (usize, usize) {
    // With the bit set, values below 16 have the same exponent as those from 16 to 31, and neither
    // are shifted. They differ in the segment only.
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
            segments: [const { SharedRef::empty() }; SEGMENTS],
            allocated: AtomicU64::new(0),
            uncounted: AtomicU64::new(0),
        }
    }

    /// The bucket of calls that took `ticks`, at most [`MAX_VALUE`]. `None` until the first call of
    /// its segment was recorded.
    #[inline]
    pub(crate) fn bucket(&self, ticks: u64) -> Option<&AtomicU64> {
        let (segment, bucket) = segment_and_bucket(ticks);
        Some(&self.segments.get(segment)?.get()?.counts[bucket])
    }

    /// Counts one call that took `ticks`, at most [`MAX_VALUE`].
    pub(crate) fn record(&self, ticks: u64) {
        let (segment, bucket) = segment_and_bucket(ticks);
        let counts = self.segments.get(segment).and_then(|slot| {
            slot.get().or_else(|| {
                slot.set(leak(|| Segment { counts: [const { AtomicU64::new(0) }; BUCKETS] }));
                self.allocated.store(self.allocated.load(Relaxed) | 1 << segment, Relaxed);
                slot.get()
            })
        });
        bump(counts.map_or(&self.uncounted, |found| &found.counts[bucket]), 1);
    }

    /// The segments that were allocated, with their indices.
    fn allocated(&self) -> impl Iterator<Item = (usize, &'static Segment)> + '_ {
        // PERF: most histograms have one or two segments, and the end of a build reads those of all
        // phases on all threads.
        let mut left = self.allocated.load(Relaxed);
        let indices = std::iter::from_fn(move || {
            let index = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (index < SEGMENTS).then_some(index)
        });
        indices.filter_map(|index| Some((index, self.segments[index].get()?)))
    }

    /// The number of calls.
    pub(crate) fn calls(&self) -> u64 {
        let counts = self.allocated().flat_map(|(_, segment)| &segment.counts);
        counts
            .fold(self.uncounted.load(Relaxed), |sum, count| sum.wrapping_add(count.load(Relaxed)))
    }

    /// Removes all calls; keeps the memory.
    pub(crate) fn clear(&self) {
        self.uncounted.store(0, Relaxed);
        for count in self.allocated().flat_map(|(_, segment)| &segment.counts) {
            count.store(0, Relaxed);
        }
    }

    /// Appends the buckets that are not empty to `buckets`, ascending, and returns the number of
    /// calls.
    pub(crate) fn read_into(&self, buckets: &mut Vec<Bucket>) -> u64 {
        let mut calls = self.uncounted.load(Relaxed);
        for (index, segment) in self.allocated() {
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

/// The index of a bucket, and the number of calls in it.
pub(crate) type Bucket = (usize, u64);

/// The distribution of call durations over all threads.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    /// Ascending, without empty buckets.
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
        match self.buckets.binary_search_by_key(&bucket, |known| known.0) {
            Ok(found) => self.buckets[found].1 += calls,
            Err(index) => self.buckets.insert(index, (bucket, calls)),
        }
    }

    /// The given percentile of the durations in ticks (nearest rank), within 1/32. `None` if there
    /// are no calls.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let calls: u64 = self.buckets.iter().map(|bucket| bucket.1).sum();
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
            let (segment, bucket) = segment_and_bucket(value);
            assert!(segment < SEGMENTS, "{value}");
            let error = middle(segment, bucket).abs_diff(value);
            assert!(error * 32 <= value, "{value}: off by {error}");
            value += 1 + value / 37;
        }
        assert_eq!(segment_and_bucket(MAX_VALUE), (SEGMENTS - 1, BUCKETS - 1));
    }

    #[test]
    fn buckets_ascend_with_their_values() {
        let index = |value| {
            let (segment, bucket) = segment_and_bucket(value);
            segment * BUCKETS + bucket
        };
        for value in 0..100_000 {
            assert!(index(value) <= index(value + 1), "{value}");
        }
    }

    #[test]
    fn percentiles_agree_with_a_sorted_list_within_four_percent() {
        let mut values: Vec<u64> = (0..5_000_u64).map(|n| (n * n * 7919) % 1_000_003).collect();
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
