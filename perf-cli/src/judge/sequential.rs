//! The rule of `ab`: interleaved pairs are made until the answer is sure.
//!
//! Looking at the data several times and stopping at the first low p makes more false alarms than
//! one look would; each look therefore has a p of its own, the sum of which bounds them (Bonferroni;
//! S. J. Pocock: Group sequential methods in the design and analysis of clinical trials. Biometrika 64
//! (1977)). Everything here is a function of the pairs so far: the same pairs give the same answer.

use super::benjamini_hochberg;
use super::mann_whitney::{MannWhitney, Method, attainable_p, pairs_needed};
use super::{Verdict, median};

/// When the pairs are looked at, and how low p must then be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Pairs made so far.
    pub pairs: usize,
    /// The highest one-sided p that is a change.
    pub p: f64,
}

/// When a difference between two builds that were run in turn is a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The looks, by ascending number of pairs; the last one ends it.
    pub looks: Vec<Look>,
    /// The highest p where there is but one look: 0.004, which five pairs attain.
    pub only_p: f64,
    /// It stops early where p is above this in both directions: 0.4.
    pub no_change_p: f64,
    /// It stops early where the least change that counts, in either direction, is as unlikely as
    /// this: 0.05.
    pub equivalence_p: f64,
    /// A phase that is not as unlikely as this does not keep the pairs going: 0.05.
    pub open_p: f64,
    /// The share of false findings among all findings of one comparison: 0.05.
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
    /// The same rule where the last look is at `pairs`: with 10, the looks are at 8 and 10; with 40,
    /// at 8, 12 and 40. The last look has what the p of the looks after it would have been, so that
    /// there are as few false alarms as before.
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

    /// The same rule with each p so many times as high.
    #[must_use]
    pub fn with_p_times(mut self, factor: f64) -> Self {
        for look in &mut self.looks {
            look.p *= factor;
        }
        self.only_p *= factor;
        self
    }

    /// The highest p of all looks together: it bounds the false alarms.
    #[must_use]
    pub fn p(&self) -> f64 {
        self.looks.iter().map(|look| look.p).sum()
    }

    /// The most pairs that it asks for.
    #[must_use]
    pub fn most_pairs(&self) -> usize {
        self.looks.last().map_or(0, |look| look.pairs)
    }

    /// The look that is due with this many pairs; the last one stays due.
    fn look(&self, pairs: usize) -> Option<Look> {
        let last = self.looks.last().filter(|look| pairs >= look.pairs);
        last.or_else(|| self.looks.iter().find(|look| look.pairs == pairs)).copied()
    }

    fn next(&self, pairs: usize) -> usize {
        let next = self.looks.iter().find(|look| look.pairs > pairs);
        next.map_or(self.most_pairs(), |look| look.pairs)
    }
}

/// A number of the build, or of one of its phases, in both halves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hypothesis<'a> {
    /// What it was in the builds of the base, in milliseconds.
    pub base: &'a [f64],
    /// What it was in those of the head.
    pub head: &'a [f64],
    /// The least difference that counts: 5 ms for the build, 2 ms for a phase.
    pub floor: f64,
    /// The least change that counts, as a share of the lower half: 0.05.
    pub least_change: f64,
}

/// Whether more pairs are needed.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// Make pairs until there are `until` of them, then ask again.
    Continue {
        /// The number of pairs at the next look.
        until: usize,
    },
    /// The answer.
    Decided(T),
}

/// What is said of one number, and by what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// `Regression`, `Improvement`, `Unchanged`, or `Insufficient` where the pairs could not have shown
    /// anything.
    pub verdict: Verdict,
    /// The pairs that it was decided by.
    pub pairs: usize,
    /// Median of the base, in milliseconds.
    pub base: f64,
    /// Median of the head, in milliseconds.
    pub head: f64,
    /// Head over base; `None` where the base is 0.
    pub ratio: Option<f64>,
    /// The one-sided p in the direction in which the medians differ.
    pub p: f64,
    /// How `p` was found.
    pub method: Method,
    /// How low p had to be at this look.
    pub p_needed: f64,
    /// The pairs that are needed for a p as low as that; more than `pairs` where the verdict is
    /// `Insufficient`.
    pub pairs_needed: usize,
}

/// Judges one number of the pairs so far.
#[must_use]
pub fn decide(number: &Hypothesis<'_>, rule: &Rule) -> Step<Decision> {
    match decide_all(number, &[], rule) {
        Step::Continue { until } => Step::Continue { until },
        Step::Decided(Comparison { build, .. }) => Step::Decided(build),
    }
}

