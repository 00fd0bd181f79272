//! Makes numbers of builds comparable that did different amounts of work.

use super::finding::Work;
use super::median;

/// A number of one build.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The number: milliseconds, bytes, allocations.
    pub value: f64,
    /// The amount of work of the build, in items; `None` if it was not counted.
    pub items: Option<f64>,
}

impl Sample {
    /// A number of a build whose work was not counted.
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

/// The numbers of candidate and baseline, scaled to the same amount of work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparable {
    pub(super) candidate: Vec<f64>,
    /// The baseline by session; none is empty.
    pub(super) sessions: Vec<Vec<f64>>,
    /// The amounts of work, if they differ.
    pub(super) work: Option<Work>,
}

impl Comparable {
    /// If every build has counted its work and the counts differ, each number becomes the number per
    /// item times the candidate's median items, so that it keeps its unit and magnitude.
    pub(super) fn new(candidate: &[Sample], baseline: &[Vec<Sample>]) -> Self {
        let all = || baseline.iter().flatten().chain(candidate).filter(|sample| sample.is_finite());
        let counted: Option<Vec<f64>> = all().map(Sample::work).collect();
        let differ = counted.as_ref().is_some_and(|counts| {
            counts.windows(2).any(|pair| pair[0].total_cmp(&pair[1]).is_ne())
        });
        let items = |samples: &mut dyn Iterator<Item = &Sample>| {
            median(samples.filter(|sample| sample.is_finite()).filter_map(Sample::work))
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
            samples.iter().filter(|sample| sample.is_finite()).map(number).collect()
        };
        let sessions =
            baseline.iter().map(|session| numbers(session)).filter(|session| !session.is_empty());
        Self { candidate: numbers(candidate), sessions: sessions.collect(), work }
    }
}
