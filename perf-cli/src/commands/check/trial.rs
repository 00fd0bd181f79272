//! Finds the candidate and its baseline, or why nothing can be judged.

use std::collections::BTreeSet;

use perf_history::BuildStats;
use serde::Serialize;

use super::CheckArgs;
use crate::commands::describe::commits_between;
use crate::commands::verdicts::{self, Judged};
use crate::configuration::Configuration;
use crate::failure::{Failure, Result};
use crate::judge::{Verdict, e_divisive, median};
use crate::labels::{BASE, HEAD, RUN};
use crate::present::units;
use crate::select::{
    Baseline, BuildRef, PassedOver, SelectError, Selection, SeriesKey, Session, exclusion_reason,
    group_sessions, is_typical,
};

#[derive(Debug)]
pub(super) enum Against {
    /// Builds that the user named.
    Named(BuildRef),
    /// The builds before the candidate on these branches.
    History(Vec<String>),
}

/// Base and head of the session of `ab` that a candidate belongs to, each oldest first.
fn halves_of(
    candidate: &[BuildStats],
    selection: &mut Selection,
) -> Result<Option<[Vec<BuildStats>; 2]>> {
    let run = candidate.first().and_then(|stats| stats.labels.get(RUN));
    if run.is_none_or(|run| run != BASE && run != HEAD) {
        return Ok(None);
    }
    let mut half = |name: &str| -> Result<Vec<BuildStats>, SelectError> {
        let mut set = match selection.set(&BuildRef::Label(name.to_owned())) {
            Err(SelectError::Unknown { .. }) => Vec::new(),
            set => set?,
        };
        set.retain(is_typical);
        set.reverse();
        Ok(set)
    };
    let [base, head] = [half(BASE)?, half(HEAD)?];
    Ok(verdicts::were_run_in_turn(base.iter(), &head).then_some([base, head]))
}

#[derive(Debug)]
pub(super) struct Trial {
    /// Builds that ran together, oldest first; at least one.
    pub(super) candidate: Vec<BuildStats>,
    /// Builds that were newer than the candidate or named with it, and are not judged.
    pub(super) passed_over: Vec<PassedOver>,
    pub(super) against: Against,
    pub(super) baseline: Baseline,
    pub(super) comparison: BaselineComparison,
    pub(super) unreadable_changes: Vec<(u64, String)>,
}

impl Trial {
    /// Finds candidate and baseline, reading the history from its end.
    pub(super) fn find(
        selection: &mut Selection,
        args: &CheckArgs,
        configuration: &Configuration,
    ) -> Result<Self> {
        let (candidate, passed_over) = if let Some(reference) = &args.candidate {
            let (mut set, passed_over) = selection.named(reference)?;
            set.reverse();
            (set, passed_over)
        } else {
            let (session, passed_over) = selection.newest_session()?;
            (session.builds, passed_over)
        };
        let series: BTreeSet<SeriesKey> = candidate.iter().map(SeriesKey::from_build).collect();
        if series.len() > 1 {
            return Err(Failure::Usage(
                "the candidate's builds are of several series: select one with --mode or --tool"
                    .to_owned(),
            ));
        }
        let halves = match (&args.candidate, &args.baseline) {
            (None, None) => halves_of(&candidate, selection)?,
            _ => None,
        };
        let (candidate, other_half) = match halves {
            Some([base, head]) => (head, Some(base)),
            None => (candidate, None),
        };
        let mut trial = Self {
            candidate,
            passed_over,
            against: Against::History(configuration.default_branches.clone()),
            baseline: Baseline::default(),
            comparison: BaselineComparison::default(),
            unreadable_changes: Vec::new(),
        };
        if let Some(base) = other_half {
            trial.against = Against::Named(BuildRef::Label(BASE.to_owned()));
            trial.comparison = BaselineComparison::from_named(vec![Session { builds: base }]);
            return Ok(trial);
        }
        if let Some(reference) = &args.baseline {
            trial.name_baseline(selection, reference)?;
            return Ok(trial);
        }
        let accepted = selection.history().accepted()?;
        trial.unreadable_changes = accepted.unreadable;
        let branches = &configuration.default_branches;
        trial.baseline = selection.baseline(&trial.candidate, branches, &accepted.changes)?;
        let sessions = std::mem::take(&mut trial.baseline.sessions);
        trial.comparison =
            BaselineComparison::new(sessions, configuration.thresholds.baseline_sessions);
        Ok(trial)
    }