/// What is said of a build and its phases.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Of the build.
    pub build: Decision,
    /// Of each phase, in the order given.
    pub phases: Vec<Decision>,
}

/// Judges the build and its phases (on their self times) together: findings are also held to the
/// false discovery rate over all of them. It ends when the build is decided and no phase is still
/// open, which is one that has changed as much as a finding needs but not yet as surely.
///
/// Numbers that are not finite and pairs that are not whole are no pairs: as many count as the
/// shorter half has.
#[must_use]
pub fn decide_all(
    build: &Hypothesis<'_>,
    phases: &[Hypothesis<'_>],
    rule: &Rule,
) -> Step<Comparison> {
    let pairs = build.base.len().min(build.head.len());
    let Some(look) = rule.look(pairs) else {
        return Step::Continue { until: rule.next(pairs) };
    };
    let all: Vec<Seen> = std::iter::once(build).chain(phases).map(Seen::of).collect();
    // Two-sided, as the direction was read from the numbers.
    let ps: Vec<f64> = all.iter().map(|it| (2.0 * it.p).min(1.0)).collect();
    let found = benjamini_hochberg::rejected(&ps, rule.false_discovery_rate);
    let changed: Vec<bool> =
        all.iter().zip(found).map(|(it, found)| found && it.p <= look.p && it.is_far()).collect();
    if pairs < rule.most_pairs() {
        let build_is_open = !changed[0] && !all[0].is_settled(rule);
        let phase_is_open = all
            .iter()
            .zip(&changed)
            .skip(1)
            .any(|(it, changed)| !changed && it.p <= rule.open_p && it.is_far());
        if build_is_open || phase_is_open {
            return Step::Continue { until: rule.next(pairs) };
        }
    }
    let mut decisions = all.iter().zip(changed).map(|(it, changed)| it.decision(look, changed));
    let build = decisions.next().unwrap_or_else(|| Seen::of(build).decision(look, false));
    Step::Decided(Comparison { build, phases: decisions.collect() })
}

/// One number of both halves, before anything is decided.
struct Seen {
    pairs: usize,
    base: f64,
    head: f64,
    floor: f64,
    least_change: f64,
    /// In the direction in which the medians differ.
    p: f64,
    /// In the other one.
    other_p: f64,
    /// That the slower half is slower by the least change or more, though it looks like less: the
    /// test of equivalence of D. J. Schuirmann (1987), by ranks.
    p_of_change: f64,
    method: Method,
}

impl Seen {
    fn of(number: &Hypothesis<'_>) -> Self {
        let pairs = number.base.iter().zip(number.head);
        let (base, head): (Vec<f64>, Vec<f64>) = pairs
            .map(|(base, head)| (*base, *head))
            .filter(|(base, head)| base.is_finite() && head.is_finite())
            .unzip();
        let (of_base, of_head) = (
            median(base.iter().copied()).unwrap_or_default(),
            median(head.iter().copied()).unwrap_or_default(),
        );
        let p = |more, less| {
            MannWhitney::greater(more, less).map_or((1.0, Method::Exact), |it| (it.p, it.method))
        };
        let ((slower, method), (faster, _)) = (p(&head, &base), p(&base, &head));
        let (p, other_p, low, high) = if of_head >= of_base {
            (slower, faster, &base, &head)
        } else {
            (faster, slower, &head, &base)
        };
        let changed: Vec<f64> = low.iter().map(|it| it * (1.0 + number.least_change)).collect();
        let p_of_change = MannWhitney::greater(&changed, high).map_or(1.0, |it| it.p);
        Self {
            pairs: base.len(),
            base: of_base,
            head: of_head,
            floor: number.floor,
            least_change: number.least_change,
            p,
            other_p,
            p_of_change,
            method,
        }
    }

    fn difference(&self) -> f64 {
        (self.head - self.base).abs()
    }

    /// Of the lower one, so that exchanging the halves exchanges the answers.
    fn change(&self) -> f64 {
        self.difference() / self.head.min(self.base)
    }

    fn is_far(&self) -> bool {
        self.difference() >= self.floor && self.change() >= self.least_change
    }

    /// Whether more pairs will hardly show a change: there is no sign of one, or one as large as it
    /// must be is unlikely.
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
            method: self.method,
            p_needed: look.p,
            pairs_needed: pairs_needed(look.p).unwrap_or(usize::MAX),
        }
    }
}
