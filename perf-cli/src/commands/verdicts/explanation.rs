//! What a verdict is based on, in a few words.

use perf_history::BuildStats;

use super::Measure;
use crate::judge::bootstrap::RatioInterval;
use crate::judge::finding::{AppliedRule, Condition, Finding, Work};
use crate::judge::sequential::Decision;
use crate::judge::{Verdict, median};
use crate::present::units::{self, counted};

/// What the verdict on a number is based on.
pub(super) fn explain(finding: &Finding, measure: Measure) -> Vec<String> {
    let mut parts = vec![evidence(finding)];
    parts.extend(condition(finding, measure));
    if let Some(Work { old, new }) = finding.work {
        let items = |items: f64| units::Scale::count().with_unit(items);
        parts.push(format!("compared per item ({} → {} items)", items(old), items(new)));
    }
    if finding.verdict == Verdict::Suspect {
        parts.push(match finding.candidate_builds {
            1 => "one build is not enough for certainty".to_owned(),
            n => format!("{n} builds are not enough for certainty"),
        });
    }
    parts
}

/// What the verdict on a number of builds run in turn is based on. Differences below `floor` do not
/// count.
pub(super) fn explain_pairs(
    decision: &Decision,
    interval: Option<&RatioInterval>,
    floor: &str,
) -> Vec<String> {
    let mut parts = vec![format!(
        "p = {} of {} run in turn (at most {} counts)",
        probability(decision.p),
        counted(decision.pairs, "pair"),
        decision.p_needed,
    )];
    parts.extend(interval.map(|interval| {
        let change = |ratio: f64| units::change(ratio - 1.0);
        format!("95 % between {} and {}", change(interval.low), change(interval.high))
    }));
    match decision.verdict {
        Verdict::Insufficient => {
            parts.push(format!("at least {} are needed", counted(decision.pairs_needed, "pair")));
        }
        Verdict::Unchanged if decision.p <= decision.p_needed => {
            parts.push(format!("below the threshold in percent, or less than {floor}"));
        }
        _ => {}
    }
    parts
}

fn evidence(finding: &Finding) -> String {
    let builds = counted(finding.baseline_builds, "build");
    let against = match finding.rule {
        AppliedRule::Session => {
            format!("{builds} in {}", counted(finding.baseline_sessions, "session"))
        }
        _ => builds,
    };
    let mut statistics = Vec::new();
    if let Some(z) = finding.z {
        statistics.push(format!("{z:.1} σ"));
    }
    if let Some(sigma) = finding.sigma {
        statistics.push(format!("σ = {}", units::share(sigma)));
    }
    if let Some(p) = finding.p {
        statistics.push(format!("p = {}", probability(p)));
    }
    if statistics.is_empty() {
        return format!("against {against}");
    }
    format!("{} against {against}", statistics.join(", "))
}

/// A probability with about two significant digits.
pub(super) fn probability(p: f64) -> String {
    match p {
        p if p < 1e-6 => "<0.000001".to_owned(),
        p if p < 0.001 => format!("{p:.6}"),
        p if p < 0.1 => format!("{p:.4}"),
        p => format!("{p:.2}"),
    }
}

/// The condition that was not met, if any.
fn condition(finding: &Finding, measure: Measure) -> Option<String> {
    let share = |share: f64| units::share(share);
    Some(match finding.decided_by {
        Condition::Every if finding.rule == AppliedRule::Range => {
            "outside the exact range of the baseline".to_owned()
        }
        Condition::Every => return None,
        Condition::LeastBuilds(least) => format!("at least {} are needed", counted(least, "build")),
        Condition::LeastRuns(least) => {
            format!("a session of at least {} is needed", counted(least, "build"))
        }
        Condition::Ratio(ratio) => {
            format!("with so few builds a change must exceed {}", units::change(ratio - 1.0))
        }
        Condition::Change(change) => format!("less than {}", share(change)),
        Condition::Floor(floor) => format!("less than {}", measure.shown(floor)),
        Condition::Z(z) => format!("within the noise of {z} σ"),
        Condition::P(p) => format!("p is above {p}"),
        Condition::FalseDiscoveryRate(rate) => {
            let adjusted = finding.adjusted_p.map_or_else(String::new, |p| {
                format!(" (p = {} among them, above {rate})", probability(p))
            });
            format!("not significant among so many numbers{adjusted}")
        }
        Condition::Workload(most) => {
            format!("the amount of work differs by more than {}", share(most))
        }
        Condition::Range(distance) => format!("within {} of the baseline's range", share(distance)),
    })
}

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
