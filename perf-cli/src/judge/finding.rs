//! The verdict on one number, with everything that explains it.

use serde::Serialize;

/// The result of judging a number of the candidate against its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No change according to the rules.
    Unchanged,
    /// Lower than before, by the rules that find a regression or a suspect.
    Improvement,
    /// There are too few builds for a verdict.
    #[default]
    Insufficient,
    /// Probably higher than before; more builds are needed to be certain.
    Suspect,
    /// Certainly higher than before.
    Regression,
}

impl Verdict {
    /// The verdict in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Improvement => "improvement",
            Self::Insufficient => "insufficient",
            Self::Suspect => "suspect",
            Self::Regression => "regression",
        }
    }
}

/// A verdict on one number, and what it is based on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Finding {
    /// The verdict. An improvement by the rules for one or two builds is as uncertain as a suspect.
    pub verdict: Verdict,
    /// The rule that applied.
    pub rule: AppliedRule,
    /// The condition of the rule that decided.
    pub decided_by: Condition,
    /// Builds of the candidate.
    pub candidate_builds: usize,
    /// Builds of the baseline.
    pub baseline_builds: usize,
    /// Sessions of the baseline.
    pub baseline_sessions: usize,
    /// The baseline's median, in the number's unit; 0 if it is empty. Scaled to the candidate's
    /// amount of work where that differs.
    pub old: f64,
    /// The candidate's median.
    pub new: f64,
    /// The lowest number that this rule would have flagged by change, floor and z.
    pub limit: Option<f64>,
    /// The baseline's robust spread on the logarithm: 0.03 is about 3 %.
    pub sigma: Option<f64>,
    /// How many sigmas the candidate lies above the baseline.
    pub z: Option<f64>,
    /// The one-sided p of the Mann–Whitney test, in the direction in which the medians differ.
    pub p: Option<f64>,
    /// The p of `z` (by Student's t), adjusted for all hypotheses that were judged together.
    pub adjusted_p: Option<f64>,
    /// The amount of work, if it differs between builds.
    pub work: Option<Work>,
    /// What is needed for a certain verdict, if this one is not.
    pub needed: Option<Needed>,
}

impl Finding {
    /// The candidate's median as a multiple of the baseline's; `None` if that is 0.
    pub fn ratio(&self) -> Option<f64> {
        (self.old > 0.0).then(|| self.new / self.old)
    }

    /// The candidate's median minus the baseline's, in the number's unit.
    pub fn difference(&self) -> f64 {
        self.new - self.old
    }

    /// Turns a regression into a suspect, and a suspect or an improvement into no change, because
    /// `condition` is not met.
    pub(super) fn weaken(&mut self, condition: Condition) {
        self.verdict = match self.verdict {
            Verdict::Regression => Verdict::Suspect,
            Verdict::Suspect | Verdict::Improvement => Verdict::Unchanged,
            Verdict::Unchanged | Verdict::Insufficient => return,
        };
        self.decided_by = condition;
    }
}

/// The rule that applied to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppliedRule {
    /// The baseline is too short for any verdict.
    #[default]
    TooFewBuilds,
    /// The baseline is short: ratio and a rough z; `suspect` at most.
    Early,
    /// One or two builds, or a session against few sessions: z, change and floor; `suspect` at most.
    Level,
    /// A session against sessions: level, and Mann–Whitney.
    Session,
    /// Allocations that hardly vary: outside of the baseline's range.
    Range,
}

/// The condition that decided, with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Condition {
    /// Every condition of the rule was met.
    #[default]
    Every,
    /// The baseline has fewer builds than this.
    LeastBuilds(usize),
    /// The candidate has fewer builds than this, the number needed to attain the rule's p.
    LeastRuns(usize),
    /// The ratio is lower than this.
    Ratio(f64),
    /// The change is less than this share.
    Change(f64),
    /// The difference is less than this, in the number's unit.
    Floor(f64),
    /// The z is not above this.
    Z(f64),
    /// The p is higher than this.
    P(f64),
    /// The adjusted p is higher than this rate.
    FalseDiscoveryRate(f64),
    /// The amount of work differs by more than this share, which weakened the verdict.
    Workload(f64),
    /// Within this distance of the baseline's range.
    Range(f64),
}

/// The median amount of work, in items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Of the baseline's builds.
    pub old: f64,
    /// Of the candidate's.
    pub new: f64,
}

impl Work {
    /// By how much the amounts differ, as a share of the smaller one.
    pub fn change(&self) -> f64 {
        (self.new - self.old).abs() / self.new.min(self.old)
    }
}

/// What a certain verdict needs. Interleaved pairs (`ab`) need no history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// Builds of the candidate that ran together.
    pub runs: usize,
    /// Sessions of the baseline.
    pub sessions: usize,
}
