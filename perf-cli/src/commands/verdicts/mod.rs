//! Verdicts on two sets of builds, in words and tables: what `check`, `compare` and `ab` share.

mod evidence;
mod explanation;
mod page;
mod pairs;

use perf_history::BuildStats;

use crate::configuration::Configuration;
use crate::judge::finding::Finding;
use crate::judge::{Verdict, rules};
use crate::present::units;
use crate::select::Session;

pub(super) use evidence::Evidence;
pub(super) use explanation::noise;
pub(super) use page::{Page, between, busy, fit_for_a_comment};
pub(super) use pairs::{are_decided, judge_pairs, too_few_pairs, were_run_in_turn};

/// A measured quantity of a build or of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Time of the build, self time of a phase.
    Time,
    /// Number of allocations; of a phase, without its callees.
    Allocations,
    /// Bytes allocated; of a phase, without its callees.
    Allocated,
    /// Peak of the live heap.
    Peak,
}

impl Measure {
    /// Its name for programs, with the unit.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Time => "time_ms",
            Self::Allocations => "alloc_count",
            Self::Allocated => "alloc_bytes",
            Self::Peak => "memory_peak_bytes",
        }
    }

    fn name(self, is_phase: bool) -> &'static str {
        match (self, is_phase) {
            (Self::Time, false) => "time",
            (Self::Time, true) => "self time",
            (Self::Allocations, _) => "allocations",
            (Self::Allocated, _) => "allocated bytes",
            (Self::Peak, _) => "memory peak",
        }
    }

    /// What it is of: `build time`, `render/html: self time`.
    pub(super) fn of(self, phase: Option<&str>) -> String {
        match phase {
            None => format!("build {}", self.name(false)),
            Some(path) => format!("{path}: {}", self.name(true)),
        }
    }

    /// A value with its unit, for people.
    pub(super) fn shown(self, number: f64) -> String {
        match self {
            Self::Time => units::time(number),
            Self::Allocations => units::Scale::count().with_unit(number),
            Self::Allocated | Self::Peak => units::bytes(number),
        }
    }
}

/// A verdict on one number, with its explanation.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// The phase's path; `None` for the build.
    pub(super) phase: Option<String>,
    pub(super) measure: Measure,
    pub(super) old: f64,
    pub(super) new: f64,
    pub(super) z: Option<f64>,
    pub(super) p: Option<f64>,
    pub(super) builds: usize,
    pub(super) baseline_builds: usize,
    pub(super) baseline_sessions: usize,
    /// Whether the baseline is the last accepted level instead of the newest builds.
    pub(super) is_creep: bool,
    /// What the verdict is based on: parts of a sentence.
    pub(super) why: Vec<String>,
    /// The code location that allocated most of the difference, if it was recorded.
    pub(super) place: Option<String>,
}

impl Judged {
    /// New minus old, as a share of the old; `None` if that is 0.
    pub(super) fn change(&self) -> Option<f64> {
        (self.old > 0.0).then(|| self.new / self.old - 1.0)
    }

    /// What it is of: `build time`, `render/html: self time`.
    pub(super) fn what(&self) -> String {
        self.measure.of(self.phase.as_deref())
    }

    /// The change in words: `render: allocations 1,000 → 1,030, +3.0 %`.
    pub(super) fn describe(&self) -> String {
        let change =
            self.change().map_or_else(String::new, |change| format!(", {}", units::change(change)));
        let (old, new) = (self.measure.shown(self.old), self.measure.shown(self.new));
        format!("{} {old} → {new}{change}", self.what())
    }

    /// Whether it is more than noise.
    pub(super) fn is_change(&self) -> bool {
        matches!(self.verdict, Verdict::Regression | Verdict::Suspect | Verdict::Improvement)
    }

    /// Sort key: by verdict, the build before phases, then by the size of the change.
    fn rank(&self) -> (u8, bool, i64) {
        let verdict = match self.verdict {
            Verdict::Regression => 0,
            Verdict::Suspect => 1,
            Verdict::Improvement => 2,
            Verdict::Unchanged => 3,
            Verdict::Insufficient => 4,
        };
        let change = self.change().unwrap_or(0.0).abs().min(1e6) * 1e6;
        #[expect(clippy::cast_possible_truncation, reason = "at most 1e12")]
        let change = change as i64;
        (verdict, self.phase.is_some(), -change)
    }
}

/// Judges a candidate, whose builds ran together, against the sessions of a baseline.
pub(super) fn judge(
    candidate: &[BuildStats],
    baseline: &[Session],
    configuration: &Configuration,
) -> Vec<Judged> {
    let evidence = Evidence::collect(candidate, baseline, configuration);
    let hypotheses: Vec<rules::Hypothesis<'_>> =
        evidence.iter().map(Evidence::hypothesis).collect();
    let rate = configuration.thresholds.false_discovery_rate;
    let findings = rules::judge_all(&hypotheses, rate);
    let mut judged = explain(&evidence, findings, candidate, baseline);
    sort(&mut judged);
    judged
}

/// Findings with their explanations.
fn explain(
    evidence: &[Evidence],
    findings: Vec<Option<Finding>>,
    candidate: &[BuildStats],
    baseline: &[Session],
) -> Vec<Judged> {
    let judged = evidence.iter().zip(findings).filter_map(|(evidence, finding)| {
        let finding = finding?;
        let place = match evidence.measure {
            Measure::Allocations | Measure::Allocated if finding.verdict != Verdict::Unchanged => {
                evidence::place(evidence.phase.as_deref(), candidate, baseline)
            }
            Measure::Peak => evidence::peak_phase(candidate),
            _ => None,
        };
        Some(Judged {
            verdict: finding.verdict,
            phase: evidence.phase.clone(),
            measure: evidence.measure,
            old: finding.old,
            new: finding.new,
            z: finding.z,
            p: finding.p,
            builds: finding.candidate_builds,
            baseline_builds: finding.baseline_builds,
            baseline_sessions: finding.baseline_sessions,
            is_creep: false,
            why: explanation::explain(&finding, evidence.measure),
            place,
        })
    });
    judged.collect()
}

pub(super) fn of_build_time(judged: &[Judged]) -> Option<&Judged> {
    judged.iter().find(|judged| judged.phase.is_none() && judged.measure == Measure::Time)
}

/// Puts the most important first.
pub(super) fn sort(judged: &mut [Judged]) {
    judged.sort_by_key(Judged::rank);
}

/// The worst verdict. If nothing changed, that on the build's time.
pub(super) fn overall(judged: &[Judged]) -> Verdict {
    let has = |verdict| judged.iter().any(|judged| judged.verdict == verdict);
    let news = [Verdict::Regression, Verdict::Suspect, Verdict::Improvement];
    let of_time = || of_build_time(judged).map_or(Verdict::Insufficient, |judged| judged.verdict);
    news.into_iter().find(|verdict| has(*verdict)).unwrap_or_else(of_time)
}
