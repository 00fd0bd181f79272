//! Numbers of builds that did different amounts of work, made comparable.

use super::finding::Work;
use super::median;

/// A number of one build.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The number: milliseconds, bytes, allocations.
    pub value: f64,
    /// The amount of work that it was used for, in items; `None` where nobody counted.
    pub items: Option<f64>,
}

impl Sample {
    /// A number of a build whose work nobody counted.
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self { value, items: None }
    }

    fn is_finite(&self) -> bool {
        self.value.is_finite()
    }

    fn work(&self) -> Option<f64> {
        self.items.filter(|items| items.is_finite() && *items > 0.0)
    }
}

/// The numbers of candidate and baseline, for the same amount of work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparable {
    pub(super) candidate: Vec<f64>,
    /// By session; none is empty.
    pub(super) sessions: Vec<Vec<f64>>,
    /// Where it was not the same.
    pub(super) work: Option<Work>,
}

impl Comparable {
    /// Where every build has counted its work and not all counts are equal, each number is taken per
    /// item, times the candidate's median items, so that it keeps its unit and its size.
    pub(super) fn of(candidate: &[Sample], baseline: &[Vec<Sample>]) -> Self {
        let all = || baseline.iter().flatten().chain(candidate).filter(|it| it.is_finite());
        let counted: Option<Vec<f64>> = all().map(Sample::work).collect();
        let differ = counted.as_ref().is_some_and(|counts| {
            counts.windows(2).any(|pair| pair[0].total_cmp(&pair[1]).is_ne())
        });
        let items = |samples: &mut dyn Iterator<Item = &Sample>| {
            median(samples.filter(|it| it.is_finite()).filter_map(Sample::work))
        };
        let work = items(&mut baseline.iter().flatten())
            .zip(items(&mut candidate.iter()))
            .map(|(old, new)| Work { old, new })
            .filter(|_| differ);
        let number = |sample: &Sample| match (work, sample.work()) {
            (Some(work), Some(items)) => sample.value / items * work.new,
            _ => sample.value,
        };
        let numbers = |samples: &[Sample]| -> Vec<f64> {
            samples.iter().filter(|it| it.is_finite()).map(number).collect()
        };
        let sessions = baseline.iter().map(|it| numbers(it)).filter(|it| !it.is_empty());
        Self { candidate: numbers(candidate), sessions: sessions.collect(), work }
    }
}

impl Work {
    /// By how much the amounts differ, as a share of the smaller one.
    #[must_use]
    pub fn change(&self) -> f64 {
        (self.new - self.old).abs() / self.new.min(self.old)
    }
}
