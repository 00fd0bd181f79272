//! The history in ordinary hands: appending, reading from both ends, repairing, pruning, and
//! every point at which an adoption may have been cut off.
#![forbid(unsafe_code)]

mod records;

use std::fs::{self, File, FileTimes, OpenOptions};
use std::path::Path;
use std::time::{Duration, SystemTime};

use perf_history::{
    BuildStats, Entry, History, HistoryError, Keep, Place, Pruned, Repaired, UnreadableReason,
};
use proptest::prelude::*;
use records::{full_record, record};
use tempfile::TempDir;

fn empty() -> (TempDir, History) {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path().join(".build-metrics"));
    (dir, history)
}

fn with(ids: &[&str]) -> (TempDir, History) {
    let (dir, history) = empty();
    for id in ids {
        assert_eq!(history.append(&record(id)).unwrap().place, Place::History);
    }
    (dir, history)
}

fn line(id: &str) -> String {
    serde_json::to_string(&record(id)).unwrap() + "\n"
}

fn ids(history: &History) -> Vec<String> {
    let readable = history.iter().filter_map(|entry| entry.unwrap().into_record());
    readable.map(|stats| stats.build_id).collect()
}

fn text(history: &History) -> String {
    fs::read_to_string(history.path()).unwrap()
}

/// Holds the lock as another process would.
fn hold_lock(history: &History) -> File {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let lock = options.open(history.dir().join(".lock")).unwrap();
    lock.lock().unwrap();
    lock
}

/// Leaves a record in `pending`, as a writer that did not get the lock does.
fn leave_pending(history: &History, stats: &BuildStats) {
    fs::create_dir_all(history.dir()).unwrap();
    let _lock = hold_lock(history);
    let hasty = history.clone().with_lock_wait(Duration::ZERO);
    let path = history.dir().join(format!("pending/{}.json", stats.build_id));
    let appended = hasty.append(stats).unwrap();
    assert_eq!(appended.place, Place::Pending(path));
}

