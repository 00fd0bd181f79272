//! Finds where the level of a series shifted permanently: E-divisive means.
//!
//! D. S. Matteson, N. A. James: A nonparametric approach for multiple change point analysis of
//! multivariate data. JASA 109 (2014). A segment is split where the energy distance between both sides
//! is highest, provided that few permutations of the segment can be split as well; then both halves are
//! split in the same way. A long series is searched in windows, and the splits of all windows are then
//! tested together, as in M. Fleming et al.: Hunter: using change point detection to hunt for
//! performance regressions. ICPE 2023 (now Apache Otava). Hunter uses Student's t-test; we use
//! permutations and ranks.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::mann_whitney::MannWhitney;
use super::robust::ln;
use super::{float, median};

/// The parameters of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The builds per window: 50.
    pub window: usize,
    /// The highest p of a permutation test: 0.001.
    pub p: f64,
    /// The minimum number of builds before and after a change point: 3.
    pub least_segment: usize,
    /// The minimum shift of the median, as a share of the lower level: 0.05.
    pub least_change: f64,
    /// The same series and seed give the same change points.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: 50, p: 0.001, least_segment: 3, least_change: 0.05, seed: 7 }
    }
}

/// A position in a series where its level shifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The first build of the new level.
    pub index: usize,
    /// The median from the previous change point to this one (at most a window).
    pub old: f64,
    /// The median from here to the next change point (at most a window).
    pub new: f64,
    /// The p of the permutation test in its window.
    pub p: f64,
}

impl ChangePoint {
    /// The new level as a multiple of the old one; `None` if that is 0.
    pub fn ratio(&self) -> Option<f64> {
        (self.old > 0.0).then(|| self.new / self.old)
    }
}

/// The change points of a series of times (or other numbers that are not negative), oldest first.
///
/// A number that is not finite is ignored, but keeps its index. Distances are between logarithms, so
/// that a shift counts the same at any level.
pub fn change_points(series: &[f64], options: &Options) -> Vec<ChangePoint> {
    let known: Vec<(usize, f64)> =
        series.iter().copied().enumerate().filter(|(_, number)| number.is_finite()).collect();
    let logarithms: Vec<f64> = known.iter().map(|(_, number)| ln(*number)).collect();
    let numbers: Vec<f64> = known.iter().map(|(_, number)| *number).collect();
    let found = retain_significant(in_windows(&logarithms, options), &numbers, options);
    let indices: Vec<usize> = found.iter().map(|split| split.index).collect();
    let point = |(at, split): (usize, &Split)| {
        let (before, after) = around(&indices, at, numbers.len(), options.window);
        ChangePoint {
            index: known[split.index].0,
            old: median(numbers[before].iter().copied()).unwrap_or_default(),
            new: median(numbers[after].iter().copied()).unwrap_or_default(),
            p: split.p,
        }
    };
    found.iter().enumerate().map(point).collect()
}

/// The best split of a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestSplit {
    /// The first number of the second part.
    pub index: usize,
    /// The energy distance of both parts, scaled by their sizes: Q̂ of Matteson and James.
    pub q: f64,
}

/// The best split of the start of `numbers` (or of all of it) into two consecutive parts, each of at
/// least `least_segment` numbers. `None` if there are too few numbers.
pub fn best_split(numbers: &[f64], least_segment: usize) -> Option<BestSplit> {
    let sums = DistanceSums::new(numbers);
    let least = least_segment.max(1);
    let mut best: Option<BestSplit> = None;
    for index in least..numbers.len() {
        for end in index + least..=numbers.len() {
            let q = sums.q(index, end);
            if best.is_none_or(|best| q > best.q) {
                best = Some(BestSplit { index, q });
            }
        }
    }
    best
}

/// A candidate for a change point.
#[derive(Debug, Clone, Copy)]
struct Split {
    index: usize,
    p: f64,
}

/// The splits of all windows. A window starts at the last split of the previous one, but at least half
/// a window after its start.
fn in_windows(numbers: &[f64], options: &Options) -> Vec<Split> {
    let mut random = Pcg64Mcg::seed_from_u64(options.seed);
    let window = options.window.max(2);
    let mut found: Vec<Split> = Vec::new();
    let mut start = 0;
    while start < numbers.len() {
        let end = (start + window).min(numbers.len());
        let mut open = vec![(start, end)];
        let mut in_this: Vec<Split> = Vec::new();
        while let Some((from, to)) = open.pop() {
            if let Some(split) = significant_split(&numbers[from..to], options, &mut random) {
                let index = from + split.index;
                in_this.push(Split { index, p: split.p });
                open.extend([(from, index), (index, to)]);
            }
        }
        if end == numbers.len() {
            start = end;
        } else {
            let last = in_this.iter().map(|split| split.index).max().unwrap_or_default();
            start = last.max(start + (window / 2).max(1));
        }
        found.extend(in_this);
    }
    found.sort_by_key(|split| split.index);
    found.dedup_by_key(|split| split.index);
    found
}

