//! Finds the baseline: the earlier builds that a candidate is judged against.

use std::collections::{BTreeMap, HashSet};

use perf_history::{Accepted, BuildStats, HistoryError, RecordSummary};

use super::build_ref::branch_of;
use super::session::{Session, Sessions, baseline_exclusion_reason};
use super::{Difference, Mode, Selection, SeriesKey};

/// The most sessions in a baseline. Slow changes can be detected over this distance.
const MAX_SESSIONS: usize = 200;

/// The most builds per session, on average.
const BUILDS_PER_SESSION: usize = 3;

/// The search ends after this many irrelevant builds in a row, to avoid reading all of a long
/// history.
pub(super) const MAX_FOREIGN: usize = 5_000;

/// Why builds on other branches are left out.
const OTHER_BRANCHES: &str = "other branches";

/// The sessions before a candidate, in its series and on the default branch, since the last accepted
/// change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Baseline {
    /// The sessions, oldest first.
    pub sessions: Vec<Session>,
    /// The accepted change, if the first session starts with its build.
    pub accepted: Option<Accepted>,
    /// Builds of the series that cannot be compared with, counted by reason. A build that ended
    /// before it recorded its mode counts as part of the series.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Valid builds of other series that the search passed.
    pub foreign: u64,
    /// The differences between the candidate and the most similar (then the newest) of these.
    pub differences: Vec<Difference>,
    /// Whether the search ended before the start of the history, so that there may be more builds.
    pub is_cut: bool,
}

/// Whether a build was on one of these branches, according to its record.
///
/// A record without a branch counts as on the default branch, unless it names a change (pull
/// request) that has not been merged.
fn is_on(branches: &[String], stats: &BuildStats) -> bool {
    match branch_of(stats) {
        Some(branch) => branches.contains(branch),
        None => stats.ci.as_ref().is_none_or(|ci| ci.change_id.is_none()),
    }
}

impl Selection {
    /// The baseline of a candidate, which has at least one build, all of one series. `accepted` are
    /// all changes that were accepted.
    pub(crate) fn baseline(
        &mut self,
        candidate: &[BuildStats],
        branches: &[String],
        accepted: &[Accepted],
    ) -> Result<Baseline, HistoryError> {
        let Some(key) = candidate.first().map(SeriesKey::from_build) else {
            return Ok(Baseline::default());
        };
        let own: HashSet<&str> = candidate.iter().map(|build| build.build_id.as_str()).collect();
        // If the candidate itself was accepted, its level starts after all earlier builds.
        let is_own = |change: &&Accepted| own.contains(change.build_id.as_str());
        if let Some(change) = accepted.iter().rev().find(is_own) {
            return Ok(Baseline { accepted: Some(change.clone()), ..Baseline::default() });
        }
        self.search(&key, own, branches, accepted, MAX_SESSIONS)
    }

    /// The newest sessions of a series on the default branch, regardless of accepted changes.
    pub(crate) fn recent_sessions(
        &mut self,
        key: &SeriesKey,
        branches: &[String],
        sessions: usize,
    ) -> Result<Vec<Session>, HistoryError> {
        Ok(self.search(key, HashSet::new(), branches, &[], sessions)?.sessions)
    }

    fn search(
        &mut self,
        key: &SeriesKey,
        mut own: HashSet<&str>,
        branches: &[String],
        accepted: &[Accepted],
        max_sessions: usize,
    ) -> Result<Baseline, HistoryError> {
        let mut found = Baseline::default();
        let accepted_at = |id: &str| accepted.iter().rev().find(|change| change.build_id == id);
        let mut sessions = Sessions::default();
        // `others` counts irrelevant builds in a row.
        let (mut builds, mut others) = (0, 0);
        let mut lines = self.builds();
        loop {
            let Baseline { left_out, foreign, differences, .. } = &mut found;
            let next = lines.next_where(|summary| {
                if own.remove(summary.build_id) || !own.is_empty() {
                    return false;
                }
                let mode = summary.incremental.map(|incremental| Mode::from(incremental).name());
                let is_excluded = baseline_exclusion_reason(summary).is_some();
                let is_alike = summary.tool == key.tool
                    && (mode == key.mode || (mode.is_none() && is_excluded));
                let is_elsewhere =
                    summary.branch.is_some_and(|branch| !branches.iter().any(|own| own == branch));
                let is_read = match (is_alike, is_elsewhere) {
                    (true, false) => true,
                    (true, true) => accepted_at(summary.build_id).is_some(),
                    (false, _) => differences.is_empty() && !is_excluded,
                };
                if is_read {
                    return true;
                }
                others += 1;
                if is_alike {
                    *left_out.entry(OTHER_BRANCHES).or_default() += 1;
                } else if !is_excluded {
                    *foreign += 1;
                }
                others >= MAX_FOREIGN
            });
            let Some(stats) = next.transpose()? else { break };
            if others >= MAX_FOREIGN {
                found.is_cut = true;
                break;
            }
            let other = SeriesKey::from_build(&stats);
            let excluded = baseline_exclusion_reason(&RecordSummary::new(&stats));
            if other != *key {
                others += 1;
                if let Some(reason) = excluded {
                    if other.could_match(key) {
                        *found.left_out.entry(reason).or_default() += 1;
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
            // An accepted level may start with a build that is itself excluded.
            let change = accepted_at(&stats.build_id);
            match excluded.or((!is_on(branches, &stats)).then_some(OTHER_BRANCHES)) {
                Some(reason) => *found.left_out.entry(reason).or_default() += 1,
                None if (sessions.len() == max_sessions && !sessions.include(&stats))
                    || builds == BUILDS_PER_SESSION * max_sessions =>
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
