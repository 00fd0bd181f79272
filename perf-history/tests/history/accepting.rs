//! Accepting changes: what is written, and what is read where the file is damaged.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use perf_history::{Accepted, AcceptedChanges, History, HistoryError};

use crate::{empty, files_in, hold_lock, with};

fn change(id: &str) -> Accepted {
    let mut accepted = Accepted::new(id, "2026-11-23T08:56:00Z", "site");
    accepted.commit = Some("abcdef01".to_owned());
    accepted
}

fn path(history: &History) -> std::path::PathBuf {
    history.dir().join("accepted.jsonl")
}

fn ids(history: &History) -> Vec<String> {
    history.accepted().unwrap().changes.into_iter().map(|it| it.build_id).collect()
}

#[test]
fn a_history_in_which_nothing_was_accepted_has_no_file_for_it() {
    let (_dir, history) = with(&["a"]);
    assert_eq!(history.accepted().unwrap(), AcceptedChanges::default());
    assert_eq!(files_in(history.dir()), [".lock", "history.jsonl", "latest.json"]);
}

#[test]
fn what_was_accepted_is_read_in_the_order_in_which_it_was() {
    let (_dir, history) = with(&["a"]);
    let mut reasoned = change("b");
    reasoned.reason = Some("new\nhighlighter \"ü\"".to_owned());
    history.accept(&[change("a"), reasoned.clone()]).unwrap();
    history.accept(&[change("a")]).unwrap();
    let expected = vec![change("a"), reasoned, change("a")];
    let accepted = history.accepted().unwrap();
    assert_eq!((accepted.changes, accepted.unreadable), (expected, vec![]));
    assert_eq!(fs::read_to_string(path(&history)).unwrap().lines().count(), 3);
}

#[test]
fn lines_that_cannot_be_read_are_told_by_their_numbers_and_stay() {
    let (_dir, history) = empty();
    history.accept(&[change("a")]).unwrap();
    let mut file = OpenOptions::new().append(true).open(path(&history)).unwrap();
    file.write_all(b"\xFF\n{\"build_id\":\"b\"}\n{\"build_id\":\"torn").unwrap();
    let read = history.accepted().unwrap();
    let numbers: Vec<u64> = read.unreadable.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [2, 3, 4]);
    assert!(read.unreadable[1].1.contains("timestamp"), "{:?}", read.unreadable);
    assert_eq!(read.unreadable[2].1, "it was not written to its end");
    history.accept(&[change("c")]).unwrap();
    assert_eq!(ids(&history), ["a", "c"]);
    assert_eq!(history.accepted().unwrap().unreadable.len(), 3);
}

#[test]
fn fields_of_later_versions_do_no_harm() {
    let (_dir, history) = with(&["a"]);
    let line = "{\"build_id\":\"a\",\"timestamp\":\"t\",\"tool\":\"site\",\"later\":[1]}\n";
    fs::write(path(&history), line).unwrap();
    assert_eq!(ids(&history), ["a"]);
}

#[test]
fn nothing_is_accepted_while_another_process_holds_the_lock_or_for_what_is_no_id() {
    let (_dir, history) = with(&["a"]);
    let lock = hold_lock(&history);
    let hasty = history.clone().with_lock_wait(Duration::ZERO);
    assert!(matches!(hasty.accept(&[change("a")]), Err(HistoryError::Busy { .. })));
    drop(lock);
    let error = history.accept(&[change("a"), change("../b")]).unwrap_err();
    assert!(matches!(error, HistoryError::BadBuildId { .. }), "{error}");
    assert_eq!(ids(&history), [""; 0]);
}

#[test]
fn what_is_no_file_is_refused_by_its_path() {
    let (_dir, history) = with(&["a"]);
    fs::create_dir(path(&history)).unwrap();
    let error = history.accepted().unwrap_err().to_string();
    assert!(error.contains("accepted.jsonl"), "{error}");
    assert!(history.accept(&[change("a")]).is_err());
}
