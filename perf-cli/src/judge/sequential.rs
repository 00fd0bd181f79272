//! The rule of `ab`: pairs of builds are run alternately until the answer is certain.
//!
//! Looking at the data several times and stopping at the first low p causes more false alarms than a
//! single look. Each look therefore has its own p, and their sum bounds the false alarms (Bonferroni;
//! S. J. Pocock: Group sequential methods in the design and analysis of clinical trials. Biometrika 64
//! (1977)). Everything here is a pure function of the pairs so far.

use super::benjamini_hochberg;
use super::mann_whitney::{MannWhitney, attainable_p, pairs_needed};
use super::{Verdict, median};

/// A look at the pairs, and how low p must be then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// The number of pairs so far.
    pub pairs: usize,
    /// The highest one-sided p of a change.
    pub p: f64,
}

/// When a difference between two builds that are run alternately is a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The looks, by ascending number of pairs. The last one always decides.
    pub looks: Vec<Look>,
    /// The highest p if there is only one look: 0.004, which five pairs can attain.
    pub only_p: f64,
    /// Stops early if p is above this in both directions: 0.4.
    pub no_change_p: f64,
    /// Stops early if the smallest relevant change, in either direction, has a p of at most this:
    /// 0.05.
    pub equivalence_p: f64,
    /// A phase with a higher p does not cause more pairs: 0.05.
    pub open_p: f64,
    /// The expected share of false findings among all findings of a comparison: 0.05.
    pub false_discovery_rate: f64,
}

impl Default for Rule {
    fn default() -> Self {
        let look = |pairs, p| Look { pairs, p };
        Self {
            looks: vec![look(8, 0.001), look(12, 0.0007), look(20, 0.0008)],
            only_p: 0.004,
            no_change_p: 0.4,
            equivalence_p: 0.05,
            open_p: 0.05,
            false_discovery_rate: 0.05,
        }
    }
}

impl Rule {
    /// The same rule with the last look at `pairs`: with 10, the looks are at 8 and 10; with 40, at 8,
    /// 12 and 40. The last look gets the p of all looks that it replaces, so that the bound on false
    /// alarms stays the same.
    #[must_use]
    pub fn with_pairs(mut self, pairs: usize) -> Self {
        let before_last = self.looks.len().saturating_sub(1);
        let kept = self.looks.iter().take(before_last).filter(|look| look.pairs < pairs).count();
        let left = self.looks.iter().skip(kept).map(|look| look.p).sum();
        let p = if kept == 0 { self.only_p } else { left };
        self.looks.truncate(kept);
        self.looks.push(Look { pairs, p });
        self
    }

    /// The same rule with each p multiplied by `factor`.
    #[must_use]
    pub fn with_p_times(mut self, factor: f64) -> Self {
        for look in &mut self.looks {
            look.p *= factor;
        }
        self.only_p *= factor;
        self
    }

    /// The sum of the p of all looks, which bounds the false alarms.
    pub fn p(&self) -> f64 {
        self.looks.iter().map(|look| look.p).sum()
    }

    /// The largest number of pairs.
    pub fn max_pairs(&self) -> usize {
        self.looks.last().map_or(0, |look| look.pairs)
    }

    /// The look that is due with this many pairs; the last one stays due with more.
    fn look(&self, pairs: usize) -> Option<Look> {
        let last = self.looks.last().filter(|look| pairs >= look.pairs);
        last.or_else(|| self.looks.iter().find(|look| look.pairs == pairs)).copied()
    }

    fn next(&self, pairs: usize) -> usize {
        let next = self.looks.iter().find(|look| look.pairs > pairs);
        next.map_or(self.max_pairs(), |look| look.pairs)
    }
}

/// A number of the build or of one of its phases, in both builds of each pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedSamples<'a> {
    /// The number in the builds of the base, in milliseconds.
    pub base: &'a [f64],
    /// The number in the builds of the head.
    pub head: &'a [f64],
    /// The smallest relevant difference: 5 ms for the build, 2 ms for a phase.
    pub floor: f64,
    /// The smallest relevant change, as a share of the lower median: 0.05.
    pub least_change: f64,
}

/// Whether more pairs are needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Run more pairs, up to `until`, then decide again.
    Continue {
        /// The number of pairs at the next look.
        until: usize,
    },
    /// The answer.
    Decided(Comparison),
}

/// The verdict on one number, and what it is based on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// `Regression`, `Improvement`, `Unchanged`, or `Insufficient` if there were too few pairs to show
    /// any change.
    pub verdict: Verdict,
    /// The number of pairs.
    pub pairs: usize,
    /// Median of the base, in milliseconds.
    pub base: f64,
    /// Median of the head, in milliseconds.
    pub head: f64,
    /// Head over base; `None` if the base is 0.
    pub ratio: Option<f64>,
    /// The one-sided p in the direction in which the medians differ.
    pub p: f64,
    /// How low p had to be at this look.
    pub p_needed: f64,
    /// The pairs that are needed to attain that p; more than `pairs` if the verdict is
    /// `Insufficient`.
    pub pairs_needed: usize,
}

