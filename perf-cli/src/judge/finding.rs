//! What is said of one number, with everything that explains it.

use super::Verdict;
use super::mann_whitney::Method;

/// A verdict on one number, and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// What is said. An improvement by the rules for one or two builds is no surer than a suspect.
    pub verdict: Verdict,
    /// By which rule.
    pub rule: Rule,
    /// Which condition of the rule decided.
    pub decided_by: Condition,
    /// Builds of the candidate.
    pub candidate_builds: usize,
    /// Builds of the baseline.
    pub baseline_builds: usize,
    /// Sessions of the baseline.
    pub baseline_sessions: usize,
    /// The baseline's median, in the number's unit; 0 where it is empty. Where the amount of work
    /// differs, for as much work as the candidate's.
    pub old: f64,
    /// The candidate's median.
    pub new: f64,
    /// The lowest number that this rule would have flagged, as far as it is one of level: change,
    /// floor and z.
    pub limit: Option<f64>,
    /// The baseline's robust spread, on the logarithm: about its share.
    pub sigma: Option<f64>,
    /// How many sigmas the candidate lies above the baseline.
    pub z: Option<f64>,
    /// The one-sided p of the Mann–Whitney test, in the direction in which the medians differ.
    pub p: Option<f64>,
    /// How `p` was found.
    pub method: Option<Method>,
    /// What the number's p is among those of all hypotheses that were judged together: that of z,
    /// by Student's t.
    pub adjusted_p: Option<f64>,
    /// The amount of work, where it is not the same in all builds.
    pub work: Option<Work>,
    /// What a sure verdict takes, where this one is not.
    pub needed: Option<Needed>,
}

impl Finding {
    /// The candidate's median as a multiple of the baseline's; `None` where that is 0.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (self.old > 0.0).then(|| self.new / self.old)
    }

    /// The candidate's median less the baseline's, in the number's unit.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.new - self.old
    }

    /// Makes of a regression a suspect, and of a suspect or an improvement nothing, as `condition`
    /// is not met.
    pub(super) fn weaken(&mut self, condition: Condition) {
        self.verdict = match self.verdict {
            Verdict::Regression => Verdict::Suspect,
            Verdict::Suspect | Verdict::Improvement => Verdict::Unchanged,
            Verdict::Unchanged | Verdict::Insufficient => return,
        };
        self.decided_by = condition;
    }
}

/// The row of the table of rules that applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The baseline is too short for any verdict.
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

/// The condition that decided, with the threshold that it holds numbers against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    /// Every condition of the rule was met.
    Every,
    /// The baseline has fewer builds than this.
    LeastBuilds(usize),
    /// The candidate has fewer builds than are needed for a p as low as the rule's: this many.
    LeastRuns(usize),
    /// The ratio is not as high.
    Ratio(f64),
    /// The change is less than this share.
    Change(f64),
    /// The difference is less than this, in the number's unit.
    Floor(f64),
    /// The z is not as high.
    Z(f64),
    /// The p is higher.
    P(f64),
    /// The p among those of all hypotheses is higher than this rate.
    FalseDiscoveryRate(f64),
    /// The amount of work differs by more than this share, or the verdict would be surer.
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

/// What a sure verdict takes. Interleaved pairs (`ab`) are sure without a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// Builds of the candidate, run together.
    pub runs: usize,
    /// Sessions of the baseline.
    pub sessions: usize,
}
