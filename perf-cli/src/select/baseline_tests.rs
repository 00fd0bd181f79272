//! Tests of which builds are the candidate, and which earlier builds are its baseline.

use perf_history::{Accepted, Clock, Outcome};

use super::tests::{TestHistory, build, labelled, number, on, with};
use super::*;

fn main_branch() -> Vec<String> {
    vec!["main".to_owned()]
}

fn accepted(id: &str) -> Accepted {
    Accepted::new(id, "2026-11-23T08:56:00Z", "site")
}

fn numbers<'a>(builds: impl IntoIterator<Item = &'a BuildStats>) -> Vec<u32> {
    builds.into_iter().map(number).collect()
}

/// The builds of each session.
fn sessions(found: &Baseline) -> Vec<Vec<u32>> {
    found.sessions.iter().map(|session| numbers(&session.builds)).collect()
}

fn before_newest(history: &TestHistory, accepted: &[Accepted]) -> Baseline {
    let mut selection = history.all();
    let (candidate, _) = selection.newest_session().unwrap();
    selection.baseline(&candidate.builds, &main_branch(), accepted).unwrap()
}

/// What differs between the candidate and the most similar other series.
fn differences(found: &Baseline) -> Vec<String> {
    let differences = found.differences.iter();
    differences.map(|difference| format!("{} {}", difference.what, difference.second)).collect()
}

#[test]
fn the_newest_session_is_one_build_alone_or_those_that_ran_together() {
    let newest = |builds: Vec<BuildStats>| {
        let (session, _) = TestHistory::new(builds).all().newest_session().unwrap();
        numbers(&session.builds)
    };
    let ci_build = |n, session| labelled(on(build(n), "main", "aaaa"), "ci", session);
    assert_eq!(newest(vec![build(1), build(2)]), [2]);
    assert_eq!(
        newest(vec![ci_build(1, Some("x")), ci_build(2, Some("y")), ci_build(3, Some("y"))]),
        [2, 3]
    );
    // The builds of another session that ran at the same time are interleaved.
    let other = labelled(on(build(3), "main", "aaaa"), "head", Some("y"));
    assert_eq!(newest(vec![ci_build(1, Some("y")), other, ci_build(4, Some("y"))]), [1, 4]);
    let elsewhere = with(ci_build(2, Some("y")), |stats| stats.incremental = Some(true));
    assert_eq!(newest(vec![ci_build(1, Some("y")), elsewhere, ci_build(3, Some("y"))]), [1, 3]);
    // On another commit it is another session, whatever its labels.
    let later = labelled(on(build(2), "main", "bbbb"), "ci", Some("y"));
    assert_eq!(newest(vec![ci_build(1, Some("y")), later]), [2]);
}

