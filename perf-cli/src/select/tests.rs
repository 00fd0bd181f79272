//! Tests of what a selection finds, and how far back it looks.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use perf_history::{Git, History};
use tempfile::TempDir;

use super::*;

/// A build with the id `build-N`, an hour after the one before.
pub(super) fn build(n: u32) -> BuildStats {
    let mut stats = BuildStats::default();
    stats.build_id = format!("build-{n:04}");
    stats.tool = "site".into();
    stats.build_time_ms = 1.0;
    stats.set_started_at(UNIX_EPOCH + Duration::from_hours(n.into()));
    stats
}

pub(super) fn with(mut stats: BuildStats, change: impl FnOnce(&mut BuildStats)) -> BuildStats {
    change(&mut stats);
    stats
}

pub(super) fn on(stats: BuildStats, branch: &str, commit: &str) -> BuildStats {
    let mut git = Git::default();
    (git.branch, git.commit) = (Some(branch.to_owned()), Some(commit.to_owned()));
    with(stats, |stats| stats.git = Some(git))
}

pub(super) fn labelled(mut stats: BuildStats, run: &str, session: Option<&str>) -> BuildStats {
    let labels = [("run", Some(run)), ("session", session)];
    let labels = labels.into_iter().filter_map(|(key, value)| Some((key, value?)));
    stats.labels.extend(labels.map(|(key, value)| (key.to_owned(), value.to_owned())));
    stats
}

/// The N of a build.
pub(super) fn number(stats: &BuildStats) -> u32 {
    stats.build_id["build-".len()..].parse().unwrap()
}

pub(super) struct TestHistory {
    dir: TempDir,
}

impl TestHistory {
    pub(super) fn new(builds: impl IntoIterator<Item = BuildStats>) -> Self {
        let history = Self { dir: tempfile::tempdir().unwrap() };
        let lines = builds.into_iter().map(|stats| serde_json::to_string(&stats).unwrap() + "\n");
        history.append(&lines.collect::<String>());
        history
    }

