//! Appending, and reading from both ends.

use std::fs;

use perf_history::{BuildStats, HistoryError, HistoryLine, Repaired, Retention, UnreadableReason};
use proptest::prelude::*;

use crate::records::{full_record, record};
use crate::{empty, files_in, ids, line, text, with};

#[test]
fn opening_touches_nothing_and_a_missing_history_is_empty() {
    let (dir, history) = empty();
    assert_eq!(history.latest().unwrap(), None);
    assert_eq!(history.last(5).unwrap(), []);
    assert_eq!(history.iter().count(), 0);
    assert_eq!(history.newest_first().count(), 0);
    assert_eq!(history.repair().unwrap(), Repaired::default());
    assert_eq!(history.prune(Retention::Newest(1)).unwrap().kept, 0);
    assert_eq!(files_in(dir.path()), [""; 0]);
}

#[test]
fn what_is_appended_is_read_from_either_end() {
    let (_dir, history) = with(&["a", "b", "c"]);
    assert_eq!(ids(&history), ["a", "b", "c"]);
    assert_eq!(history.latest().unwrap().unwrap(), record("c"));
    assert_eq!(history.last(0).unwrap(), []);
    assert_eq!(history.last(2).unwrap(), [record("b"), record("c")]);
    assert_eq!(history.last(9).unwrap().len(), 3);
    let newest_first = history.newest_first().map(|entry| entry.unwrap().into_record().unwrap());
    assert!(newest_first.map(|stats| stats.build_id).eq(["c", "b", "a"]));
    assert_eq!(text(&history), line("a") + &line("b") + &line("c"));
}

#[test]
fn latest_json_is_the_newest_record_for_the_eye() {
    let (_dir, history) = with(&["a"]);
    let stats = full_record(2);
    history.append(&stats).unwrap();
    let text = fs::read_to_string(history.dir().join("latest.json")).unwrap();
    assert!(text.starts_with("{\n  \"schema\": 1,\n  \"build_id\""), "{text}");
    assert!(text.ends_with("}\n"));
    assert!(text.contains("\n  \"total_pages\": 83,\n"));
    let latest: BuildStats = serde_json::from_str(&text).unwrap();
    assert_eq!(Some(latest), history.latest().unwrap());
    assert_eq!(files_in(history.dir()), [".lock", "history.jsonl", "latest.json"]);
}

#[test]
fn an_id_that_is_not_fit_for_the_name_of_a_file_is_refused_before_anything_is_written() {
    let (dir, history) = empty();
    let long = "a".repeat(65);
    for id in ["", ".", "..", "../a", "a/b", "a\\b", "a.b", "a b", "é", "a\0", &long] {
        let error = history.append(&record(id)).unwrap_err();
        assert!(matches!(error, HistoryError::BadBuildId { .. }), "{error}");
    }
    assert_eq!(files_in(dir.path()), [""; 0]);
    history.append(&record(&"Az09-_".repeat(10))).unwrap();
}

#[test]
fn a_record_that_cannot_be_written_or_would_not_be_read_leaves_no_trace() {
    let (dir, history) = empty();
    let mut stats = record("a");
    stats.counts.insert("phases".to_owned(), 1);
    let error = history.append(&stats).unwrap_err();
    assert!(matches!(error, HistoryError::Unwritable { .. }), "{error}");
    let mut stats = record("a");
    let long = "x".repeat(perf_history::history::MAX_LINE);
    stats.labels.insert("long".to_owned(), long);
    let error = history.append(&stats).unwrap_err();
    assert!(matches!(error, HistoryError::TooLong { .. }), "{error}");
    assert_eq!(files_in(dir.path()), [""; 0]);
}

#[test]
fn the_longest_line_that_may_be_written_can_be_read() {
    let (_dir, history) = with(&["a"]);
    let mut stats = record("b");
    stats.labels.insert("long".to_owned(), String::new());
    let rest = serde_json::to_string(&stats).unwrap().len();
    let long = "x".repeat(perf_history::history::MAX_LINE - rest);
    stats.labels.insert("long".to_owned(), long);
    history.append(&stats).unwrap();
    history.append(&record("c")).unwrap();
    assert_eq!(ids(&history), ["a", "b", "c"]);
    assert!(history.last(2).unwrap()[0] == stats);

    stats.labels.get_mut("long").unwrap().push('x');
    assert!(history.append(&stats).is_err());
}

#[test]
fn a_torn_line_is_reported_until_the_next_append_ends_it() {
    for cut in [1, 20, line("b").len() - 2] {
        let (_dir, history) = with(&["a"]);
        let torn = line("a") + &line("b")[..cut];
        fs::write(history.path(), &torn).unwrap();
        let entries: Vec<_> = history.iter().map(Result::unwrap).collect();
        let HistoryLine::Unreadable(unreadable) = &entries[1] else {
            panic!("{entries:?}");
        };
        assert_eq!(unreadable.line, Some(2));
        assert_eq!(unreadable.offset, line("a").len() as u64);
        assert!(matches!(unreadable.reason, UnreadableReason::Torn));
        assert_eq!(history.latest().unwrap(), Some(record("a")));

        history.append(&record("c")).unwrap();
        assert_eq!(text(&history), format!("{torn}\n{}", line("c")));
        assert_eq!(ids(&history), ["a", "c"]);
    }
}

#[test]
fn a_record_that_lacks_only_the_end_of_its_line_is_read_and_kept() {
    let (_dir, history) = with(&["a"]);
    fs::write(history.path(), line("a") + line("b").trim_end()).unwrap();
    assert_eq!(ids(&history), ["a", "b"]);
    assert_eq!(history.latest().unwrap(), Some(record("b")));
    history.append(&record("c")).unwrap();
    assert_eq!(text(&history), line("a") + &line("b") + &line("c"));
}

#[test]
fn threads_of_one_process_append_side_by_side() {
    let (_dir, history) = empty();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let history = &history;
            scope.spawn(move || {
                for n in 0..50 {
                    history.append(&record(&format!("{thread}-{n}"))).unwrap();
                }
            });
        }
    });
    history.append(&record("last")).unwrap();
    let mut found = ids(&history);
    assert_eq!(found.pop().unwrap(), "last");
    found.sort();
    let mut expected: Vec<_> =
        (0..4).flat_map(|thread| (0..50).map(move |n| format!("{thread}-{n}"))).collect();
    expected.sort();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]


    #[test]
    fn the_last_n_are_the_end_of_all(
        lines in prop::collection::vec(
            prop_oneof![
                3 => (0..1000_u32).prop_map(|id| line(&id.to_string())),
                1 => Just("\n".to_owned()),
                1 => (0..200_000_usize).prop_map(|length| "x".repeat(length) + "\n"),
            ],
            0..20,
        ),
        cut in 0..200_usize,
        n in 0..25_usize,
    ) {
        let (_dir, history) = empty();
        fs::create_dir(history.dir()).unwrap();
        let mut whole = lines.concat();
        whole.truncate(whole.len().saturating_sub(cut));
        fs::write(history.path(), whole).unwrap();
        let all = ids(&history);
        let last = history.last(n).unwrap().into_iter().map(|stats| stats.build_id);
        prop_assert!(last.eq(all[all.len().saturating_sub(n)..].iter().cloned()));
    }
}
