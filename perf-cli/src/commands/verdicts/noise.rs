//! Signs that the machine was busy with something else while builds ran.

use perf_history::BuildStats;

use crate::judge::median;
use crate::present::units;

/// A build alone does not cause a higher load per core.
const BUSY: f64 = 1.5;
/// Involuntary context switches this many times as frequent as in the baseline are a sign,
const TAKEN: f64 = 5.0;
/// if they are more frequent than this, per second.
const TAKEN_A_SECOND: f64 = 100.0;
/// More page faults that wait for a disk are a sign.
const FAULTS: f64 = 100.0;

/// The signs that the machine was busy while the candidate ran; `None` if there are none.
pub(in crate::commands) fn noise<'a>(
    candidate: &[BuildStats],
    baseline: impl Iterator<Item = &'a BuildStats>,
) -> Option<String> {
    let load = |stats: &BuildStats| {
        let cores = stats.system.as_ref()?.cores?;
        Some(stats.noise.as_ref()?.load_average? / units::float(cores))
    };
    let taken = |stats: &BuildStats| {
        let taken = stats.noise.as_ref()?.involuntary_context_switches?;
        Some(units::float(taken) / (stats.build_time_ms / 1_000.0))
    };
    let faults = |stats: &BuildStats| Some(units::float(stats.noise.as_ref()?.major_page_faults?));
    let mut signs = Vec::new();
    if let Some(load) = median(candidate.iter().filter_map(load)).filter(|load| *load > BUSY) {
        signs.push(format!("a load of {load:.1} per core"));
    }
    let before = median(baseline.filter_map(taken));
    if let (Some(now), Some(before)) = (median(candidate.iter().filter_map(taken)), before)
        && now > TAKEN_A_SECOND
        && now > TAKEN * before
    {
        signs
            .push(format!("{now:.0} involuntary context switches per second ({before:.0} before)"));
    }
    if let Some(faults) =
        median(candidate.iter().filter_map(faults)).filter(|faults| *faults > FAULTS)
    {
        signs.push(format!("{faults:.0} page faults waited for a disk"));
    }
    (!signs.is_empty()).then(|| signs.join(", "))
}
