//! Repairing and pruning: what leaves the history, where it goes, and what stays as it was.

use std::fs;

use perf_history::Retention;

use crate::records::record;
use crate::{empty, files_in, ids, leave_pending, line, text, with};

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
    assert_eq!((repaired.records, repaired.rejected, repaired.adopted), (3, 4, 0));
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
        let pruned = history.prune(Retention::Newest(n)).unwrap();
        assert_eq!((pruned.kept, pruned.removed), (n.min(3) as u64, 3 - n.min(3) as u64));
        assert_eq!((pruned.unreadable, pruned.adopted, pruned.timelines), (2, 0, 0));
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
        let mut stats = record(id);
        stats.timestamp = timestamp.into();
        history.append(&stats).unwrap();
    }
    let date = history.last(4).unwrap()[0].started_at().unwrap();
    let pruned = history.prune(Retention::Since(date)).unwrap();
    assert_eq!((pruned.kept, pruned.removed), (3, 2));
    assert_eq!(ids(&history), ["b", "c", "d"]);
    let latest = fs::read_to_string(history.dir().join("latest.json")).unwrap();
    assert!(latest.contains(r#""build_id": "d""#));
}

#[test]
fn pruning_adopts_what_waits_and_ends_a_last_line_that_it_keeps() {
    let (_dir, history) = with(&["a"]);
    fs::write(history.path(), line("a") + line("b").trim_end()).unwrap();
    assert_eq!(history.prune(Retention::Newest(1)).unwrap().removed, 1);
    assert_eq!(text(&history), line("b"));
    leave_pending(&history, &record("p"));
    let pruned = history.prune(Retention::Newest(1)).unwrap();
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
    history.prune(Retention::Newest(2)).unwrap();
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
    history.prune(Retention::Newest(1)).unwrap();
    assert_eq!(reading.by_ref().map(Result::unwrap).count(), 3);
    assert_eq!(reading_back.by_ref().map(Result::unwrap).count(), 3);
    assert_eq!(ids(&history), ["c"]);
}
