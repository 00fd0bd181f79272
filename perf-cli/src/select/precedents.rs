//! What a candidate is judged against: the builds before it that are a measure for it.

use std::collections::{BTreeMap, HashSet};

use perf_history::{Accepted, BuildStats, Glance, HistoryError};

use super::build_ref::branch_of;
use super::session::{Session, Sessions, no_measure};
use super::{Difference, Mode, Selection, SeriesKey};

/// The most sessions before a candidate that are looked at. Slow changes are seen as far back.
const MAX_PRECEDENTS: usize = 200;

/// The most builds of them, on average.
const BUILDS_A_SESSION: usize = 3;

/// The search ends where so many builds in a row are none that it looks for: nobody waits for the
/// rest of a long history.
pub(super) const MAX_FOREIGN: usize = 5_000;

/// Why builds on other branches are left out.
const OTHER_BRANCHES: &str = "other branches";

/// The sessions before a candidate, in its series and on the default branch, since the last accepted
/// change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Precedents {
    /// The sessions, oldest first.
    pub sessions: Vec<Session>,
    /// The change that was accepted, where the first session begins with its build.
    pub accepted: Option<Accepted>,
    /// Builds of the series that are no measure for others, by the reason. One that ended before it
    /// knew its mode counts as of the series.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Builds of other series, on the way, that are a measure there.
    pub foreign: u64,
    /// How the newest of these that is most like the candidate differs from it.
    pub differences: Vec<Difference>,
    /// Whether the search ended before it had gone through the history: there may be more.
    pub is_cut: bool,
}

impl Precedents {
    /// How many builds there are.
    #[cfg(test)]
    #[must_use]
    pub fn builds(&self) -> usize {
        self.sessions.iter().map(|session| session.builds.len()).sum()
    }
}

/// Whether a build is on one of these branches, as far as its record says.
///
/// A record without a branch counts as on the default one, unless it says that it is of a change
/// that is to be merged.
#[must_use]
pub fn is_on(branches: &[String], stats: &BuildStats) -> bool {
    match branch_of(stats) {
        Some(branch) => branches.contains(branch),
        None => stats.ci.as_ref().is_none_or(|ci| ci.change_id.is_none()),
    }
}

impl Selection {
    /// What precedes the candidate, which has at least one build and is of one series. `accepted` are
    /// the changes that somebody accepted.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn precedents(
        &mut self,
        candidate: &[BuildStats],
        branches: &[String],
        accepted: &[Accepted],
    ) -> Result<Precedents, HistoryError> {
        let Some(key) = candidate.first().map(SeriesKey::of) else {
            return Ok(Precedents::default());
        };
        let own: HashSet<&str> = candidate.iter().map(|it| it.build_id.as_str()).collect();
        // What was accepted with the candidate itself begins after all that precedes it.
        if let Some(change) = accepted.iter().rev().find(|it| own.contains(it.build_id.as_str())) {
            return Ok(Precedents { accepted: Some(change.clone()), ..Precedents::default() });
        }
        self.gather(&key, own, branches, accepted, MAX_PRECEDENTS)
    }

    /// The newest sessions of a series on the default branch, at most so many, whatever was
    /// accepted.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub fn course(
        &mut self,
        key: &SeriesKey,
        branches: &[String],
        sessions: usize,
    ) -> Result<Precedents, HistoryError> {
        self.gather(key, HashSet::new(), branches, &[], sessions)
    }

    fn gather(
        &mut self,
        key: &SeriesKey,
        mut own: HashSet<&str>,
        branches: &[String],
        accepted: &[Accepted],
        most: usize,
    ) -> Result<Precedents, HistoryError> {
        let mut found = Precedents::default();
        let begins = |stats: &BuildStats| {
            accepted.iter().rev().find(|change| change.build_id == stats.build_id)
        };
        let mut sessions = Sessions::default();
        // In a row that are none that it looks for.
        let (mut builds, mut others) = (0, 0);
        let mut lines = self.builds();
        loop {
            let Precedents { left_out, foreign, differences, .. } = &mut found;
            let next = lines.next_where(|glance| {
                if own.remove(glance.build_id) || !own.is_empty() {
                    return false;
                }
                let mode = glance.incremental.map(|it| Mode::from(it).name());
                let no_measure = no_measure(glance);
                let is_alike = glance.tool == key.tool
                    && (mode == key.mode || (mode.is_none() && no_measure.is_some()));
                let is_elsewhere =
                    glance.branch.is_some_and(|it| !branches.iter().any(|branch| branch == it));
                let is_named = || accepted.iter().any(|it| it.build_id == glance.build_id);
                let is_looked_at = match (is_alike, is_elsewhere) {
                    (true, false) => true,
                    (true, true) => is_named(),
                    (false, _) => differences.is_empty() && no_measure.is_none(),
                };
                if is_looked_at {
                    return true;
                }
                others += 1;
                if is_alike {
                    *left_out.entry(OTHER_BRANCHES).or_default() += 1;
                } else if no_measure.is_none() {
                    *foreign += 1;
                }
                others >= MAX_FOREIGN
            });
            let Some(stats) = next.transpose()? else { break };
            if others >= MAX_FOREIGN {
                found.is_cut = true;
                break;
            }
            let other = SeriesKey::of(&stats);
            let no_measure = no_measure(&Glance::of(&stats));
            if other != *key {
                others += 1;
                if let Some(why) = no_measure {
                    if other.may_be(key) {
                        *found.left_out.entry(why).or_default() += 1;
                    }
                    continue;
                }
                found.foreign += 1;
                let differences = key.differences(&other);
                if found.differences.is_empty() || differences.len() < found.differences.len() {
                    found.differences = differences;
                }
                continue;
            }
            others = 0;
            // A level may begin with a build that is itself no measure.
            let change = begins(&stats);
            let why = no_measure.or((!is_on(branches, &stats)).then_some(OTHER_BRANCHES));
            match why {
                Some(why) => *found.left_out.entry(why).or_default() += 1,
                None if (sessions.len() == most && !sessions.knows(&stats))
                    || builds == BUILDS_A_SESSION * most =>
                {
                    found.is_cut = true;
                    break;
                }
                None => {
                    builds += 1;
                    sessions.add(stats);
                }
            }
            if let Some(change) = change {
                found.accepted = Some(change.clone());
                break;
            }
        }
        found.sessions = sessions.oldest_first();
        Ok(found)
    }
}
