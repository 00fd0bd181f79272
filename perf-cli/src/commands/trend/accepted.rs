//! Which change points were accepted.

use std::collections::HashMap;

use perf_history::Accepted;

use crate::commands::describe::short_commit;
use crate::present::{Fact, Span};
use crate::select::Session;

/// The accepted changes of builds in some sessions.
pub(super) struct AcceptedIn<'a> {
    /// Each with the index of its session, sorted by it. Within a session, the last accepted change
    /// comes first.
    changes: Vec<(usize, &'a Accepted)>,
}

impl<'a> AcceptedIn<'a> {
    pub(super) fn sessions(sessions: &[Session], accepted: &'a [Accepted]) -> Self {
        let builds = sessions.iter().enumerate().flat_map(|(place, session)| {
            session.builds.iter().map(move |stats| (stats.build_id.as_str(), place))
        });
        let places: HashMap<&str, usize> = builds.collect();
        let known = |change: &'a Accepted| Some((*places.get(change.build_id.as_str())?, change));
        let mut changes: Vec<_> = accepted.iter().rev().filter_map(known).collect();
        changes.sort_by_key(|(place, _)| *place);
        Self { changes }
    }

    /// The change that accepted the level of the sessions `from..until`. Accepting any build of a
    /// level accepts the level.
    pub(super) fn covering(&self, from: usize, until: usize) -> Option<&'a Accepted> {
        let within = self.changes.iter().find(|(place, _)| (from..until).contains(place));
        within.map(|(_, change)| *change)
    }
}

/// The day on which a change was accepted.
pub(super) fn day(change: &Accepted) -> String {
    change.timestamp.chars().take(10).collect()
}

/// When a change was accepted, since which build, and why.
pub(super) fn describe(change: &Accepted) -> Fact {
    let from = change.commit.as_deref().map_or_else(|| change.build_id.clone(), short_commit);
    let from = Span::plain(format!("{}, since {from}", day(change)));
    Fact::new("accepted").and(from).known(change.reason.clone())
}

#[cfg(test)]
mod tests {
    use perf_history::BuildStats;

    use super::*;

    /// Twenty sessions of two builds each: `0-a`, `0-b`, `1-a` …
    fn sessions() -> Vec<Session> {
        let build = |session: u32, name: &str| {
            let mut stats = BuildStats::default();
            stats.build_id = format!("{session}-{name}");
            stats
        };
        (0..20).map(|n| Session { builds: vec![build(n, "a"), build(n, "b")] }).collect()
    }

    fn accepted(build_id: &str, reason: &str) -> Accepted {
        let mut accepted = Accepted::new(build_id, "2026-11-24T01:00:00Z", "site");
        accepted.reason = Some(reason.to_owned());
        accepted
    }

    fn covering(changes: &[Accepted], from: usize, until: usize) -> Option<&str> {
        let found = AcceptedIn::sessions(&sessions(), changes).covering(from, until);
        found.and_then(|change| change.reason.as_deref())
    }

    #[test]
    fn a_level_is_accepted_by_any_of_its_builds() {
        let changes = [accepted("12-b", "later")];
        assert_eq!(covering(&changes, 12, 20), Some("later"));
        assert_eq!(covering(&changes, 10, 20), Some("later"));
        assert_eq!(covering(&changes, 13, 20), None, "that is of the level before");
        assert_eq!(covering(&changes, 5, 12), None, "that is of the level after");
    }

    #[test]
    fn of_several_the_nearest_counts_and_of_one_build_what_was_said_last() {
        let changes =
            [accepted("14-a", "far"), accepted("12-a", "near"), accepted("12-a", "again")];
        assert_eq!(covering(&changes, 11, 20), Some("again"));
        assert_eq!(covering(&changes, 13, 20), Some("far"));
    }

    #[test]
    fn a_build_that_is_not_there_covers_nothing() {
        assert_eq!(covering(&[accepted("21-a", "other series")], 0, 20), None);
    }
}
