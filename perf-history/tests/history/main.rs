//! The history in ordinary hands.
#![forbid(unsafe_code)]

mod accepting;
mod appending;
mod pending;
#[path = "../records/mod.rs"]
mod records;
mod rewriting;
mod searching;

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::time::Duration;

use perf_history::{BuildStats, History, SavedTo};
use records::record;
use tempfile::TempDir;

fn empty() -> (TempDir, History) {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path().join(".build-metrics"));
    (dir, history)
}

fn with(ids: &[&str]) -> (TempDir, History) {
    let (dir, history) = empty();
    for id in ids {
        assert_eq!(history.append(&record(id)).unwrap().place, SavedTo::History);
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
    assert_eq!(appended.place, SavedTo::Pending(path));
}

fn files_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