    /// Uses the builds that the user named as the baseline, except those that are not comparable.
    fn name_baseline(&mut self, selection: &mut Selection, reference: &BuildRef) -> Result {
        let key = SeriesKey::from_build(self.newest());
        let named = selection.set(reference)?;
        let (own, foreign): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|stats| SeriesKey::from_build(stats) == key);
        for stats in foreign {
            if let Some(why) = exclusion_reason(&stats) {
                *self.baseline.left_out.entry(why).or_default() += 1;
                continue;
            }
            self.baseline.foreign += 1;
            if self.baseline.differences.is_empty() {
                self.baseline.differences = key.differences(&SeriesKey::from_build(&stats));
            }
        }
        self.comparison = BaselineComparison::from_named(group_sessions(own));
        self.against = Against::Named(reference.clone());
        Ok(())
    }

    /// The newest build of the candidate.
    pub(super) fn newest(&self) -> &BuildStats {
        // There is at least one.
        &self.candidate[self.candidate.len() - 1]
    }

    pub(super) fn baseline_builds(&self) -> impl Iterator<Item = &BuildStats> + Clone {
        self.comparison.baseline.iter().flat_map(|session| &session.builds)
    }

    /// Whether candidate and baseline are head and base of one session of `ab`.
    pub(super) fn was_run_in_turn(&self) -> bool {
        verdicts::were_run_in_turn(self.baseline_builds(), &self.candidate)
    }

    /// The baseline's builds, if candidate and baseline are head and base of one session of `ab`.
    fn other_half(&self) -> Option<Vec<BuildStats>> {
        self.was_run_in_turn().then(|| self.baseline_builds().cloned().collect())
    }

    /// Judges against the newest builds, then against the last accepted level: slow changes do not
    /// show against the newest builds.
    pub(super) fn judge(&self, configuration: &Configuration) -> Vec<Judged> {
        let BaselineComparison { baseline, level, .. } = &self.comparison;
        if let Some(base) = self.other_half() {
            return verdicts::judge_pairs(&base, &self.candidate, configuration);
        }
        let mut judged = verdicts::judge(&self.candidate, baseline, configuration);
        if level.is_empty() {
            return judged;
        }
        let is_worse =
            |judged: &Judged| matches!(judged.verdict, Verdict::Regression | Verdict::Suspect);
        for crept in verdicts::judge(&self.candidate, level, configuration) {
            let is_same = |judged: &&mut Judged| {
                judged.phase == crept.phase && judged.measure == crept.measure
            };
            let Some(known) = judged.iter_mut().find(is_same) else { continue };
            if is_worse(&crept) && !is_worse(known) {
                *known = Judged { is_creep: true, ..crept };
            }
        }
        verdicts::sort(&mut judged);
        judged
    }

    /// The commits between the newest build of the baseline and the candidate.
    pub(super) fn commits(&self) -> Option<String> {
        let old = self.comparison.baseline.last().and_then(Session::last);
        commits_between(old, Some(self.newest()))
    }

    /// The phases that only one side has, if they take much time.
    pub(super) fn come_and_gone(&self, configuration: &Configuration) -> Option<String> {
        let floor = configuration.thresholds.single_phase_ms;
        let large = |stats: &BuildStats| -> BTreeSet<String> {
            let phases = stats.phases.iter();
            phases.filter(|phase| phase.self_ms > floor).map(|phase| phase.path.clone()).collect()
        };
        let all = |stats: &BuildStats| -> BTreeSet<String> {
            stats.phases.iter().map(|phase| phase.path.clone()).collect()
        };
        let old = self.comparison.baseline.last().and_then(Session::last)?;
        let new = self.newest();
        let list = |what: &str, paths: BTreeSet<String>| {
            let paths: Vec<String> = paths.into_iter().take(5).collect();
            (!paths.is_empty()).then(|| format!("{what}: {}", paths.join(", ")))
        };
        let parts: Vec<String> =
            [list("new", &large(new) - &all(old)), list("gone", &large(old) - &all(new))]
                .into_iter()
                .flatten()
                .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Why there is no baseline.
    pub(super) fn why_nothing(&self, configuration: &Configuration) -> String {
        let Baseline { accepted, left_out, foreign, differences, is_cut, .. } = &self.baseline;
        let least = configuration.thresholds.least_builds as u64;
        let there = self.baseline_builds().count() as u64;
        if let Some(base) = self.other_half() {
            return verdicts::too_few_pairs(&base, &self.candidate, configuration);
        }
        let mut parts = vec![match &self.against {
            Against::Named(reference) => format!(
                "{} of {reference} can be compared; at least {least} are needed",
                units::counted(there, "build")
            ),
            Against::History(branches) => format!(
                "{} on {} to compare with; at least {least} are needed",
                if there == 0 { "no builds".to_owned() } else { units::counted(there, "build") },
                branches.join(" or "),
            ),
        }];
        if accepted.is_some() && there < least {
            parts.push("the level is new, since it was accepted".to_owned());
        }
        if !differences.is_empty() && there < least {
            let differences: Vec<String> = differences
                .iter()
                .map(|difference| {
                    format!("{} {} → {}", difference.what, difference.second, difference.first)
                })
                .collect();
            parts.push(format!(
                "this is a new series, as {} before it differ: {}",
                units::counted(*foreign, "build"),
                differences.join(", ")
            ));
        }
        parts.extend(
            left_out.iter().map(|(why, count)| {
                format!("{} left out ({why})", units::counted(*count, "build"))
            }),
        );
        if *is_cut && there < least {
            parts.push("older builds were not searched".to_owned());
        }
        parts.join("; ")
    }
}

