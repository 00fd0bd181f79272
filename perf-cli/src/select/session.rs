//! Sessions: builds that ran together on one machine, and so share its noise.

use std::time::Duration;

use perf_history::{BuildStats, HistoryError, Outcome, RecordSummary};
use serde::Serialize;

use super::build_ref::{commit_of, run_label_of, session_label_of};
use super::{BuildRef, SelectError, Selection, SeriesKey};

/// The longest time between the starts of two successive builds of a session if the labels name
/// a run but no session.
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// A session ends after this many builds in a row that do not belong to it.
const MAX_GAP: usize = 100;

/// Builds that ran together, oldest first: all have the same `labels.run`, `labels.session` and
/// commit; or it is a single build. There is at least one, and all are of one series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Session {
    pub builds: Vec<BuildStats>,
}

impl Session {
    pub(crate) fn first(&self) -> Option<&BuildStats> {
        self.builds.first()
    }

    pub(crate) fn last(&self) -> Option<&BuildStats> {
        self.builds.last()
    }
}

/// Whether two builds ran together. `older` precedes `newer` in the history, with none of their
/// session in between.
fn ran_together(older: &BuildStats, newer: &BuildStats) -> bool {
    let (run, session) = (run_label_of(newer), session_label_of(newer));
    if (run.is_none() && session.is_none())
        || run != run_label_of(older)
        || session != session_label_of(older)
        || commit_of(newer) != commit_of(older)
        || SeriesKey::from_build(newer) != SeriesKey::from_build(older)
    {
        return false;
    }
    session.is_some() || pause(older, newer).is_none_or(|pause| pause <= MAX_PAUSE)
}

/// `None` if the clock was set back in between.
fn pause(older: &BuildStats, newer: &BuildStats) -> Option<Duration> {
    newer.started_at()?.duration_since(older.started_at()?).ok()
}

/// Groups builds, which are added newest first, into sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Newest first, and so are their builds.
    sessions: Vec<Session>,
}

impl Sessions {
    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether a build belongs to one of the sessions.
    pub(super) fn include(&self, stats: &BuildStats) -> bool {
        self.position(stats).is_some()
    }

    pub(super) fn add(&mut self, stats: BuildStats) {
        match self.position(&stats) {
            Some(position) => self.sessions[position].builds.push(stats),
            None => self.sessions.push(Session { builds: vec![stats] }),
        }
    }

    fn position(&self, stats: &BuildStats) -> Option<usize> {
        // The builds of sessions that ran at the same time are interleaved.
        let recent = self.sessions.len().saturating_sub(4);
        let mut positions = (recent..self.sessions.len()).rev();
        positions.find(|position| {
            self.sessions[*position].last().is_some_and(|newer| ran_together(stats, newer))
        })
    }

    /// The sessions and their builds, oldest first.
    pub(super) fn oldest_first(mut self) -> Vec<Session> {
        self.sessions.reverse();
        for session in &mut self.sessions {
            session.builds.reverse();
        }
        self.sessions
    }
}

/// Groups builds, given newest first, into sessions, oldest first.
pub(crate) fn group_sessions(newest_first: Vec<BuildStats>) -> Vec<Session> {
    let mut sessions = Sessions::default();
    for stats in newest_first {
        sessions.add(stats);
    }
    sessions.oldest_first()
}

/// A build that was passed over when the newest session or a named set was selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PassedOver {
    pub build_id: String,
    /// Why its times are not usable: `failed`, `panicked`, `skipped`, `suspect clock`.
    pub why: &'static str,
}

/// Why a build's times are not usable for any comparison; `None` if they are.
pub(crate) fn exclusion_reason(stats: &BuildStats) -> Option<&'static str> {
    summary_exclusion_reason(&RecordSummary::new(stats))
}

