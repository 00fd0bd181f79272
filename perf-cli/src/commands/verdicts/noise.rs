//! Whether the machine did something else while builds ran.

use perf_history::BuildStats;

use crate::judge::median;
use crate::present::units;

/// More load than this for each core is more than a build makes by itself.
const BUSY: f64 = 1.5;
/// The processor was taken from a build this many times as often as from those before,
const TAKEN: f64 = 5.0;
/// and at least so often a second.
const TAKEN_A_SECOND: f64 = 100.0;
/// So many faults that wait for a disk are no accident.
const FAULTS: f64 = 100.0;

/// What says that the machine was busy while the candidate ran; `None` where nothing does.
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
        signs.push(format!("a load of {load:.1} for each core"));
    }
    let before = median(baseline.filter_map(taken));
    if let (Some(now), Some(before)) = (median(candidate.iter().filter_map(taken)), before)
        && now > TAKEN_A_SECOND
        && now > TAKEN * before
    {
        signs.push(format!(
            "the processor was taken away {now:.0} times a second ({before:.0} before)"
        ));
    }
    if let Some(faults) = median(candidate.iter().filter_map(faults)).filter(|it| *it > FAULTS) {
        signs.push(format!("{faults:.0} page faults waited for a disk"));
    }
    (!signs.is_empty()).then(|| signs.join(", "))
}