/// The best split of a segment, if at most a share `p` of its permutations has one as good.
fn significant_split(numbers: &[f64], options: &Options, random: &mut Pcg64Mcg) -> Option<Split> {
    let best = best_split(numbers, options.least_segment)?;
    // Twice as many as are needed to attain this p, so that one may be as good by chance.
    let permutations = 2.0 / options.p.clamp(1e-5, 1.0) - 1.0;
    let (mut as_good, mut done) = (1.0, 1.0);
    let mut permuted = numbers.to_vec();
    while done <= permutations {
        permuted.shuffle(random);
        let other = best_split(&permuted, options.least_segment)?;
        // Rounding must not make equal splits different.
        as_good += f64::from(u8::from(other.q >= best.q * (1.0 - 1e-9)));
        done += 1.0;
        if as_good > options.p * (permutations + 1.0) {
            return None;
        }
    }
    Some(Split { index: best.index, p: as_good / done })
}

/// Removes, one by one, the splits that are not significant or too small between their neighbours,
/// because splits of overlapping windows may contradict each other.
fn retain_significant(mut splits: Vec<Split>, numbers: &[f64], options: &Options) -> Vec<Split> {
    loop {
        let indices: Vec<usize> = splits.iter().map(|split| split.index).collect();
        let weakness = |at: usize| -> f64 {
            let (before, after) = around(&indices, at, numbers.len(), options.window);
            let (before, after) = (&numbers[before], &numbers[after]);
            let level = |numbers: &[f64]| median(numbers.iter().copied()).unwrap_or_default();
            let (old, new) = (level(before), level(after));
            // Infinite for a shift from 0; NaN, and thus 0, for 0 to 0.
            let shift = ((new - old).abs() / new.min(old)).max(0.0);
            let p = |more, less| MannWhitney::greater(more, less).map_or(1.0, |test| test.p);
            let p = (2.0 * p(after, before).min(p(before, after))).min(1.0);
            let is_small = shift < options.least_change;
            // Small shifts are removed first, starting with the smallest; then the least significant.
            if is_small { 2.0 - shift / options.least_change } else { p }
        };
        let weakest = (0..splits.len())
            .map(|at| (at, weakness(at)))
            .filter(|(_, weakness)| *weakness > options.p)
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match weakest {
            Some((at, _)) => splits.remove(at),
            None => return splits,
        };
    }
}

/// The ranges from the previous split to this one and from this one to the next, at most a window.
fn around(
    indices: &[usize],
    at: usize,
    end: usize,
    window: usize,
) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let here = indices[at];
    let before = at.checked_sub(1).map_or(0, |at| indices[at]);
    let after = indices.get(at + 1).copied().unwrap_or(end);
    (before.max(here.saturating_sub(window))..here, here..after.min(here + window))
}

/// Sums of the distances between numbers, for any two ranges of them.
struct DistanceSums {
    side: usize,
    /// At `i * side + j`: between each of the first `i` numbers and each of the first `j`.
    sums: Vec<f64>,
}

impl DistanceSums {
    fn new(numbers: &[f64]) -> Self {
        let side = numbers.len() + 1;
        let mut sums = vec![0.0; side * side];
        for (i, a) in numbers.iter().enumerate() {
            let mut row = 0.0;
            for (j, b) in numbers.iter().enumerate() {
                row += (a - b).abs();
                sums[(i + 1) * side + j + 1] = sums[i * side + j + 1] + row;
            }
        }
        Self { side, sums }
    }

    /// Q̂ of the numbers before `index` and those from there to `end`.
    fn q(&self, index: usize, end: usize) -> f64 {
        let at = |i: usize, j: usize| self.sums[i * self.side + j];
        let (n, m) = (float(index), float(end - index));
        let within_first = at(index, index) / 2.0;
        let between = at(index, end) - at(index, index);
        let within_second = at(end, end) / 2.0 - within_first - between;
        // A part of one number contains no distances.
        let mean = |sum: f64, count: f64| if count > 1.0 { sum / (count - 1.0) } else { 0.0 };
        2.0 / (n + m) * (between - m * mean(within_first, n) - n * mean(within_second, m))
    }
}