/// The decisions on a build and its phases.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The decision on the build.
    pub build: Decision,
    /// The decision on each phase, in the order given.
    pub phases: Vec<Decision>,
}

/// Judges the build and its phases (by self time) together: findings must also meet the false
/// discovery rate over all of them. It decides when the build is decided and no phase is still open.
/// A phase is open while its change is large enough but not yet significant.
///
/// Incomplete pairs and pairs with a number that is not finite are ignored.
pub fn decide_all(build: &PairedSamples<'_>, phases: &[PairedSamples<'_>], rule: &Rule) -> Step {
    let pairs = build.base.len().min(build.head.len());
    let Some(look) = rule.look(pairs) else {
        return Step::Continue { until: rule.next(pairs) };
    };
    let all: Vec<PairStatistics> =
        std::iter::once(build).chain(phases).map(PairStatistics::new).collect();
    // Two-sided, as the direction was read from the numbers.
    let ps: Vec<f64> = all.iter().map(|number| (2.0 * number.p).min(1.0)).collect();
    let found = benjamini_hochberg::rejected(&ps, rule.false_discovery_rate);
    let changed: Vec<bool> = all
        .iter()
        .zip(found)
        .map(|(number, found)| found && number.p <= look.p && number.is_relevant())
        .collect();
    if pairs < rule.max_pairs() {
        let build_is_open = !changed[0] && !all[0].is_settled(rule);
        let phase_is_open = all
            .iter()
            .zip(&changed)
            .skip(1)
            .any(|(phase, changed)| !changed && phase.p <= rule.open_p && phase.is_relevant());
        if build_is_open || phase_is_open {
            return Step::Continue { until: rule.next(pairs) };
        }
    }
    let mut decisions =
        all.iter().zip(changed).map(|(number, changed)| number.decision(look, changed));
    let build =
        decisions.next().unwrap_or_else(|| PairStatistics::new(build).decision(look, false));
    Step::Decided(Comparison { build, phases: decisions.collect() })
}

/// The statistics of one number, before the decision.
struct PairStatistics {
    pairs: usize,
    base: f64,
    head: f64,
    floor: f64,
    least_change: f64,
    /// The p in the direction in which the medians differ.
    p: f64,
    /// The p in the other direction.
    other_p: f64,
    /// The p of the hypothesis that the slower half is slower by the least change or more: the test
    /// of equivalence of D. J. Schuirmann (1987), by ranks.
    p_of_change: f64,
}

impl PairStatistics {
    fn new(number: &PairedSamples<'_>) -> Self {
        let pairs = number.base.iter().zip(number.head);
        let (base, head): (Vec<f64>, Vec<f64>) = pairs
            .map(|(base, head)| (*base, *head))
            .filter(|(base, head)| base.is_finite() && head.is_finite())
            .unzip();
        let (of_base, of_head) = (
            median(base.iter().copied()).unwrap_or_default(),
            median(head.iter().copied()).unwrap_or_default(),
        );
        let p_of = |more: &[f64], less: &[f64]| {
            MannWhitney::greater(more, less).map_or(1.0, |test| test.p)
        };
        let (slower, faster) = (p_of(&head, &base), p_of(&base, &head));
        let (p, other_p, low, high) = if of_head >= of_base {
            (slower, faster, &base, &head)
        } else {
            (faster, slower, &head, &base)
        };
        let changed: Vec<f64> = low.iter().map(|time| time * (1.0 + number.least_change)).collect();
        let p_of_change = p_of(&changed, high);
        Self {
            pairs: base.len(),
            base: of_base,
            head: of_head,
            floor: number.floor,
            least_change: number.least_change,
            p,
            other_p,
            p_of_change,
        }
    }

    fn difference(&self) -> f64 {
        (self.head - self.base).abs()
    }

    /// Relative to the lower median, so that swapping the halves swaps the verdicts.
    fn change(&self) -> f64 {
        self.difference() / self.head.min(self.base)
    }

    fn is_relevant(&self) -> bool {
        self.difference() >= self.floor && self.change() >= self.least_change
    }

    /// Whether more pairs are unlikely to show a change: there is no sign of one, or a relevant one
    /// is unlikely.
    fn is_settled(&self, rule: &Rule) -> bool {
        let no_sign = self.p.min(self.other_p) > rule.no_change_p;
        no_sign || self.p_of_change <= rule.equivalence_p
    }

    fn decision(&self, look: Look, changed: bool) -> Decision {
        let verdict = match changed {
            _ if attainable_p(self.pairs, self.pairs) > look.p => Verdict::Insufficient,
            true if self.head > self.base => Verdict::Regression,
            true => Verdict::Improvement,
            false => Verdict::Unchanged,
        };
        Decision {
            verdict,
            pairs: self.pairs,
            base: self.base,
            head: self.head,
            ratio: (self.base > 0.0).then(|| self.head / self.base),
            p: self.p,
            p_needed: look.p,
            pairs_needed: pairs_needed(look.p).unwrap_or(usize::MAX),
        }
    }
}