fn files_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn opening_touches_nothing_and_a_missing_history_is_empty() {
    let (dir, history) = empty();
    assert_eq!(history.latest().unwrap(), None);
    assert_eq!(history.last(5).unwrap(), []);
    assert_eq!(history.iter().count(), 0);
    assert_eq!(history.newest_first().count(), 0);
    let nothing = Repaired { records: 0, rejected: 0, adopted: 0 };
    assert_eq!(history.repair().unwrap(), nothing);
    assert_eq!(history.prune(Keep::Newest(1)).unwrap().kept, 0);
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
        let Entry::Unreadable(unreadable) = &entries[1] else {
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
    let error = history.prune(Keep::Newest(0)).unwrap_err().to_string();
    assert!(error.contains(".lock"), "{error}");
    let place = history.append(&record("b")).unwrap().place;
    assert!(matches!(place, Place::Pending(_)));
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
fn what_a_killed_rewriting_left_is_cleared_away_and_harms_nothing() {
    let (_dir, history) = with(&["a"]);
    for name in ["history.jsonl.tmp", "latest.json.tmp"] {
        fs::write(history.dir().join(name), "half").unwrap();
    }
    history.append(&record("b")).unwrap();
    assert_eq!(ids(&history), ["a", "b"]);
    assert_eq!(files_in(history.dir()), [".lock", "history.jsonl", "latest.json"]);
}

#[test]
fn repairing_moves_what_cannot_be_read_byte_for_byte() {
    let (_dir, history) = with(&["a"]);
    let [a, b, c, d] = ["a", "b", "c", "d"].map(line);
    let bad: [&[u8]; 4] = [b"\xFF\xFE\0\r\n", b"\n", b"[1,2]\n", &d.as_bytes()[..50]];
    let mixed: [&[u8]; 7] =
        [a.as_bytes(), bad[0], b.as_bytes(), bad[1], bad[2], c.as_bytes(), bad[3]];
    fs::write(history.path(), mixed.concat()).unwrap();
    fs::write(history.dir().join("history.rejected.jsonl"), "torn").unwrap();
    let repaired = history.repair().unwrap();
    let expected = Repaired { records: 3, rejected: 4, adopted: 0 };
    assert_eq!(repaired, expected);
    assert_eq!(text(&history), line("a") + &line("b") + &line("c"));
    let rejected = fs::read(history.dir().join("history.rejected.jsonl")).unwrap();
    let expected = [b"torn\n", &bad.concat()[..], b"\n"].concat();
    assert_eq!(rejected, expected);
    let latest = fs::read_to_string(history.dir().join("latest.json")).unwrap();
    assert!(latest.contains(r#""build_id": "c""#));
    assert_eq!(
        files_in(history.dir()),
        [".lock", "history.jsonl", "history.rejected.jsonl", "latest.json"]
    );
}

#[test]
fn repairing_a_sound_history_writes_nothing() {
    let (_dir, history) = with(&["a", "b"]);
    fs::remove_file(history.dir().join("latest.json")).unwrap();
    let before = fs::metadata(history.path()).unwrap().modified().unwrap();
    let repaired = history.repair().unwrap();
    assert_eq!((repaired.records, repaired.rejected), (2, 0));
    let after = fs::metadata(history.path()).unwrap().modified().unwrap();
    assert_eq!(before, after);
    assert_eq!(files_in(history.dir()), [".lock", "history.jsonl"]);
}

#[test]
fn pruning_keeps_the_newest_and_every_line_that_cannot_be_read() {
    let mixed = format!("odd\n{}{}odder\n{}", line("a"), line("b"), line("c"));
    for (n, kept) in [
        (0, "odd\nodder\n".to_owned()),
        (1, format!("odd\nodder\n{}", line("c"))),
        (2, format!("odd\n{}odder\n{}", line("b"), line("c"))),
        (3, mixed.clone()),
        (usize::MAX, mixed.clone()),
    ] {
        let (_dir, history) = with(&["a"]);
        fs::write(history.path(), &mixed).unwrap();
        let expected = Pruned {
            kept: n.min(3) as u64,
            removed: 3 - n.min(3) as u64,
            unreadable: 2,
            adopted: 0,
        };
        assert_eq!(history.prune(Keep::Newest(n)).unwrap(), expected);
        assert_eq!(text(&history), kept);
        assert_eq!(history.dir().join("latest.json").exists(), n > 0);
    }
}

#[test]
fn pruning_by_date_keeps_what_is_as_new_and_what_has_no_readable_date() {
    let (_dir, history) = empty();
    for (id, timestamp) in [
        ("a", "2026-11-23T08:55:59.999Z"),
        ("b", "2026-11-23T08:56:00Z"),
        ("c", "yesterday"),
        ("d", "2026-11-23T09:56:00+01:00"),
        ("e", "2026-11-23T09:55:59+01:00"),
    ] {
        let timestamp = timestamp.to_owned();
        let stats = BuildStats { timestamp, ..record(id) };
        history.append(&stats).unwrap();
    }
    let date = history.last(4).unwrap()[0].started_at().unwrap();
    let pruned = history.prune(Keep::Since(date)).unwrap();
    assert_eq!((pruned.kept, pruned.removed), (3, 2));
    assert_eq!(ids(&history), ["b", "c", "d"]);
    let latest = fs::read_to_string(history.dir().join("latest.json")).unwrap();
    assert!(latest.contains(r#""build_id": "d""#));
}

#[test]
fn pruning_adopts_what_waits_and_ends_a_last_line_that_it_keeps() {
    let (_dir, history) = with(&["a"]);
    fs::write(history.path(), line("a") + line("b").trim_end()).unwrap();
    assert_eq!(history.prune(Keep::Newest(1)).unwrap().removed, 1);
    assert_eq!(text(&history), line("b"));
    leave_pending(&history, &record("p"));
    let pruned = history.prune(Keep::Newest(1)).unwrap();
    assert_eq!((pruned.adopted, pruned.kept, pruned.removed), (1, 1, 1));
    assert_eq!(ids(&history), ["p"]);
}

#[cfg(unix)]
#[test]
fn rewriting_keeps_the_permissions_of_a_history_and_a_link_to_one() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let (dir, history) = with(&["a", "b"]);
    let real = dir.path().join("real.jsonl");
    fs::rename(history.path(), &real).unwrap();
    symlink(&real, history.path()).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    history.append(&record("c")).unwrap();
    history.prune(Keep::Newest(2)).unwrap();
    assert!(fs::symlink_metadata(history.path()).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), line("b") + &line("c"));
    let mode = fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_reader_that_began_before_a_pruning_still_sees_all_that_there_was() {
    let (_dir, history) = with(&["a", "b", "c"]);
    let mut reading = history.iter();
    let mut reading_back = history.newest_first();
    history.prune(Keep::Newest(1)).unwrap();
    assert_eq!(reading.by_ref().map(Result::unwrap).count(), 3);
    assert_eq!(reading_back.by_ref().map(Result::unwrap).count(), 3);
    assert_eq!(ids(&history), ["c"]);
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
