//! Records that wait in `pending`, and every point at which an adoption may have been cut off.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use perf_history::{HistoryError, Retention, SavedTo};

use crate::records::{full_record, record};
use crate::{empty, files_in, hold_lock, ids, leave_pending, line, text, with};

#[test]
fn a_record_whose_writer_did_not_get_the_lock_is_adopted_by_the_next_append() {
    let (_dir, history) = empty();
    leave_pending(&history, &record("b"));
    leave_pending(&history, &full_record(3));
    assert_eq!(history.latest().unwrap(), None);
    let appended = history.append(&record("c")).unwrap();
    assert_eq!(appended.adopted, 2);
    assert!(appended.warning.is_none());
    assert_eq!(ids(&history), [&full_record(0).build_id, "b", "c"]);
    assert_eq!(files_in(&history.dir().join("pending")), [""; 0]);
    let latest = fs::read_to_string(history.dir().join("latest.json")).unwrap();
    assert!(latest.contains(r#""build_id": "c""#));
    assert_eq!(history.append(&record("d")).unwrap().adopted, 0);
}

#[test]
fn a_lock_that_is_not_had_in_time_makes_rewriting_fail_and_appending_wait_no_longer() {
    let (_dir, history) = with(&["a"]);
    let history = history.with_lock_wait(Duration::from_millis(20));
    let lock = hold_lock(&history);
    assert!(matches!(history.repair(), Err(HistoryError::Busy { .. })));
    let error = history.prune(Retention::Newest(0)).unwrap_err().to_string();
    assert!(error.contains(".lock"), "{error}");
    let place = history.append(&record("b")).unwrap().place;
    assert!(matches!(place, SavedTo::Pending(_)));
    assert_eq!(ids(&history), ["a"]);
    drop(lock);
    assert_eq!(history.repair().unwrap().adopted, 1);
    assert_eq!(ids(&history), ["a", "b"]);
}

#[test]
fn an_adoption_cut_off_before_the_append_is_completed() {
    for torn in ["", &line("p")[..30]] {
        let (_dir, history) = with(&["a"]);
        leave_pending(&history, &record("p"));
        let pending = history.dir().join("pending");
        fs::rename(pending.join("p.json"), pending.join("p.adopting")).unwrap();
        fs::write(history.path(), line("a") + torn).unwrap();
        assert_eq!(history.append(&record("b")).unwrap().adopted, 1);
        assert_eq!(ids(&history), ["a", "p", "b"]);
        assert_eq!(files_in(&pending), [""; 0]);
    }
}

#[test]
fn an_adoption_cut_off_after_the_append_is_not_repeated() {
    for written in [line("p"), line("p").trim_end().to_owned()] {
        let (_dir, history) = with(&["a"]);
        leave_pending(&history, &record("p"));
        let pending = history.dir().join("pending");
        fs::rename(pending.join("p.json"), pending.join("p.adopting")).unwrap();
        fs::write(history.path(), line("a") + &written).unwrap();
        assert_eq!(history.append(&record("b")).unwrap().adopted, 0);
        assert_eq!(ids(&history), ["a", "p", "b"]);
        assert_eq!(files_in(&pending), [""; 0]);
    }
}

#[test]
fn an_adoption_whose_file_was_emptied_because_it_could_not_be_removed_is_done() {
    let (_dir, history) = with(&["a"]);
    let pending = history.dir().join("pending");
    fs::create_dir(&pending).unwrap();
    fs::write(pending.join("p.adopting"), "").unwrap();
    let appended = history.append(&record("b")).unwrap();
    assert_eq!(appended.adopted, 0);
    assert!(appended.warning.is_none());
    assert_eq!(files_in(&pending), [""; 0]);
}

#[test]
fn the_same_record_left_twice_around_a_kill_is_appended_as_often_as_it_was_left() {
    let (_dir, history) = with(&["a"]);
    leave_pending(&history, &record("p"));
    let pending = history.dir().join("pending");
    fs::rename(pending.join("p.json"), pending.join("p.adopting")).unwrap();
    leave_pending(&history, &record("p"));
    assert_eq!(history.append(&record("b")).unwrap().adopted, 2);
    assert_eq!(ids(&history), ["a", "p", "p", "b"]);
}

#[test]
fn what_a_killed_writer_left_half_written_in_pending_is_never_adopted_and_goes_when_it_is_old() {
    let (_dir, history) = with(&["a"]);
    let pending = history.dir().join("pending");
    fs::create_dir(&pending).unwrap();
    fs::write(pending.join("new.1.0.tmp"), &line("p")[..30]).unwrap();
    fs::write(pending.join("old.1.0.tmp"), line("p")).unwrap();
    let old = SystemTime::now() - Duration::from_hours(2);
    let file = File::options().write(true).open(pending.join("old.1.0.tmp"));
    let times = FileTimes::new().set_modified(old);
    file.unwrap().set_times(times).unwrap();
    assert_eq!(history.append(&record("b")).unwrap().adopted, 0);
    assert_eq!(ids(&history), ["a", "b"]);
    assert_eq!(files_in(&pending), ["new.1.0.tmp"]);
}

#[test]
fn what_is_no_record_in_pending_is_set_aside_with_one_warning() {
    let (_dir, history) = with(&["a"]);
    let pending = history.dir().join("pending");
    fs::create_dir_all(pending.join("dir.json")).unwrap();
    fs::write(pending.join("half.json"), &line("p")[..30]).unwrap();
    fs::write(pending.join("none.adopting"), "[]").unwrap();
    fs::write(pending.join("note.txt"), "hello").unwrap();
    let long = File::create(pending.join("long.json")).unwrap();
    long.set_len(1 << 30).unwrap();
    leave_pending(&history, &record("p"));
    let appended = history.append(&record("b")).unwrap();
    assert_eq!(appended.adopted, 1);
    let warning = appended.warning.unwrap().to_string();
    assert!(warning.contains("half.unreadable"), "{warning}");
    assert_eq!(ids(&history), ["a", "p", "b"]);
    let left = ["dir.json", "half.unreadable", "long.unreadable", "none.unreadable", "note.txt"];
    assert_eq!(files_in(&pending), left);
    assert!(history.append(&record("c")).unwrap().warning.is_none());
    assert_eq!(history.repair().unwrap().rejected, 0);
}

#[test]
fn a_pending_record_that_was_spread_over_lines_is_adopted_on_one() {
    let (_dir, history) = with(&["a"]);
    let pending = history.dir().join("pending");
    fs::create_dir(&pending).unwrap();
    let pretty = serde_json::to_string_pretty(&record("p")).unwrap();
    fs::write(pending.join("p.json"), pretty).unwrap();
    assert_eq!(history.append(&record("b")).unwrap().adopted, 1);
    assert_eq!(text(&history), line("a") + &line("p") + &line("b"));
}

#[test]
fn waiting_for_the_lock_without_a_limit_does_not_panic() {
    let (_dir, history) = with(&["a"]);
    let patient = history.clone().with_lock_wait(Duration::MAX);
    assert_eq!(patient.append(&record("b")).unwrap().place, SavedTo::History);
    let lock = hold_lock(&history);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| patient.append(&record("c")).unwrap().place);
        drop(lock);
        assert_eq!(waiting.join().unwrap(), SavedTo::History);
    });
    assert_eq!(ids(&history), ["a", "b", "c"]);
}

#[test]
fn an_error_does_not_print_its_source_and_its_description_prints_it_once() {
    let (_dir, history) = empty();
    fs::create_dir_all(history.path()).unwrap();
    let error = history.append(&record("a")).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(!error.to_string().contains(&source), "{error}");
    assert_eq!(error.describe(), format!("cannot open {}: {source}", history.path().display()));
}
