//! Builds that ran together on one machine, and so share its noise.

use std::time::Duration;

use perf_history::{BuildStats, Glance, HistoryError};
use serde::Serialize;

use super::build_ref::{commit_of, label_of, session_label_of};
use super::{BuildRef, SelectError, Selection, SeriesKey};

/// Builds whose labels name a run and no session ran together where no more than this lies between
/// the start of one and that of the next.
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// A session ends where so many builds in a row are none of its own.
const MAX_GAP: usize = 100;

/// Builds that ran together, oldest first: those of one run label and one commit, and of one
/// `labels.session` where they say so; or one build alone. There is at least one, and all are of one
/// series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Session {
    /// The builds.
    pub builds: Vec<BuildStats>,
}

impl Session {
    /// The oldest build.
    pub(crate) fn first(&self) -> Option<&BuildStats> {
        self.builds.first()
    }

    /// The newest build.
    pub(crate) fn last(&self) -> Option<&BuildStats> {
        self.builds.last()
    }
}

/// Whether two builds, of which `older` stands before `newer` with none of their session in between,
/// ran together.
pub(super) fn ran_together(older: &BuildStats, newer: &BuildStats) -> bool {
    let (run, session) = (label_of(newer), session_label_of(newer));
    if (run.is_none() && session.is_none())
        || run != label_of(older)
        || session != session_label_of(older)
        || commit_of(newer) != commit_of(older)
        || SeriesKey::of(newer) != SeriesKey::of(older)
    {
        return false;
    }
    session.is_some() || pause(older, newer).is_none_or(|pause| pause <= MAX_PAUSE)
}

fn pause(older: &BuildStats, newer: &BuildStats) -> Option<Duration> {
    // A clock that was set back says nothing of how long it was.
    newer.started_at()?.duration_since(older.started_at()?).ok()
}

/// Puts builds that come newest first into their sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Newest first, and so are their builds.
    sessions: Vec<Session>,
}

impl Sessions {
    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether a build belongs to a session that is there.
    pub(super) fn knows(&self, stats: &BuildStats) -> bool {
        self.place(stats).is_some()
    }

    pub(super) fn add(&mut self, stats: BuildStats) {
        match self.place(&stats) {
            Some(place) => self.sessions[place].builds.push(stats),
            None => self.sessions.push(Session { builds: vec![stats] }),
        }
    }

    fn place(&self, stats: &BuildStats) -> Option<usize> {
        // Sessions that ran at the same time stand among each other.
        let recent = self.sessions.len().saturating_sub(4);
        let mut places = (recent..self.sessions.len()).rev();
        places.find(|place| {
            self.sessions[*place].last().is_some_and(|newer| ran_together(stats, newer))
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

/// Puts builds that come newest first into their sessions, oldest first.
pub(crate) fn sessions_of(newest_first: Vec<BuildStats>) -> Vec<Session> {
    let mut sessions = Sessions::default();
    for stats in newest_first {
        sessions.add(stats);
    }
    sessions.oldest_first()
}

/// A build that was passed over: in the search for the newest session, or in a set that is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PassedOver {
    /// Its id.
    pub build_id: String,
    /// Why its times say nothing: `failed`, `panicked`, `skipped`, `suspect clock`.
    pub why: &'static str,
}

/// Why the times of a build do not say how long such builds take.
pub(crate) fn flaw(stats: &BuildStats) -> Option<&'static str> {
    flaw_at(&Glance::of(stats))
}

fn flaw_at(glance: &Glance<'_>) -> Option<&'static str> {
    use perf_history::Outcome;
    match glance.outcome {
        Outcome::Failed => Some("failed"),
        Outcome::Panicked => Some("panicked"),
        Outcome::Success if glance.skipped == Some(true) => Some("skipped"),
        Outcome::Success if glance.clock.is_some() => Some("suspect clock"),
        Outcome::Success => None,
    }
}

/// Why a build is no measure for others, whatever its series.
pub(super) fn no_measure(glance: &Glance<'_>) -> Option<&'static str> {
    let is_dirty = glance.dirty == Some(true);
    flaw_at(glance).or(is_dirty.then_some("uncommitted changes"))
}

/// Whether the times of a build say how long such builds take.
pub(crate) fn is_typical(stats: &BuildStats) -> bool {
    flaw(stats).is_none()
}

impl Selection {
    /// The newest session whose times say anything, and the newer builds that had to be passed over.
    pub(crate) fn newest_session(&mut self) -> Result<(Session, Vec<PassedOver>), SelectError> {
        let mut passed_over = Vec::new();
        let mut newest = None;
        for stats in self.builds() {
            let stats = stats?;
            match flaw(&stats) {
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

    /// The builds that are meant, newest first, and those of them that were passed over: those whose
    /// times say nothing and that are not of the series of the others, as one that failed before it
    /// knew its mode. The rest is taken as it was named.
    pub(crate) fn named(
        &mut self,
        reference: &BuildRef,
    ) -> Result<(Vec<BuildStats>, Vec<PassedOver>), SelectError> {
        let set = self.set(reference)?;
        let Some(key) = set.iter().find(|stats| is_typical(stats)).map(SeriesKey::of) else {
            return Ok((set, Vec::new()));
        };
        let (mut named, mut passed_over) = (Vec::new(), Vec::new());
        for stats in set {
            match flaw(&stats) {
                Some(why) if SeriesKey::of(&stats) != key => {
                    passed_over.push(PassedOver { build_id: stats.build_id, why });
                }
                _ => named.push(stats),
            }
        }
        Ok((named, passed_over))
    }

    /// The build, with those older ones that ran together with it and whose times say anything.
    pub(crate) fn session_up_to(&mut self, newest: BuildStats) -> Result<Session, HistoryError> {
        let mut session = vec![newest];
        if label_of(&session[0]).is_none() && session_label_of(&session[0]).is_none() {
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
                if flaw(&stats).is_none() {
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

    /// The builds from which on a level is new if what is meant is accepted: the oldest build of the
    /// session of each that is meant, one for each series.
    pub(crate) fn beginnings(
        &mut self,
        reference: &BuildRef,
    ) -> Result<Vec<BuildStats>, SelectError> {
        let mut beginnings: Vec<(SeriesKey, BuildStats)> = Vec::new();
        // Newest first, so that the last of a series is its oldest.
        for stats in self.set(reference)? {
            let key = SeriesKey::of(&stats);
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
