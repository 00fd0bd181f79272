//! Places that refuse a history: the error says what was tried, where and why, and what was there
//! is unharmed.
#![cfg(unix)]
#![forbid(unsafe_code)]

mod places;
mod records;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use perf_history::{Accepted, BuildStats, History, HistoryError, Retention, SavedTo};
use places::{ReadOnly, SmallDisk, assert_refused};
use records::{full_record, record};

fn numbered(id: usize, phases: u32) -> BuildStats {
    let mut stats = full_record(phases);
    stats.build_id = format!("r{id}");
    stats
}

#[test]
fn a_file_where_the_directory_should_be_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".build-metrics");
    fs::write(&file, "mine").unwrap();
    let history = History::open(&file);
    assert_refused(&history.append(&record("a")).unwrap_err(), &file, "Not a directory");
    assert_refused(&history.latest().unwrap_err(), &file, "Not a directory");
    assert_refused(&history.repair().unwrap_err(), &file, "Not a directory");
    let below = History::open(file.join("deeper"));
    assert_refused(&below.append(&record("a")).unwrap_err(), &file, "Not a directory");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_directory_where_the_history_should_be_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());
    fs::create_dir(history.path()).unwrap();
    fs::write(history.path().join("mine"), "mine").unwrap();
    let error = history.append(&record("a")).unwrap_err();
    assert_refused(&error, &history.path(), "directory");
    let error = history.latest().unwrap_err();
    assert_refused(&error, &history.path(), "not a regular file");
    let errors: Vec<_> = history.iter().map(Result::unwrap_err).collect();
    assert_eq!(errors.len(), 1);
    assert!(history.prune(Retention::Newest(0)).is_err());
    assert!(history.repair().is_err());
    assert!(history.path().join("mine").exists());
}

#[test]
fn a_directory_where_latest_json_should_be_costs_a_warning_and_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());
    let latest = dir.path().join("latest.json");
    fs::create_dir_all(latest.join("mine")).unwrap();
    for id in ["a", "b"] {
        let appended = history.append(&record(id)).unwrap();
        assert_eq!(appended.place, SavedTo::History);
        assert_refused(&appended.warning.unwrap(), &latest, "directory");
    }
    assert_eq!(history.last(2).unwrap(), [record("a"), record("b")]);
    assert!(latest.join("mine").exists());
    assert!(!dir.path().join("latest.json.tmp").exists());
}

#[test]
fn a_directory_where_the_lock_or_a_temporary_file_should_be_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());
    history.append(&record("a")).unwrap();
    let lock = dir.path().join(".lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let error = history.append(&record("b")).unwrap_err();
    assert_refused(&error, &lock, "directory");
    fs::remove_dir(&lock).unwrap();

    let temporary = dir.path().join("history.jsonl.tmp");
    fs::create_dir_all(temporary.join("mine")).unwrap();
    assert!(history.append(&record("b")).unwrap().warning.is_none());
    let error = history.prune(Retention::Newest(1)).unwrap_err();
    assert_refused(&error, &temporary, "");
    assert_eq!(history.last(9).unwrap().len(), 2);
}

#[test]
fn loops_of_symbolic_links_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let looped = dir.path().join("loop");
    symlink(&looped, &looped).unwrap();
    let error = History::open(&looped).append(&record("a")).unwrap_err();
    assert_refused(&error, &looped, "symbolic links");
    let error = History::open(looped.join("x")).append(&record("a")).unwrap_err();
    assert_refused(&error, &looped, "symbolic links");

    let history = History::open(dir.path());
    symlink(history.path(), history.path()).unwrap();
    let error = history.append(&record("a")).unwrap_err();
    assert_refused(&error, &history.path(), "symbolic links");
    let error = history.last(1).unwrap_err();
    assert_refused(&error, &history.path(), "symbolic links");
    assert!(history.repair().is_err());
}

#[test]
fn a_pipe_or_a_device_where_the_history_should_be_blocks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());
    let made = Command::new("mkfifo").arg(history.path()).status();
    assert!(made.unwrap().success());
    for _ in 0..2 {
        let error = history.append(&record("a")).unwrap_err();
        assert_refused(&error, &history.path(), "not a regular file");
        let error = history.latest().unwrap_err();
        assert_refused(&error, &history.path(), "not a regular file");
        fs::remove_file(history.path()).unwrap();
        symlink("/dev/null", history.path()).unwrap();
    }
}

#[test]
fn a_link_in_the_place_of_a_temporary_file_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    fs::write(&mine, "mine").unwrap();
    let history = History::open(dir.path().join("history"));
    fs::create_dir(history.dir()).unwrap();
    for name in ["latest.json.tmp", "latest.json", "history.jsonl.tmp"] {
        symlink(&mine, history.dir().join(name)).unwrap();
    }
    history.append(&record("a")).unwrap();
    history.append(&record("b")).unwrap();
    symlink(&mine, history.dir().join("history.jsonl.tmp")).unwrap();
    history.prune(Retention::Newest(1)).unwrap();
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
    assert_eq!(history.last(9).unwrap(), [record("b")]);
}

