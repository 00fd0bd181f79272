//! What a candidate is, and which builds before it are a measure for it.

use perf_history::{Accepted, Clock, Outcome};

use super::tests::{Place, build, labelled, on};
use super::*;

fn main_branch() -> Vec<String> {
    vec!["main".to_owned()]
}

fn accepted(id: &str) -> Accepted {
    Accepted::new(id, "2026-11-23T08:56:00Z", "site")
}

fn numbers<'a>(builds: impl IntoIterator<Item = &'a BuildStats>) -> Vec<u32> {
    builds.into_iter().map(|stats| stats.build_id["build-".len()..].parse().unwrap()).collect()
}

/// The builds of each session.
fn sessions(found: &Precedents) -> Vec<Vec<u32>> {
    found.sessions.iter().map(|session| numbers(&session.builds)).collect()
}

fn before_newest(place: &Place, accepted: &[Accepted]) -> Precedents {
    let mut selection = place.all();
    let (candidate, _) = selection.newest_session().unwrap();
    selection.precedents(&candidate.builds, &main_branch(), accepted).unwrap()
}

fn with(mut stats: BuildStats, change: impl FnOnce(&mut BuildStats)) -> BuildStats {
    change(&mut stats);
    stats
}

#[test]
fn the_newest_session_is_one_build_alone_or_those_that_ran_together() {
    let newest = |builds: Vec<BuildStats>| {
        let (session, _) = Place::of(builds).all().newest_session().unwrap();
        numbers(&session.builds)
    };
    let of = |n, session| labelled(on(build(n), "main", "aaaa"), "ci", session);
    assert_eq!(newest(vec![build(1), build(2)]), [2]);
    assert_eq!(newest(vec![of(1, Some("x")), of(2, Some("y")), of(3, Some("y"))]), [2, 3]);
    // Those of another session that ran at the same time stand among them.
    let other = labelled(on(build(3), "main", "aaaa"), "head", Some("y"));
    assert_eq!(newest(vec![of(1, Some("y")), other, of(4, Some("y"))]), [1, 4]);
    let elsewhere = with(of(2, Some("y")), |it| it.incremental = Some(true));
    assert_eq!(newest(vec![of(1, Some("y")), elsewhere, of(3, Some("y"))]), [1, 3]);
    // On another commit it is another session, whatever its labels.
    let later = labelled(on(build(2), "main", "bbbb"), "ci", Some("y"));
    assert_eq!(newest(vec![of(1, Some("y")), later]), [2]);
}