/// Whether a check of the newest session has a baseline to judge by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum GateReadiness {
    /// It would report a regression.
    Ready(String),
    /// It would report a large change, as `suspect` at most.
    Partial(String),
    /// It would judge nothing.
    NotReady(String),
}

/// Looks for the baseline of the newest session.
pub(in crate::commands) fn gate_readiness(
    selection: &mut Selection,
    configuration: &Configuration,
) -> Result<GateReadiness> {
    let trial = Trial::find(selection, &CheckArgs::default(), configuration)?;
    let rules = configuration.thresholds;
    let (builds, sessions) = (trial.baseline_builds().count(), trial.comparison.baseline.len());
    let there = format!(
        "{} in {} to compare with",
        units::counted(builds, "build"),
        units::counted(sessions, "session")
    );
    if trial.was_run_in_turn() {
        return Ok(GateReadiness::Ready(format!("{there}, run in turn")));
    }
    Ok(if builds < rules.least_builds {
        GateReadiness::NotReady(trial.why_nothing(configuration))
    } else if sessions < rules.enough_builds || trial.candidate.len() < rules.session_builds {
        let candidate = units::counted(trial.candidate.len(), "build");
        GateReadiness::Partial(format!("{there}, but the newest session has {candidate}"))
    } else {
        GateReadiness::Ready(there)
    })
}

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
    pub(super) after_unaccepted: Option<Unaccepted>,
}

/// A regression that was not accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Unaccepted {
    /// The first build after it.
    pub(super) build_id: String,
    /// By how much the level changed, as a share.
    pub(super) change: f64,
    pub(super) builds: u64,
}

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