fn summary_exclusion_reason(summary: &RecordSummary<'_>) -> Option<&'static str> {
    match summary.outcome {
        Outcome::Success if summary.skipped == Some(true) => Some("skipped"),
        Outcome::Success if summary.clock.is_some() => Some("suspect clock"),
        Outcome::Success => None,
        outcome => Some(outcome.name()),
    }
}

/// Why a build cannot be part of a baseline, regardless of its series.
pub(super) fn baseline_exclusion_reason(summary: &RecordSummary<'_>) -> Option<&'static str> {
    let is_dirty = summary.dirty == Some(true);
    summary_exclusion_reason(summary).or(is_dirty.then_some("uncommitted changes"))
}

/// Whether a build's times are usable for comparisons.
pub(crate) fn is_typical(stats: &BuildStats) -> bool {
    exclusion_reason(stats).is_none()
}

impl Selection {
    /// The newest session with usable times, and the newer builds that were passed over.
    pub(crate) fn newest_session(&mut self) -> Result<(Session, Vec<PassedOver>), SelectError> {
        let mut passed_over = Vec::new();
        let mut newest = None;
        for stats in self.builds() {
            let stats = stats?;
            match exclusion_reason(&stats) {
                None => {
                    newest = Some(stats);
                    break;
                }
                Some(why) if passed_over.len() < super::MAX_SET => {
                    passed_over.push(PassedOver { build_id: stats.build_id, why });
                }
                Some(_) => break,
            }
        }
        let Some(newest) = newest else {
            return Err(SelectError::NoBuilds { filter: self.filter.to_string() });
        };
        Ok((self.session_up_to(newest)?, passed_over))
    }

    /// The builds that `reference` refers to, newest first, and those of them that were passed
    /// over: they have no usable times and belong to another series, for example because they
    /// failed before they recorded their mode. All others are kept, because the user named them.
    pub(crate) fn named(
        &mut self,
        reference: &BuildRef,
    ) -> Result<(Vec<BuildStats>, Vec<PassedOver>), SelectError> {
        let set = self.set(reference)?;
        let Some(key) = set.iter().find(|stats| is_typical(stats)).map(SeriesKey::from_build)
        else {
            return Ok((set, Vec::new()));
        };
        let (mut named, mut passed_over) = (Vec::new(), Vec::new());
        for stats in set {
            match exclusion_reason(&stats) {
                Some(why) if SeriesKey::from_build(&stats) != key => {
                    passed_over.push(PassedOver { build_id: stats.build_id, why });
                }
                _ => named.push(stats),
            }
        }
        Ok((named, passed_over))
    }

    /// The session of `newest`: this build, and the older builds that ran together with it and have
    /// usable times.
    fn session_up_to(&mut self, newest: BuildStats) -> Result<Session, HistoryError> {
        let mut session = vec![newest];
        if run_label_of(&session[0]).is_none() && session_label_of(&session[0]).is_none() {
            return Ok(Session { builds: session });
        }
        let id = session[0].build_id.clone();
        let (mut is_reached, mut gap) = (false, 0);
        for stats in self.builds() {
            let stats = stats?;
            if !is_reached {
                is_reached = stats.build_id == id;
                continue;
            }
            if ran_together(&stats, &session[session.len() - 1]) {
                gap = 0;
                if is_typical(&stats) {
                    session.push(stats);
                }
            } else {
                gap += 1;
            }
            if gap == MAX_GAP || session.len() == super::MAX_SET {
                break;
            }
        }
        session.reverse();
        Ok(Session { builds: session })
    }

    /// The builds at which new levels start if the user accepts `reference`: for each series in the
    /// set, the oldest build of the oldest session.
    pub(crate) fn beginnings(
        &mut self,
        reference: &BuildRef,
    ) -> Result<Vec<BuildStats>, SelectError> {
        let mut beginnings: Vec<(SeriesKey, BuildStats)> = Vec::new();
        // The set is newest first, so the last build of a series is its oldest.
        for stats in self.set(reference)? {
            let key = SeriesKey::from_build(&stats);
            beginnings.retain(|(known, _)| *known != key);
            beginnings.push((key, stats));
        }
        let mut builds = Vec::new();
        for (_, stats) in beginnings {
            builds.extend(self.session_up_to(stats)?.builds.into_iter().next());
        }
        Ok(builds)
    }
}
