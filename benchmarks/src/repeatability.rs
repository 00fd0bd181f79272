//! Whether a run says what an earlier run said.

use crate::rounds::Figure;

/// How far a ratio may be from the same ratio in another run, as a share of the smaller one.
pub(crate) const TOLERANCE: f64 = 0.15;
/// Ratios below say that something costs next to nothing; by what factor next to nothing differs
/// from next to nothing, is nothing to anybody.
const NEXT_TO_NOTHING: f64 = 0.1;

/// Whether batches lie so far apart that no ratio between them could be repeated.
pub(crate) fn is_too_wide(low: f64, ratio: f64, high: f64) -> bool {
    high - low > 2.0 * TOLERANCE * ratio.max(NEXT_TO_NOTHING)
}

/// A ratio that two runs disagree on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Disagreement {
    pub(crate) before: Figure,
    pub(crate) now: Figure,
}

/// How two runs compare.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Agreement {
    /// How many ratios were compared.
    pub(crate) compared: usize,
    /// How many of them are farther apart than the tolerance and have no one value, in one run or both, and
    /// agree in that their ranges meet.
    pub(crate) ranges: usize,
    /// The largest distance of all others, as a share of the smaller ratio.
    pub(crate) worst: f64,
    pub(crate) disagreements: Vec<Disagreement>,
}

/// Compares the ratios of two runs.
pub(crate) fn compare(before: &[Figure], now: &[Figure]) -> Agreement {
    let mut agreement = Agreement { compared: 0, ranges: 0, worst: 0.0, disagreements: Vec::new() };
    for now in now {
        let same = |it: &&Figure| it.contender == now.contender && it.workload == now.workload;
        let Some(before) = before.iter().find(same) else { continue };
        agreement.compared += 1;
        let (low, high) = (before.ratio.min(now.ratio), before.ratio.max(now.ratio));
        let distance = (high - low) / low.max(NEXT_TO_NOTHING);
        if distance > TOLERANCE && ranges_meet(before, now) {
            agreement.ranges += 1;
            continue;
        }
        agreement.worst = agreement.worst.max(distance);
        if distance > TOLERANCE {
            let (before, now) = (before.clone(), now.clone());
            agreement.disagreements.push(Disagreement { before, now });
        }
    }
    agreement
}

/// Whether one of the figures has no one value, and they reach each other.
fn ranges_meet(before: &Figure, now: &Figure) -> bool {
    let [one, other] = [before, now].map(reach);
    let is_wide = before.range.is_some() || now.range.is_some();
    is_wide && one[0] <= other[1] && other[0] <= one[1]
}

/// From where to where a figure reaches: its range, or all of which its ratio is within the tolerance.
fn reach(figure: &Figure) -> [f64; 2] {
    figure.range.unwrap_or([figure.ratio / (1.0 + TOLERANCE), figure.ratio * (1.0 + TOLERANCE)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use workloads::Workload;

    fn figure(contender: &str, ratio: f64) -> Figure {
        let workload = Workload::TightCall;
        Figure {
            contender: contender.to_owned(),
            workload,
            ns: 1.0,
            ratio,
            spread: 0.0,
            range: None,
        }
    }

    #[test]
    fn a_ratio_that_moved_by_more_than_the_tolerance_is_a_disagreement_either_way() {
        let before = [figure("a", 2.0), figure("b", 2.0), figure("c", 2.0), figure("gone", 1.0)];
        let now = [figure("a", 2.29), figure("b", 2.4), figure("c", 1.6), figure("new", 1.0)];
        let agreement = compare(&before, &now);
        assert_eq!(agreement.compared, 3);
        assert!((agreement.worst - 0.25).abs() < 1e-12);
        let names: Vec<_> =
            agreement.disagreements.iter().map(|it| it.now.contender.as_str()).collect();
        assert_eq!(names, ["b", "c"]);
    }

    #[test]
    fn figures_without_one_value_agree_where_their_ranges_meet() {
        let wide = |low: f64, high: f64| Figure {
            range: Some([low, high]),
            ..figure("a", f64::midpoint(low, high))
        };
        let agree = |before, now| {
            let agreement = compare(&[before], &[now]);
            assert_eq!(agreement.ranges + agreement.disagreements.len(), 1);
            agreement.disagreements.is_empty()
        };
        assert!(agree(wide(5.0, 7.0), wide(6.5, 9.0)));
        assert!(!agree(wide(5.0, 7.0), wide(7.1, 9.0)));
        assert!(agree(wide(5.0, 7.0), figure("a", 8.0)));
        assert!(!agree(figure("a", 8.1), wide(5.0, 7.0)));
        // Near enough without.
        let near = compare(&[wide(5.0, 7.0)], &[wide(5.1, 7.0)]);
        assert_eq!((near.ranges, near.disagreements.len()), (0, 0));
        assert!(is_too_wide(1.8, 2.0, 2.41) && !is_too_wide(1.8, 2.0, 2.39));
    }

    #[test]
    fn next_to_nothing_is_next_to_nothing() {
        assert!(compare(&[figure("a", 0.002)], &[figure("a", 0.004)]).disagreements.is_empty());
    }
}