    pub(super) fn append(&self, text: &str) {
        let path = self.dir.path().join("history.jsonl");
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn select(&self, filter: Filter) -> Selection {
        Selection::new(History::open(self.dir.path()), filter)
    }

    pub(super) fn all(&self) -> Selection {
        self.select(Filter::default())
    }

    fn builds(&self, filter: Filter) -> Vec<u32> {
        self.select(filter).builds().map(|stats| number(&stats.unwrap())).collect()
    }

    fn newest(&self, reference: &str) -> Result<u32, String> {
        let found = self.all().newest(&reference.parse().unwrap());
        found.map(|stats| number(&stats)).map_err(|error| error.to_string())
    }

    fn set(&self, reference: &str) -> Result<Vec<u32>, String> {
        let found = self.all().set(&reference.parse().unwrap());
        found.map(|set| set.iter().map(number).collect()).map_err(|error| error.to_string())
    }
}

#[test]
fn builds_come_newest_first() {
    assert_eq!(TestHistory::new((1..=3).map(build)).builds(Filter::default()), [3, 2, 1]);
}

#[test]
fn a_missing_history_has_no_builds() {
    let history = TestHistory { dir: tempfile::tempdir().unwrap() };
    assert!(history.builds(Filter::default()).is_empty());
    for reference in ["latest", "-2"] {
        assert_eq!(history.newest(reference), Err("there are no builds".to_owned()));
    }
}

#[test]
fn each_filter_passes_only_matching_builds() {
    let history = TestHistory::new([
        build(1),
        with(build(2), |stats| stats.tool = "other".into()),
        with(build(3), |stats| stats.incremental = Some(true)),
        with(build(4), |stats| stats.incremental = Some(false)),
        on(build(5), "main", "abcd"),
    ]);
    let assert = |change: fn(&mut Filter), expected: &[u32]| {
        let mut filter = Filter::default();
        change(&mut filter);
        assert_eq!(history.builds(filter), expected);
    };
    assert(|filter| filter.tool = Some("other".into()), &[2]);
    assert(|filter| filter.mode = Some(Mode::Incremental), &[3]);
    assert(|filter| filter.mode = Some(Mode::Full), &[4]);
    assert(|filter| filter.branch = Some("main".into()), &[5]);
    assert(|filter| filter.branch = Some("mai".into()), &[]);
    assert(|filter| filter.since = Some(UNIX_EPOCH + Duration::from_hours(4)), &[5, 4]);
}

#[test]
fn a_date_finds_builds_out_of_order_but_does_not_read_a_long_history_to_its_start() {
    let since = |hours: u64| Filter {
        since: Some(UNIX_EPOCH + Duration::from_hours(hours)),
        ..Filter::default()
    };
    let history = TestHistory::new([9, 1, 8, 2, 7].map(build));
    assert_eq!(history.builds(since(7)), [7, 8, 9]);

    let older = u32::try_from(MAX_OLDER).unwrap();
    let after = |older: u32| {
        let builds = [5000].into_iter().chain(1..=older).chain([5001]);
        TestHistory::new(builds.map(build)).builds(since(5000))
    };
    assert_eq!(after(older), [5001]);
    assert_eq!(after(older - 1), [5001, 5000]);
}

#[test]
fn a_build_without_a_readable_time_stamp_is_never_too_old() {
    let undated = with(build(1), |stats| stats.timestamp = "once upon a time".into());
    let filter = Filter { since: Some(std::time::SystemTime::now()), ..Filter::default() };
    assert_eq!(TestHistory::new([undated]).builds(filter), [1]);
}

#[test]
fn builds_are_counted_back_from_the_newest_among_those_that_pass_the_filter() {
    let other = with(build(4), |stats| stats.tool = "other".into());
    let history = TestHistory::new([build(1), build(2), build(3), other]);
    for (reference, expected) in [("latest", 4), ("-1", 4), ("-3", 2)] {
        assert_eq!(history.newest(reference), Ok(expected));
    }
    let filter = Filter { tool: Some("site".to_owned()), ..Filter::default() };
    let mut selection = history.select(filter);
    assert_eq!(number(&selection.newest(&"-3".parse().unwrap()).unwrap()), 1);
    let error = selection.newest(&"-4".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "there is no build -4: there are only 3 builds of tool \"site\"");
}

#[test]
fn a_build_is_found_by_a_prefix_of_its_id_or_its_commit() {
    let history = TestHistory::new([
        on(build(1), "main", "abcdef01"),
        on(build(2), "main", "abcd9999"),
        on(build(3), "main", "12345678"),
    ]);
    for (reference, expected) in [("build-0001", 1), ("build-", 3), ("abcdef", 1), ("ABCD", 2)] {
        assert_eq!(history.newest(reference), Ok(expected));
    }
}

#[test]
fn the_search_for_a_build_ends_at_that_build() {
    // The unreadable line shows whether the search went on to the start.
    let history = TestHistory::new([]);
    history.append("not a record\n");
    for n in [1, 2] {
        history.append(&(serde_json::to_string(&build(n)).unwrap() + "\n"));
    }
    for reference in ["latest", "-2", "build-0001", "build-0002"] {
        let mut selection = history.all();
        selection.newest(&reference.parse().unwrap()).unwrap();
        assert_eq!(selection.unreadable().count(), 0, "{reference}");
        selection.set(&reference.parse().unwrap()).unwrap();
        assert_eq!(selection.unreadable().count(), 0, "the set {reference}");
    }
    let mut selection = history.all();
    assert_eq!(selection.builds().take(2).count(), 2);
    assert_eq!(selection.unreadable().count(), 0);
}

#[test]
fn a_commit_refers_to_all_of_its_builds_and_an_id_to_one() {
    let history = TestHistory::new([
        on(build(1), "main", "abcdef01"),
        on(build(2), "main", "12345678"),
        on(build(3), "next", "abcdef01"),
    ]);
    assert_eq!(history.set("abcdef"), Ok(vec![3, 1]));
    assert_eq!(history.set("build-0003"), Ok(vec![3]));
    assert_eq!(history.set("-2"), Ok(vec![2]));
}

#[test]
fn a_commit_prefix_that_several_commits_share_refers_to_the_newest() {
    let history = TestHistory::new([
        on(build(1), "main", "abcdef01"),
        on(build(2), "main", "abcd9999"),
        on(build(3), "main", "abcd9999"),
    ]);
    assert_eq!(history.set("abcd"), Ok(vec![3, 2]));
}

#[test]
fn a_label_refers_to_its_newest_builds_on_one_commit_and_of_one_session() {
    let history = TestHistory::new([
        labelled(on(build(1), "main", "aaaa"), "fast", None),
        labelled(on(build(2), "main", "bbbb"), "fast", Some("one")),
        labelled(on(build(3), "main", "bbbb"), "fast", Some("two")),
        labelled(on(build(4), "main", "bbbb"), "slow", Some("two")),
        labelled(on(build(5), "main", "bbbb"), "fast", Some("two")),
        on(build(6), "main", "bbbb"),
    ]);
    assert_eq!(history.set("label:fast"), Ok(vec![5, 3]));
    assert_eq!(history.set("label:slow"), Ok(vec![4]));
    assert_eq!(history.newest("label:fast"), Ok(5));
}

#[test]
fn a_set_ends_at_a_gap_but_its_newest_build_is_found_anywhere() {
    let gap = u32::try_from(MAX_GAP).unwrap();
    let mine = |n| labelled(build(n), "mine", None);
    let set_with = |gap: u32| {
        let others = || (3..3 + gap).map(build);
        let builds = [mine(1)].into_iter().chain(others()).chain([mine(2)]).chain(others());
        TestHistory::new(builds).set("label:mine").unwrap()
    };
    assert_eq!(set_with(gap - 1), [2, 1]);
    assert_eq!(set_with(gap), [2]);
}

#[test]
fn a_branch_refers_to_the_builds_of_its_newest_commit() {
    let history = TestHistory::new([
        on(build(1), "main", "aaaa"),
        on(build(2), "main", "bbbb"),
        on(build(3), "next", "cccc"),
        on(build(4), "main", "bbbb"),
    ]);
    assert_eq!(history.set("branch:main"), Ok(vec![4, 2]));
}

#[test]
fn a_mistyped_build_suggests_the_nearest() {
    let history = TestHistory::new([
        labelled(on(build(1), "feature/cache", "0123456789abcdef"), "baseline", None),
        on(build(2), "main", "fedcba9876543210"),
    ]);
    for (typed, expected) in [
        ("lates", "latest"),
        ("lateset", "latest"),
        ("label:baselin", "label:baseline"),
        ("lable:baseline", "label:baseline"),
        ("baseline", "label:baseline"),
        ("feature/cahce", "branch:feature/cache"),
        ("branch:mian", "branch:main"),
        ("01234567989", "0123456789a"),
        ("build-0011", "build-0001"),
    ] {
        let error = history.newest(typed).unwrap_err();
        assert!(error.ends_with(&format!("did you mean {expected:?}?")), "{typed}: {error}");
        assert_eq!(history.set(typed).unwrap_err(), error, "{typed}");
    }
    assert_eq!(history.newest("zzzzzz"), Err("no build matches \"zzzzzz\"".to_owned()));
}

#[test]
fn text_that_is_not_a_build_reference_is_rejected() {
    for text in ["", "-", "-0", "--1", "-x", "label:", "branch:", "abc", "-99999999999999999999999"]
    {
        assert!(text.parse::<BuildRef>().is_err(), "{text:?}");
    }
}

#[test]
fn an_unreadable_line_is_counted_once_however_often_it_is_read() {
    let history = TestHistory::new([build(1)]);
    history.append("oops\n");
    history.append(&(serde_json::to_string(&build(2)).unwrap() + "\n{\"schema\":1}\n"));
    let mut selection = history.all();
    for _ in 0..2 {
        assert_eq!(selection.builds().count(), 2);
    }
    selection.set(&"build-0001".parse().unwrap()).unwrap();
    assert_eq!(selection.unreadable().count(), 2);
    let lines = selection.unreadable().described().iter();
    assert_eq!(lines.map(|line| line.from_end).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn a_hostile_name_is_found_and_shown_without_control_characters() {
    let history = TestHistory::new([labelled(build(1), "\u{1b}[31mred", None)]);
    assert_eq!(history.newest("label:\u{1b}[31mred"), Ok(1));
    let error = history.newest("label:\u{1b}[32mgreen").unwrap_err();
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

#[test]
fn an_unreadable_history_is_an_error_that_names_it() {
    let history = TestHistory { dir: tempfile::tempdir().unwrap() };
    std::fs::create_dir(history.dir.path().join("history.jsonl")).unwrap();
    let error = history.all().newest(&BuildRef::Latest).unwrap_err();
    assert!(matches!(error, SelectError::History(_)));
    assert!(error.to_string().contains("history.jsonl"), "{error}");
}