#[test]
fn a_directory_that_is_removed_comes_back_with_the_next_append() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path().join("a/b/c"));
    history.append(&record("a")).unwrap();
    fs::remove_dir_all(dir.path().join("a")).unwrap();
    history.append(&record("b")).unwrap();
    assert_eq!(history.last(9).unwrap(), [record("b")]);
}

#[test]
fn a_history_that_may_not_be_written_is_read_all_the_same() {
    let Some(place) = ReadOnly::holding(|history| {
        history.append(&record("a")).unwrap();
        history.append(&record("b")).unwrap();
    }) else {
        return;
    };
    let history = History::open(&place.dir);
    for error in [
        history.append(&record("c")).unwrap_err(),
        history.prune(Retention::Newest(1)).unwrap_err(),
        history.repair().unwrap_err(),
    ] {
        assert_refused(&error, &place.dir, "");
        let HistoryError::Io { source, .. } = error else {
            panic!("{error}");
        };
        let refusals = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
        assert!(refusals.contains(&source.kind()), "{source}");
    }
    let below = History::open(place.dir.join("new"));
    assert!(below.append(&record("c")).is_err());
    assert_eq!(history.last(9).unwrap(), [record("a"), record("b")]);
}

#[test]
fn a_full_disk_costs_the_record_that_does_not_fit_and_no_other() {
    let Some(disk) = SmallDisk::mount("size=256k") else {
        return;
    };
    let history = History::open(disk.path().join("history"));
    let mut kept = 0;
    // Small records after the large ones, so that the last block is filled to the brim.
    for phases in [40, 1, 0] {
        loop {
            assert!(kept < 10_000, "the disk is never full");
            match history.append(&numbered(kept, phases)) {
                Ok(_) => kept += 1,
                Err(error) => {
                    assert_refused(&error, &history.path(), "No space left");
                    break;
                }
            }
        }
    }
    let whole = |count: usize| {
        let entries: Vec<_> = history.iter().map(Result::unwrap).collect();
        assert_eq!(entries.len(), count);
        for (n, entry) in entries.into_iter().enumerate() {
            assert_eq!(entry.into_record().unwrap().build_id, format!("r{n}"));
        }
        assert!(fs::read(history.path()).unwrap().ends_with(b"\n"));
    };
    assert!(kept > 3);
    whole(kept);

    // A history that cannot be written anew stays as it is.
    let error = history.prune(Retention::Newest(kept - 1)).unwrap_err();
    assert_refused(&error, disk.path(), "No space left");
    whole(kept);
    assert!(!history.dir().join("history.jsonl.tmp").exists());

    // With room again, appending goes on.
    fs::remove_file(history.dir().join("latest.json")).unwrap();
    history.append(&numbered(kept, 0)).unwrap();
    whole(kept + 1);
}

#[test]
fn a_full_disk_loses_nothing_that_waits_in_pending() {
    let Some(disk) = SmallDisk::mount("size=256k") else {
        return;
    };
    let history = History::open(disk.path().join("history"));
    fs::create_dir_all(history.dir().join("pending")).unwrap();
    let waiting = serde_json::to_string(&numbered(0, 40)).unwrap();
    fs::write(history.dir().join("pending/r0.json"), waiting).unwrap();
    let ballast = disk.path().join("ballast");
    // Leaves one block of 4 KiB, enough for a small record and too little for the waiting one.
    fill(&ballast);
    let length = fs::metadata(&ballast).unwrap().len();
    let file = fs::File::options().write(true).open(&ballast).unwrap();
    file.set_len(length - 4096).unwrap();
    drop(file);

    let appended = history.append(&record("a")).unwrap();
    assert_eq!(appended.adopted, 0);
    assert_refused(&appended.warning.unwrap(), &history.path(), "No space left");
    assert!(history.repair().is_err());
    assert_eq!(history.last(9).unwrap(), [record("a")]);

    fs::remove_file(&ballast).unwrap();
    let appended = history.append(&record("b")).unwrap();
    assert!(appended.warning.is_none(), "{:?}", appended.warning);
    assert_eq!(appended.adopted, 1);
    let ids = history.last(9).unwrap().into_iter().map(|stats| stats.build_id);
    assert!(ids.eq(["a", "r0", "b"]));
    assert_eq!(history.repair().unwrap().rejected, 0);
}

#[test]
fn a_full_disk_accepts_nothing_and_harms_nothing_that_was_accepted() {
    let Some(disk) = SmallDisk::mount("size=64k") else {
        return;
    };
    let history = History::open(disk.path().join("history"));
    let change = |reason: &str| {
        let mut accepted = Accepted::new("a", "2026-11-23T08:56:00Z", "site");
        accepted.reason = Some(reason.to_owned());
        accepted
    };
    history.accept(&[change("first")]).unwrap();
    fill(&disk.path().join("ballast"));
    let error = history.accept(&[change(&"x".repeat(10_000))]).unwrap_err();
    assert_refused(&error, &history.dir().join("accepted.jsonl"), "No space left");
    let accepted = history.accepted().unwrap();
    assert_eq!((accepted.changes, accepted.unreadable), (vec![change("first")], vec![]));
}

/// Writes to a file until the disk is full.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    let full = std::io::copy(&mut std::io::repeat(b'x'), &mut file).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::StorageFull);
}
