//! Whether a run says what an earlier run said.

use crate::rounds::Figure;

/// How far a ratio may be from the same ratio in another run, as a share of the smaller one.
pub(crate) const TOLERANCE: f64 = 0.15;
/// Ratios below say that something costs next to nothing; by what factor next to nothing differs
/// from next to nothing, is nothing to anybody.
const NEXT_TO_NOTHING: f64 = 0.1;

/// A ratio that two runs disagree on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Disagreement {
    pub(crate) contender: String,
    pub(crate) workload: &'static str,
    pub(crate) before: f64,
    pub(crate) now: f64,
}

/// How two runs compare.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Agreement {
    /// How many ratios were compared.
    pub(crate) compared: usize,
    /// The largest distance of all, as a share of the smaller ratio.
    pub(crate) worst: f64,
    pub(crate) disagreements: Vec<Disagreement>,
}

/// Compares the ratios of two runs.
pub(crate) fn compare(before: &[Figure], now: &[Figure]) -> Agreement {
    let mut agreement = Agreement { compared: 0, worst: 0.0, disagreements: Vec::new() };
    for now in now {
        let same = |it: &&Figure| it.contender == now.contender && it.workload == now.workload;
        let Some(before) = before.iter().find(same) else { continue };
        agreement.compared += 1;
        let (low, high) = (before.ratio.min(now.ratio), before.ratio.max(now.ratio));
        let distance = (high - low) / low.max(NEXT_TO_NOTHING);
        agreement.worst = agreement.worst.max(distance);
        if distance > TOLERANCE {
            agreement.disagreements.push(Disagreement {
                contender: now.contender.clone(),
                workload: now.workload.name(),
                before: before.ratio,
                now: now.ratio,
            });
        }
    }
    agreement
}

#[cfg(test)]
mod tests {
    use super::*;
    use workloads::Workload;

    fn figure(contender: &str, ratio: f64) -> Figure {
        let workload = Workload::TightCall;
        Figure { contender: contender.to_owned(), workload, ns: 1.0, ratio, spread: 0.0 }
    }

    #[test]
    fn a_ratio_that_moved_by_more_than_the_tolerance_is_a_disagreement_either_way() {
        let before = [figure("a", 2.0), figure("b", 2.0), figure("c", 2.0), figure("gone", 1.0)];
        let now = [figure("a", 2.29), figure("b", 2.4), figure("c", 1.6), figure("new", 1.0)];
        let agreement = compare(&before, &now);
        assert_eq!(agreement.compared, 3);
        assert!((agreement.worst - 0.25).abs() < 1e-12);
        let names: Vec<_> =
            agreement.disagreements.iter().map(|it| it.contender.as_str()).collect();
        assert_eq!(names, ["b", "c"]);
    }

    #[test]
    fn next_to_nothing_is_next_to_nothing() {
        assert!(compare(&[figure("a", 0.002)], &[figure("a", 0.004)]).disagreements.is_empty());
    }
}