#[test]
fn a_run_without_a_session_label_ends_at_a_pause() {
    let newest = |hours: &[u32]| {
        let builds = hours.iter().map(|hour| labelled(build(*hour), "ci", None));
        numbers(&TestHistory::new(builds).all().newest_session().unwrap().0.builds)
    };
    assert_eq!(newest(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(newest(&[1, 3, 4]), [3, 4]);
}

#[test]
fn newer_builds_with_unusable_times_are_passed_over_and_reported() {
    let history = TestHistory::new([
        build(1),
        with(build(2), |stats| stats.outcome = Outcome::Failed),
        with(build(3), |stats| stats.skipped = Some(true)),
        with(build(4), |stats| stats.clock = Some(Clock::Suspect)),
        with(build(5), |stats| stats.outcome = Outcome::Panicked),
    ]);
    let (session, passed_over) = history.all().newest_session().unwrap();
    assert_eq!(numbers(&session.builds), [1]);
    let why: Vec<_> = passed_over.iter().map(|build| build.why).collect();
    assert_eq!(why, ["panicked", "suspect clock", "skipped", "failed"]);
}

#[test]
fn builds_that_cannot_be_compared_are_left_out_and_counted_by_reason() {
    let history = TestHistory::new([
        on(build(1), "main", "aaaa"),
        with(build(2), |stats| stats.outcome = Outcome::Failed),
        with(on(build(3), "main", "aaaa"), |stats| stats.git.as_mut().unwrap().dirty = Some(true)),
        on(build(4), "feature", "bbbb"),
        with(build(5), |stats| stats.clock = Some(Clock::Suspect)),
        // Without a branch it counts as on the default one, unless it is of a change to be merged.
        build(6),
        with(build(7), |stats| {
            let mut ci = perf_history::Ci::default();
            ci.change_id = Some("17".to_owned());
            stats.ci = Some(ci);
        }),
        on(build(8), "feature", "bbbb"),
    ]);
    let found = before_newest(&history, &[]);
    assert_eq!(sessions(&found), [[1], [6]]);
    let left_out: Vec<_> = found.left_out.into_iter().collect();
    assert_eq!(
        left_out,
        [("failed", 1), ("other branches", 2), ("suspect clock", 1), ("uncommitted changes", 1)]
    );
    assert!(!found.is_cut);
}

#[test]
fn builds_that_ran_together_are_one_session_of_the_baseline() {
    let ci_build = |n, run, session| labelled(on(build(n), "main", "aaaa"), run, session);
    let history = TestHistory::new([
        ci_build(1, "ci", Some("x")),
        ci_build(2, "ci", Some("x")),
        ci_build(3, "base", Some("y")),
        ci_build(4, "head", Some("y")),
        ci_build(5, "base", Some("y")),
        ci_build(6, "head", Some("y")),
        build(7),
        build(8),
    ]);
    let found = before_newest(&history, &[]);
    assert_eq!(sessions(&found), [vec![1, 2], vec![3, 5], vec![4, 6], vec![7]]);
    assert_eq!(sessions(&found).concat().len(), 7);
}

#[test]
fn builds_of_other_series_are_never_used_and_their_difference_is_reported() {
    let other = |n| with(build(n), |stats| stats.rust_version = Some("1.94.0".to_owned()));
    let further = |n| with(other(n), |stats| stats.incremental = Some(true));
    let own = |n| with(build(n), |stats| stats.rust_version = Some("1.95.0".to_owned()));
    let history = TestHistory::new([other(1), further(2), own(3)]);
    let found = before_newest(&history, &[]);
    assert_eq!((sessions(&found).concat().len(), found.foreign), (0, 2));
    assert_eq!(differences(&found), ["compiler 1.94.0"]);
}

#[test]
fn excluded_builds_are_never_reported_as_another_series() {
    let full = |n| with(on(build(n), "main", "aaaa"), |stats| stats.incremental = Some(false));
    let incremental = |n| with(full(n), |stats| stats.incremental = Some(true));
    let spoilers: [fn(&mut BuildStats); 5] = [
        |stats| stats.outcome = Outcome::Failed,
        |stats| stats.outcome = Outcome::Panicked,
        |stats| stats.skipped = Some(true),
        |stats| stats.clock = Some(Clock::Suspect),
        |stats| stats.git.as_mut().unwrap().dirty = Some(true),
    ];
    let reasons = ["failed", "panicked", "skipped", "suspect clock", "uncommitted changes"];
    let between = |others: &[BuildStats]| {
        let builds = [full(1)].into_iter().chain(others.iter().cloned()).chain([full(9)]);
        let found = before_newest(&TestHistory::new(builds), &[]);
        assert_eq!(sessions(&found).concat(), [1]);
        found
    };
    for (spoil, reason) in spoilers.into_iter().zip(reasons) {
        // It ended before it recorded its mode, so it may belong to the series.
        let unknown = with(with(full(2), |stats| stats.incremental = None), spoil);
        let found = between(&[unknown.clone(), unknown.clone()]);
        assert_eq!((found.foreign, found.differences.len()), (0, 0), "{reason}");
        assert_eq!(found.left_out.into_iter().collect::<Vec<_>>(), [(reason, 2)]);
        // It belongs to another series, which is reported only for usable builds.
        let other = with(incremental(3), spoil);
        let found = between(std::slice::from_ref(&other));
        assert_eq!((found.foreign, found.differences.len()), (0, 0), "{reason}");
        assert!(found.left_out.is_empty(), "{reason}");
        let found = between(&[other.clone(), unknown, incremental(4), other]);
        assert_eq!((found.foreign, found.left_out[reason]), (1, 1), "{reason}");
        assert_eq!(differences(&found), ["mode incremental"], "{reason}");
    }
}

#[test]
fn builds_before_an_accepted_change_of_the_series_are_not_in_the_baseline() {
    let other = with(build(4), |stats| stats.incremental = Some(true));
    let history = TestHistory::new([build(1), build(2), build(3), other, build(5), build(6)]);
    let with_accepted = |ids: &[&str]| {
        let accepted: Vec<Accepted> = ids.iter().map(|id| accepted(id)).collect();
        let found = before_newest(&history, &accepted);
        let begins = found.accepted.as_ref().map(|change| change.build_id.clone());
        (sessions(&found).concat(), begins)
    };
    assert_eq!(with_accepted(&[]), (vec![1, 2, 3, 5], None));
    assert_eq!(with_accepted(&["build-0002"]), (vec![2, 3, 5], Some("build-0002".into())));
    assert_eq!(
        with_accepted(&["build-0003", "build-0001"]),
        (vec![3, 5], Some("build-0003".into()))
    );
    // Accepted builds of another series, and missing ones, change nothing.
    assert_eq!(with_accepted(&["build-0004", "build-0000"]), (vec![1, 2, 3, 5], None));
    // The baseline is empty if the candidate itself was accepted.
    assert_eq!(with_accepted(&["build-0006"]), (vec![], Some("build-0006".into())));
}

#[test]
fn only_builds_before_the_candidate_are_in_its_baseline() {
    let history = TestHistory::new((1..=6).map(build));
    let mut selection = history.all();
    let candidate = selection.set(&"-3".parse().unwrap()).unwrap();
    let found = selection.baseline(&candidate, &main_branch(), &[]).unwrap();
    assert_eq!(sessions(&found).concat(), [1, 2, 3]);
}

#[test]
fn the_search_ends_far_from_the_start_of_a_long_history() {
    let history = TestHistory::new([]);
    history.append("oops\n");
    let lines: String =
        (1..=400).map(|n| serde_json::to_string(&build(n)).unwrap() + "\n").collect();
    history.append(&lines);
    let mut selection = history.all();
    let (candidate, _) = selection.newest_session().unwrap();
    let found = selection.baseline(&candidate.builds, &main_branch(), &[]).unwrap();
    assert_eq!((sessions(&found).concat().len(), found.is_cut), (200, true));
    assert_eq!(numbers(found.sessions.iter().flat_map(|session| &session.builds))[0], 200);
    assert_eq!(selection.unreadable().count(), 0);
}

#[test]
fn a_level_starts_with_the_session_of_the_accepted_build_once_for_each_series() {
    let ci_build = |n, full: bool| {
        let stats = labelled(on(build(n), "main", "aaaaaaaa"), "ci", Some("x"));
        with(stats, |stats| stats.incremental = Some(!full))
    };
    let history = TestHistory::new([
        build(1),
        ci_build(2, true),
        ci_build(3, false),
        ci_build(4, true),
        ci_build(5, false),
    ]);
    let beginnings = |reference: &str| {
        let mut found = numbers(&history.all().beginnings(&reference.parse().unwrap()).unwrap());
        found.sort_unstable();
        found
    };
    assert_eq!(beginnings("latest"), [3]);
    assert_eq!(beginnings("aaaaaaaa"), [2, 3]);
    assert_eq!(beginnings("label:ci"), [2, 3]);
    assert_eq!(beginnings("-5"), [1]);
}

#[test]
fn the_search_ends_after_many_builds_of_other_series() {
    let far = u32::try_from(super::baseline::MAX_FOREIGN).unwrap();
    let after = |others: u32| {
        let foreign = (2..2 + others).map(|n| match n % 2 {
            0 => with(build(n), |stats| stats.incremental = Some(true)),
            _ => on(build(n), "feature", "bbbb"),
        });
        let history = TestHistory::new([build(1)].into_iter().chain(foreign).chain([build(9_999)]));
        let found = before_newest(&history, &[]);
        let counted = found.foreign + found.left_out.values().sum::<u64>();
        (sessions(&found).concat(), found.is_cut, counted)
    };
    assert_eq!(after(100), (vec![1], false, 100));
    assert_eq!(after(far - 1), (vec![1], false, u64::from(far) - 1));
    assert_eq!(after(far + 1), (vec![], true, u64::from(far)));
}
