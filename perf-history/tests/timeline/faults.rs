//! Places that refuse a timeline: the error says where and why, and nothing half-written is left.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use perf_history::{History, HistoryError, Retention};

use crate::places::{ReadOnly, SmallDisk, assert_refused};
use crate::records::record;
use crate::{empty, files_in, folder, long, small};

#[test]
fn a_file_where_the_folder_should_be_is_left_alone() {
    let (dir, history) = empty();
    fs::write(history.dir(), "mine").unwrap();
    assert_refused(&history.save_timeline(&small("a")).unwrap_err(), history.dir(), "directory");
    assert_refused(&history.timeline("a").unwrap_err(), history.dir(), "Not a directory");

    let history = History::open(dir.path().join("other"));
    history.append(&record("a")).unwrap();
    fs::write(folder(&history), "mine").unwrap();
    let error = history.save_timeline(&small("a")).unwrap_err();
    assert_refused(&error, &folder(&history), "File exists");
    assert_refused(&history.timeline("a").unwrap_err(), &folder(&history), "Not a directory");
    let error = history.prune(Retention::Newest(0)).unwrap_err();
    assert_refused(&error, &folder(&history), "Not a directory");
    assert_eq!(history.last(9).unwrap().len(), 1);
    assert_eq!(fs::read_to_string(folder(&history)).unwrap(), "mine");
}

#[test]
fn a_directory_where_the_file_should_be_is_left_alone() {
    let (_dir, history) = empty();
    let path = folder(&history).join("a.jsonl");
    fs::create_dir_all(path.join("mine")).unwrap();
    assert_refused(&history.save_timeline(&small("a")).unwrap_err(), &path, "directory");
    assert_refused(&history.timeline("a").unwrap_err(), &path, "not a regular file");
    assert_eq!(files_in(&folder(&history)), ["a.jsonl"]);
    assert_eq!(files_in(&path), ["mine"]);
}

#[test]
fn a_link_where_the_file_should_be_is_replaced_and_not_followed() {
    let (dir, history) = empty();
    let mine = dir.path().join("mine");
    fs::write(&mine, "mine").unwrap();
    fs::create_dir_all(folder(&history)).unwrap();
    let path = folder(&history).join("a.jsonl");
    symlink(&mine, &path).unwrap();
    history.save_timeline(&small("a")).unwrap();
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
    assert_eq!(history.timeline("a").unwrap(), Some(small("a")));

    fs::remove_file(&path).unwrap();
    symlink(&path, &path).unwrap();
    assert_refused(&history.timeline("a").unwrap_err(), &path, "symbolic links");
}

#[test]
fn a_pipe_where_the_file_should_be_blocks_nobody() {
    let (_dir, history) = empty();
    fs::create_dir_all(folder(&history)).unwrap();
    let path = folder(&history).join("a.jsonl");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    assert_refused(&history.timeline("a").unwrap_err(), &path, "not a regular file");
    history.save_timeline(&small("a")).unwrap();
    assert_eq!(history.timeline("a").unwrap(), Some(small("a")));
}

#[test]
fn a_directory_that_may_not_be_written_keeps_its_timelines_and_takes_no_more() {
    let Some(place) = ReadOnly::holding(|history| {
        history.append(&record("a")).unwrap();
        history.save_timeline(&small("a")).unwrap();
        let file = folder(history).join("a.jsonl");
        fs::set_permissions(file, Permissions::from_mode(0o444)).unwrap();
    }) else {
        return;
    };
    let history = History::open(&place.dir);
    for id in ["a", "b"] {
        let error = history.save_timeline(&small(id)).unwrap_err();
        assert_refused(&error, &folder(&history), "");
        assert!(matches!(error, HistoryError::Io { action: "create", .. }), "{error}");
    }
    assert!(history.prune(Retention::Newest(0)).is_err());
    assert_eq!(history.timeline("a").unwrap(), Some(small("a")));
    assert_eq!(files_in(&folder(&history)), ["a.jsonl"]);
    let below = History::open(place.dir.join("new"));
    let error = below.save_timeline(&small("a")).unwrap_err();
    assert_refused(&error, &place.dir.join("new"), "");
}

#[test]
fn a_full_disk_leaves_nothing_half_written_and_what_was_there_unharmed() {
    let Some(disk) = SmallDisk::mount("size=256k") else {
        return;
    };
    let history = History::open(disk.path().join("history"));
    history.append(&record("a")).unwrap();
    history.save_timeline(&small("a")).unwrap();
    for id in ["a", "b"] {
        let error = history.save_timeline(&long(id, 100_000)).unwrap_err();
        assert_refused(&error, &folder(&history).join(id), "No space left");
        assert_eq!(files_in(&folder(&history)), ["a.jsonl"]);
    }
    assert_eq!(history.timeline("a").unwrap(), Some(small("a")));
    history.append(&record("b")).unwrap();
    history.save_timeline(&small("b")).unwrap();
    assert_eq!(history.last(9).unwrap(), [record("a"), record("b")]);
}
