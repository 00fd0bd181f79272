//! The rules of other tools, with the defaults of their documentation or source.
//!
//! All of them judge one build, or one number per run.

use perf_cli::internals::e_divisive::best_split;
use perf_cli::internals::median;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Bencher's t-test, upper boundary 0.99, at most 64 builds: the example in its documentation, computed
/// as in its `bencher_boundary`: mean + t·σ, with σ of the population.
/// <https://bencher.dev/docs/explanation/thresholds/>
pub fn bencher_t_test(history: &[f64], candidate: f64) -> bool {
    let newest = &history[history.len().saturating_sub(64)..];
    let (mean, deviation) = mean_and_deviation(newest);
    let t = StudentsT::new(0.0, 1.0, count(newest.len()) - 1.0).expect("there are two builds");
    candidate > mean + t.inverse_cdf(0.99) * deviation
}

/// Bencher's interquartile range, upper boundary 3: median + 3·IQR.
/// <https://bencher.dev/docs/explanation/thresholds/>
pub fn bencher_iqr(history: &[f64], candidate: f64) -> bool {
    let (low, middle, high) = quartiles(history);
    candidate > middle + 3.0 * (high - low)
}

/// `CodSpeed`'s regression threshold, 10 % over the base. (Its own measure is simulated instructions,
/// which vary less than time.) <https://codspeed.io/docs/features/customization>
pub fn codspeed(history: &[f64], candidate: f64) -> bool {
    history.last().is_some_and(|previous| candidate > 1.1 * previous)
}

/// github-action-benchmark's `alert-threshold`, 200 % of the previous build.
/// <https://github.com/benchmark-action/github-action-benchmark>
pub fn github_action_benchmark(history: &[f64], candidate: f64) -> bool {
    history.last().is_some_and(|previous| candidate > 2.0 * previous)
}

/// rustc-perf's significance: the change from the previous build exceeds the upper fence, Q3 + 3·IQR,
/// of the changes between builds before. (Its own measure is instructions.)
/// <https://github.com/rust-lang/rustc-perf/blob/master/docs/comparison-analysis.md>
pub fn rustc_perf(history: &[f64], candidate: f64) -> bool {
    let change = |pair: &[f64]| (pair[1] / pair[0] - 1.0).abs();
    let changes: Vec<f64> = history.windows(2).map(change).collect();
    let (low, _, high) = quartiles(&changes);
    let last = history[history.len() - 1];
    candidate / last - 1.0 > high + 3.0 * (high - low)
}

/// Apache Otava by default (window 50, p 0.001, any magnitude): a change point for the worse among
/// the newest builds, starting with the last one before the candidate.
/// <https://otava.apache.org/>, and M. Fleming et al., ICPE 2023
pub fn otava(history: &[f64], candidates: &[f64]) -> bool {
    let series = [history, candidates].concat();
    let is_new = |index: &usize| *index + 1 >= history.len();
    otava_change_points(&series).iter().filter(|(index, _)| is_new(index)).any(|(_, worse)| *worse)
}

/// Otava's change points, and whether the mean is higher after them.
pub fn otava_change_points(series: &[f64]) -> Vec<(usize, bool)> {
    const WINDOW: usize = 50;
    const P: f64 = 0.001;
    let mut indices: Vec<usize> = Vec::new();
    let mut start = 0;
    while start < series.len() {
        let end = (start + WINDOW).min(series.len());
        let found = otava_window(&series[start..end], 10.0 * P);
        let last = found.iter().map(|index| index + start).max().unwrap_or_default();
        indices.extend(found.iter().map(|index| index + start));
        start = last.max(start + WINDOW / 2);
    }
    indices.sort_unstable();
    indices.dedup();
    loop {
        let sides = |at: usize| {
            let from = at.checked_sub(1).map_or(0, |at| indices[at]);
            let to = indices.get(at + 1).copied().unwrap_or(series.len());
            (&series[from..indices[at]], &series[indices[at]..to])
        };
        let p = |at: &usize| t_test(sides(*at).0, sides(*at).1);
        let weakest = (0..indices.len()).max_by(|a, b| p(a).total_cmp(&p(b)));
        if let Some(at) = weakest.filter(|at| p(at) >= P) {
            indices.remove(at);
            continue;
        }
        let worse = |at: usize| {
            let (before, after) = sides(at);
            mean_and_deviation(after).0 > mean_and_deviation(before).0
        };
        return (0..indices.len()).map(|at| (indices[at], worse(at))).collect();
    }
}

/// Splits at the highest Q̂ of all segments, as long as the t-test finds the split significant.
fn otava_window(series: &[f64], p: f64) -> Vec<usize> {
    let mut indices: Vec<usize> = Vec::new();
    loop {
        let mut ends = vec![0];
        ends.extend(&indices);
        ends.push(series.len());
        let best = ends
            .windows(2)
            .filter_map(|pair| Some((pair[0], pair[1], best_split(&series[pair[0]..pair[1]], 1)?)))
            .max_by(|a, b| a.2.q.total_cmp(&b.2.q));
        let Some((from, to, split)) = best else { return indices };
        let index = from + split.index;
        if t_test(&series[from..index], &series[index..to]) > p {
            return indices;
        }
        indices.push(index);
        indices.sort_unstable();
    }
}

/// Student's two-sided t-test with pooled variances, from deviations of the population, as in
/// Otava.
fn t_test(before: &[f64], after: &[f64]) -> f64 {
    let (n, m) = (count(before.len()), count(after.len()));
    if n + m <= 2.0 {
        return 1.0;
    }
    let ((mean_before, s_before), (mean_after, s_after)) =
        (mean_and_deviation(before), mean_and_deviation(after));
    let pooled = ((n - 1.0) * s_before.powi(2) + (m - 1.0) * s_after.powi(2)) / (n + m - 2.0);
    let t = (mean_after - mean_before) / (pooled * (1.0 / n + 1.0 / m)).sqrt();
    let distribution = StudentsT::new(0.0, 1.0, n + m - 2.0).expect("there are three builds");
    2.0 * distribution.sf(t.abs())
}

/// The deviation of the population.
fn mean_and_deviation(numbers: &[f64]) -> (f64, f64) {
    let mean = numbers.iter().sum::<f64>() / count(numbers.len());
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    (mean, (squares / count(numbers.len())).sqrt())
}

/// The medians of the lower half, of all, and of the upper half.
fn quartiles(numbers: &[f64]) -> (f64, f64, f64) {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len().div_ceil(2);
    let middle = |part: &[f64]| median(part.iter().copied()).unwrap_or(f64::NAN);
    (middle(&sorted[..half]), middle(&sorted), middle(&sorted[sorted.len() - half..]))
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("a history of builds"))
}
