//! What becomes of timelines when their history is pruned or repaired.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use perf_history::{History, Retention};
use tempfile::TempDir;

use crate::records::record;
use crate::{empty, files_in, folder, small};

/// A history of builds that all left a timeline.
fn with(ids: &[&str]) -> (TempDir, History) {
    let (dir, history) = empty();
    for id in ids {
        history.append(&record(id)).unwrap();
        history.save_timeline(&small(id)).unwrap();
    }
    (dir, history)
}

#[test]
fn pruning_removes_the_timelines_of_the_builds_that_it_removes() {
    let (_dir, history) = with(&["a", "b", "c"]);
    history.append(&record("without")).unwrap();
    let pruned = history.prune(Retention::Newest(2)).unwrap();
    assert_eq!((pruned.kept, pruned.removed, pruned.timelines), (2, 2, 2));
    assert_eq!((pruned.unreadable, pruned.adopted), (0, 0));
    assert_eq!(files_in(&folder(&history)), ["c.jsonl"]);
    assert_eq!(history.timeline("c").unwrap(), Some(small("c")));
    assert_eq!(history.prune(Retention::Newest(2)).unwrap().timelines, 0);
    assert_eq!(history.prune(Retention::Newest(0)).unwrap().timelines, 1);
    assert_eq!(files_in(&folder(&history)), [""; 0]);
}

#[test]
fn pruning_by_date_removes_the_timelines_of_old_builds() {
    let (_dir, history) = with(&["new"]);
    let mut new_old = record("old");
    new_old.timestamp = "2001-01-01T00:00:00Z".into();
    let old = new_old;
    history.append(&old).unwrap();
    history.save_timeline(&small("old")).unwrap();
    let date = record("new").started_at().unwrap();
    assert_eq!(history.prune(Retention::Since(date)).unwrap().timelines, 1);
    assert_eq!(files_in(&folder(&history)), ["new.jsonl"]);
}

#[test]
fn a_timeline_whose_build_is_in_no_record_stays() {
    let (_dir, history) = with(&["a", "damaged", "b"]);
    // Its build has yet to be appended, or is in the history of another checkout.
    history.save_timeline(&small("elsewhere")).unwrap();
    let text = fs::read_to_string(history.path()).unwrap();
    fs::write(history.path(), text.replace(r#""build_id":"damaged""#, "\"build_id")).unwrap();
    assert_eq!(history.prune(Retention::Newest(0)).unwrap().timelines, 2);
    assert_eq!(files_in(&folder(&history)), ["damaged.jsonl", "elsewhere.jsonl"]);
    history.append(&record("elsewhere")).unwrap();
    assert_eq!(history.timeline("elsewhere").unwrap(), Some(small("elsewhere")));
}

#[test]
fn a_build_that_has_two_records_keeps_its_timeline_with_the_second() {
    for ids in [["a", "a", "b"], ["a", "b", "a"]] {
        let (_dir, history) = with(&ids);
        let pruned = history.prune(Retention::Newest(2)).unwrap();
        assert_eq!((pruned.removed, pruned.timelines), (1, 0));
        assert_eq!(files_in(&folder(&history)), ["a.jsonl", "b.jsonl"]);
    }
    let (_dir, history) = with(&["a", "a", "b"]);
    let pruned = history.prune(Retention::Newest(1)).unwrap();
    assert_eq!((pruned.removed, pruned.timelines), (2, 1));
    assert_eq!(files_in(&folder(&history)), ["b.jsonl"]);
}

#[test]
fn repairing_leaves_timelines_alone() {
    let (_dir, history) = with(&["a", "b"]);
    let text = fs::read_to_string(history.path()).unwrap();
    fs::write(history.path(), text.replacen('{', "", 1)).unwrap();
    assert_eq!(history.repair().unwrap().rejected, 1);
    assert_eq!(files_in(&folder(&history)), ["a.jsonl", "b.jsonl"]);
}

#[test]
fn a_file_that_is_no_timeline_stays_and_a_damaged_one_goes_with_its_build() {
    let (_dir, history) = with(&["a", "b", "c"]);
    let folder = folder(&history);
    fs::write(folder.join("a.jsonl"), "damaged").unwrap();
    fs::remove_file(folder.join("b.jsonl")).unwrap();
    fs::create_dir(folder.join("b.jsonl")).unwrap();
    fs::write(folder.join("c.txt"), "mine").unwrap();
    fs::write(folder.join("c"), "mine").unwrap();
    assert_eq!(history.prune(Retention::Newest(0)).unwrap().timelines, 2);
    assert_eq!(files_in(&folder), ["b.jsonl", "c", "c.txt"]);
}

#[test]
fn what_a_killed_writer_left_is_no_timeline_and_goes_when_it_is_old() {
    for is_pruning in [false, true] {
        let (_dir, history) = with(&["a"]);
        let folder = folder(&history);
        for name in ["a.1.0.tmp", "old.1.0.tmp"] {
            fs::write(folder.join(name), "half").unwrap();
        }
        let old = SystemTime::now() - Duration::from_hours(2);
        let file = File::options().write(true).open(folder.join("old.1.0.tmp")).unwrap();
        file.set_times(FileTimes::new().set_modified(old)).unwrap();
        // Some systems do not remove an open file.
        drop(file);
        if is_pruning {
            history.prune(Retention::Newest(1)).unwrap();
        } else {
            history.save_timeline(&small("a")).unwrap();
        }
        assert_eq!(files_in(&folder), ["a.1.0.tmp", "a.jsonl"]);
        assert_eq!(history.timeline("a").unwrap(), Some(small("a")));
    }
}
