//! Which of the sessions before a candidate are its baseline: not those after a regression that was
//! not accepted.

use perf_history::BuildStats;
use serde::Serialize;

use crate::judge::{e_divisive, median};
use crate::select::Session;

/// A better level becomes the baseline once it has this many sessions.
const ENOUGH: usize = 10;
/// A level needs this many sessions to detect slow changes against it.
const LEAST_LEVEL: usize = 5;

/// The sessions that a candidate is compared with.
#[derive(Debug, Default)]
pub(super) struct BaselineComparison {
    /// The newest sessions of the current level, oldest first.
    pub(super) baseline: Vec<Session>,
    /// The first sessions of the level, if they are older than the baseline: slow changes show
    /// against them.
    pub(super) level: Vec<Session>,
    /// What was left out.
    pub(super) after_unaccepted: Option<Unaccepted>,
}

/// A regression that was not accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Unaccepted {
    /// The first build after it.
    pub(super) build_id: String,
    /// By how much the level changed, as a share.
    pub(super) change: f64,
    /// The builds after it.
    pub(super) builds: u64,
}

/// The time of a session.
pub(super) fn time_of(session: &Session) -> f64 {
    let times = session.builds.iter().map(|stats: &BuildStats| stats.build_time_ms);
    median(times).unwrap_or(f64::NAN)
}

impl BaselineComparison {
    /// All sessions that the user named.
    pub(super) fn from_named(sessions: Vec<Session>) -> Self {
        Self { baseline: sessions, ..Self::default() }
    }

    /// From the sessions since the last accepted change, oldest first: at most `most` for the baseline.
    pub(super) fn new(sessions: Vec<Session>, most: usize) -> Self {
        let times: Vec<f64> = sessions.iter().map(time_of).collect();
        let points = e_divisive::change_points(&times, &e_divisive::Options::default());
        let mut begins: Vec<usize> = points.iter().map(|point| point.index).collect();
        begins.push(sessions.len());
        let mut rest = sessions.into_iter();
        let mut at = 0;
        let mut segments = begins.into_iter().map(|end| {
            let segment: Vec<Session> = rest.by_ref().take(end - at).collect();
            at = end;
            let level = median(segment.iter().map(time_of)).unwrap_or(f64::NAN);
            (level, segment)
        });
        let Some((mut level, mut kept)) = segments.next() else { return Self::default() };
        let least_change = e_divisive::Options::default().least_change;
        let mut after_unaccepted: Option<Unaccepted> = None;
        for (next, segment) in segments {
            if next < level * (1.0 + least_change) {
                // Back to the level, or better.
                if next >= level / (1.0 + least_change) {
                    kept.extend(segment);
                } else if segment.len() >= ENOUGH {
                    (level, kept) = (next, segment);
                }
                continue;
            }
            let builds = segment.iter().map(|session| session.builds.len() as u64).sum::<u64>();
            let before = after_unaccepted.take();
            let first = segment.first().and_then(Session::first);
            after_unaccepted = Some(Unaccepted {
                build_id: before
                    .as_ref()
                    .map(|before| before.build_id.clone())
                    .or_else(|| first.map(|stats| stats.build_id.clone()))
                    .unwrap_or_default(),
                change: next / level - 1.0,
                builds: builds + before.map_or(0, |before| before.builds),
            });
        }
        let level = match kept.len().checked_sub(most) {
            Some(older) if older >= LEAST_LEVEL => kept[..older.min(most)].to_vec(),
            _ => Vec::new(),
        };
        let baseline = kept.split_off(kept.len().saturating_sub(most));
        Self { baseline, level, after_unaccepted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(times: &[f64]) -> Vec<Session> {
        let build = |(n, time): (usize, &f64)| {
            let mut stats = BuildStats::default();
            stats.build_id = n.to_string();
            stats.build_time_ms = *time;
            stats
        };
        let builds = times.iter().enumerate().map(build);
        builds.map(|stats| Session { builds: vec![stats] }).collect()
    }

    /// Sessions at about this level, with a fixed noise of 1 %.
    fn around(level: f64, builds: usize) -> Vec<f64> {
        let noise = [0.0, 1.0, -1.0, 0.5, -0.5, 0.8, -0.2];
        (0..builds).map(|n| level * (1.0 + noise[n % 7] / 100.0)).collect()
    }

    fn comparison(parts: &[Vec<f64>]) -> BaselineComparison {
        BaselineComparison::new(sessions(&parts.concat()), 30)
    }

    fn ids(sessions: &[Session]) -> (String, String) {
        let id = |session: &Session| session.builds[0].build_id.clone();
        (id(&sessions[0]), id(&sessions[sessions.len() - 1]))
    }

    #[test]
    fn the_newest_thirty_are_the_baseline_and_the_oldest_the_level() {
        let comparison = comparison(&[around(100.0, 50)]);
        assert_eq!(ids(&comparison.baseline), ("20".to_owned(), "49".to_owned()));
        assert_eq!(ids(&comparison.level), ("0".to_owned(), "19".to_owned()));
        assert_eq!(comparison.after_unaccepted, None);
    }

    #[test]
    fn a_shorter_baseline_is_the_newest_of_it() {
        let comparison = BaselineComparison::new(sessions(&around(100.0, 50)), 12);
        assert_eq!(ids(&comparison.baseline), ("38".to_owned(), "49".to_owned()));
        assert_eq!(ids(&comparison.level), ("0".to_owned(), "11".to_owned()));
    }

    #[test]
    fn builds_after_a_change_for_the_worse_do_not_join() {
        let comparison = comparison(&[around(100.0, 20), around(120.0, 12)]);
        assert_eq!(ids(&comparison.baseline), ("0".to_owned(), "19".to_owned()));
        let after = comparison.after_unaccepted.unwrap();
        assert_eq!((after.build_id.as_str(), after.builds), ("20", 12));
        assert!((after.change - 0.2).abs() < 0.01, "{}", after.change);
    }

    #[test]
    fn builds_that_are_back_at_the_level_join_again() {
        let comparison = comparison(&[around(100.0, 15), around(130.0, 10), around(100.0, 10)]);
        assert_eq!(comparison.baseline.len(), 25);
        assert_eq!(ids(&comparison.baseline), ("0".to_owned(), "34".to_owned()));
    }

    #[test]
    fn a_better_level_is_the_measure_once_enough_builds_stand_on_it() {
        let few = comparison(&[around(100.0, 20), around(80.0, 6)]);
        assert_eq!(ids(&few.baseline), ("0".to_owned(), "19".to_owned()));
        let many = comparison(&[around(100.0, 20), around(80.0, 12)]);
        assert_eq!(ids(&many.baseline), ("20".to_owned(), "31".to_owned()));
        assert_eq!(many.after_unaccepted, None);
    }

    #[test]
    fn without_builds_there_is_nothing() {
        assert!(comparison(&[]).baseline.is_empty());
    }
}