#[test]
fn a_run_that_names_no_session_ends_at_a_pause() {
    let newest = |hours: &[u32]| {
        let builds = hours.iter().map(|hour| labelled(build(*hour), "ci", None));
        numbers(&Place::of(builds).all().newest_session().unwrap().0.builds)
    };
    assert_eq!(newest(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(newest(&[1, 3, 4]), [3, 4]);
}

#[test]
fn newer_builds_whose_times_say_nothing_are_passed_over_and_told() {
    let place = Place::of([
        build(1),
        with(build(2), |it| it.outcome = Outcome::Failed),
        with(build(3), |it| it.skipped = Some(true)),
        with(build(4), |it| it.clock = Some(Clock::Suspect)),
        with(build(5), |it| it.outcome = Outcome::Panicked),
    ]);
    let (session, passed_over) = place.all().newest_session().unwrap();
    assert_eq!(numbers(&session.builds), [1]);
    let why: Vec<_> = passed_over.iter().map(|it| it.why).collect();
    assert_eq!(why, ["panicked", "suspect clock", "skipped", "failed"]);
}

#[test]
fn what_is_no_measure_for_others_is_left_out_by_its_reason() {
    let place = Place::of([
        on(build(1), "main", "aaaa"),
        with(build(2), |it| it.outcome = Outcome::Failed),
        with(on(build(3), "main", "aaaa"), |it| it.git.as_mut().unwrap().dirty = Some(true)),
        on(build(4), "feature", "bbbb"),
        with(build(5), |it| it.clock = Some(Clock::Suspect)),
        // Without a branch it counts as on the default one, unless it is of a change to be merged.
        build(6),
        with(build(7), |it| {
            let mut ci = perf_history::Ci::default();
            ci.change_id = Some("17".to_owned());
            it.ci = Some(ci);
        }),
        on(build(8), "feature", "bbbb"),
    ]);
    let found = before_newest(&place, &[]);
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
    let of = |n, run, session| labelled(on(build(n), "main", "aaaa"), run, session);
    let place = Place::of([
        of(1, "ci", Some("x")),
        of(2, "ci", Some("x")),
        of(3, "base", Some("y")),
        of(4, "head", Some("y")),
        of(5, "base", Some("y")),
        of(6, "head", Some("y")),
        build(7),
        build(8),
    ]);
    let found = before_newest(&place, &[]);
    assert_eq!(sessions(&found), [vec![1, 2], vec![3, 5], vec![4, 6], vec![7]]);
    assert_eq!(found.builds(), 7);
}

#[test]
fn other_series_are_told_by_what_differs_and_never_taken() {
    let other = |n| with(build(n), |it| it.rust_version = Some("1.94.0".to_owned()));
    let further = |n| with(other(n), |it| it.incremental = Some(true));
    let own = |n| with(build(n), |it| it.rust_version = Some("1.95.0".to_owned()));
    let place = Place::of([other(1), further(2), own(3)]);
    let found = before_newest(&place, &[]);
    assert_eq!((found.builds(), found.foreign), (0, 2));
    let differences: Vec<_> =
        found.differences.iter().map(|it| format!("{} {}", it.what, it.second)).collect();
    assert_eq!(differences, ["compiler 1.94.0"]);
}

#[test]
fn builds_that_are_no_measure_are_never_told_as_another_series() {
    let full = |n| with(on(build(n), "main", "aaaa"), |it| it.incremental = Some(false));
    let incremental = |n| with(full(n), |it| it.incremental = Some(true));
    let spoilt: [fn(&mut BuildStats); 5] = [
        |it| it.outcome = Outcome::Failed,
        |it| it.outcome = Outcome::Panicked,
        |it| it.skipped = Some(true),
        |it| it.clock = Some(Clock::Suspect),
        |it| it.git.as_mut().unwrap().dirty = Some(true),
    ];
    let reasons = ["failed", "panicked", "skipped", "suspect clock", "uncommitted changes"];
    let between = |others: &[BuildStats]| {
        let builds = [full(1)].into_iter().chain(others.iter().cloned()).chain([full(9)]);
        let found = before_newest(&Place::of(builds), &[]);
        assert_eq!(sessions(&found).concat(), [1]);
        found
    };
    for (spoil, reason) in spoilt.into_iter().zip(reasons) {
        // It ended before it said what it was: it may be of the series.
        let unknown = with(with(full(2), |it| it.incremental = None), spoil);
        let found = between(&[unknown.clone(), unknown.clone()]);
        assert_eq!((found.foreign, found.differences.len()), (0, 0), "{reason}");
        assert_eq!(found.left_out.into_iter().collect::<Vec<_>>(), [(reason, 2)]);
        // It is surely of another: that series is told by builds that are a measure there.
        let other = with(incremental(3), spoil);
        let found = between(std::slice::from_ref(&other));
        assert_eq!((found.foreign, found.differences.len()), (0, 0), "{reason}");
        assert!(found.left_out.is_empty(), "{reason}");
        let found = between(&[other.clone(), unknown, incremental(4), other]);
        assert_eq!((found.foreign, found.left_out[reason]), (1, 1), "{reason}");
        let differences: Vec<_> =
            found.differences.iter().map(|it| format!("{} {}", it.what, it.second)).collect();
        assert_eq!(differences, ["mode incremental"], "{reason}");
    }
}

#[test]
fn what_was_before_an_accepted_change_of_the_series_is_no_measure() {
    let other = with(build(4), |it| it.incremental = Some(true));
    let place = Place::of([build(1), build(2), build(3), other, build(5), build(6)]);
    let with_accepted = |ids: &[&str]| {
        let accepted: Vec<Accepted> = ids.iter().map(|id| accepted(id)).collect();
        let found = before_newest(&place, &accepted);
        let begins = found.accepted.as_ref().map(|it| it.build_id.clone());
        (sessions(&found).concat(), begins)
    };
    assert_eq!(with_accepted(&[]), (vec![1, 2, 3, 5], None));
    assert_eq!(with_accepted(&["build-0002"]), (vec![2, 3, 5], Some("build-0002".into())));
    assert_eq!(
        with_accepted(&["build-0003", "build-0001"]),
        (vec![3, 5], Some("build-0003".into()))
    );
    // That of another series, and one that is gone, change nothing here.
    assert_eq!(with_accepted(&["build-0004", "build-0000"]), (vec![1, 2, 3, 5], None));
    // Nothing before a level that begins with the candidate is a measure for it.
    assert_eq!(with_accepted(&["build-0006"]), (vec![], Some("build-0006".into())));
}

#[test]
fn only_what_precedes_the_candidate_is_a_measure_for_it() {
    let place = Place::of((1..=6).map(build));
    let mut selection = place.all();
    let candidate = selection.set(&"-3".parse().unwrap()).unwrap();
    let found = selection.precedents(&candidate, &main_branch(), &[]).unwrap();
    assert_eq!(sessions(&found).concat(), [1, 2, 3]);
}

#[test]
fn the_search_ends_far_from_the_beginning_of_a_long_history() {
    let place = Place::of([]);
    place.append("oops\n");
    let lines: String =
        (1..=400).map(|n| serde_json::to_string(&build(n)).unwrap() + "\n").collect();
    place.append(&lines);
    let mut selection = place.all();
    let (candidate, _) = selection.newest_session().unwrap();
    let found = selection.precedents(&candidate.builds, &main_branch(), &[]).unwrap();
    assert_eq!((found.builds(), found.is_cut), (200, true));
    assert_eq!(numbers(found.sessions.iter().flat_map(|it| &it.builds))[0], 200);
    assert_eq!(selection.unreadable().count(), 0);
}

#[test]
fn a_level_begins_with_the_session_of_what_is_accepted_once_for_each_series() {
    let of = |n, full: bool| {
        let stats = labelled(on(build(n), "main", "aaaaaaaa"), "ci", Some("x"));
        with(stats, |it| it.incremental = Some(!full))
    };
    let place = Place::of([build(1), of(2, true), of(3, false), of(4, true), of(5, false)]);
    let beginnings = |reference: &str| {
        let mut found = numbers(&place.all().beginnings(&reference.parse().unwrap()).unwrap());
        found.sort_unstable();
        found
    };
    assert_eq!(beginnings("latest"), [3]);
    assert_eq!(beginnings("aaaaaaaa"), [2, 3]);
    assert_eq!(beginnings("label:ci"), [2, 3]);
    assert_eq!(beginnings("-5"), [1]);
}

#[test]
fn the_search_ends_where_nothing_belongs_to_the_series_for_long() {
    let far = u32::try_from(super::precedents::MAX_FOREIGN).unwrap();
    let after = |others: u32| {
        let foreign = (2..2 + others).map(|n| match n % 2 {
            0 => with(build(n), |it| it.incremental = Some(true)),
            _ => on(build(n), "feature", "bbbb"),
        });
        let place = Place::of([build(1)].into_iter().chain(foreign).chain([build(9_999)]));
        let found = before_newest(&place, &[]);
        let told = found.foreign + found.left_out.values().sum::<u64>();
        (sessions(&found).concat(), found.is_cut, told)
    };
    assert_eq!(after(100), (vec![1], false, 100));
    assert_eq!(after(far - 1), (vec![1], false, u64::from(far) - 1));
    assert_eq!(after(far + 1), (vec![], true, u64::from(far)));
}
