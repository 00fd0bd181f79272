//! Writers that are killed at random moments, among others that prune and repair.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, SystemTime};

use perf_history::{BuildStats, History, HistoryLine, Retention, SavedTo, UnreadableReason};

use crate::records::{full_record, record};
use crate::{kill, start};

const RECORDS: usize = 200;

/// Appends, and writes down each id after its append has returned.
pub(crate) fn append_many(history: &History, name: &str) {
    let mut returned = File::create_new(returned_path(history.dir(), name)).unwrap();
    for n in 0..RECORDS {
        let id = format!("{name}-{n}");
        // A record of many blocks now and then, so that a kill can tear one.
        let mut stats = if n % 8 == 0 { full_record(50) } else { record(&id) };
        stats.build_id.clone_from(&id);
        let time = if n % 2 == 0 { NEW } else { OLD };
        time.clone_into(&mut stats.timestamp);
        let appended = history.append(&stats).unwrap();
        assert!(appended.warning.is_none(), "{:?}", appended.warning);
        let place = match appended.place {
            SavedTo::History => "",
            _ => WAITING,
        };
        // One write, so that a kill leaves whole lines.
        let line = format!("{id}{place}\n");
        returned.write_all(line.as_bytes()).unwrap();
    }
}

/// Marks an id whose record went to `pending`.
const WAITING: &str = " waiting";

pub(crate) const OLD: &str = "2026-01-01T00:00:00Z";
const NEW: &str = "2026-11-23T08:56:00Z";

pub(crate) fn new_time() -> SystemTime {
    let mut stats = BuildStats::default();
    stats.timestamp = NEW.into();
    stats.started_at().unwrap()
}

fn returned_path(dir: &Path, name: &str) -> PathBuf {
    dir.with_file_name(format!("{name}.returned"))
}

fn returned(dir: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(returned_path(dir, name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A random number below `limit`; no two runs of the tests are the same.
fn random(limit: usize) -> usize {
    let number = RandomState::new().hash_one(0);
    usize::try_from(number % limit as u64).unwrap()
}

/// Kills the process once it has returned from so many appends, a moment later.
fn kill_after(mut child: Child, dir: &Path, name: &str, appends: usize) {
    while returned(dir, name).len() < appends && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_micros(random(2000) as u64));
    kill(child);
}

/// How often each id is in the history, and how many lines are not readable.
fn census(history: &History) -> (BTreeMap<String, usize>, usize) {
    let mut ids = BTreeMap::new();
    let mut unreadable = 0;
    for entry in history {
        match entry.unwrap() {
            HistoryLine::Record(stats) => {
                let phases = if stats.phases.is_empty() { 0 } else { 50 };
                assert_eq!(stats.phases.len(), phases);
                *ids.entry(stats.build_id).or_default() += 1;
            }
            HistoryLine::Unreadable(line) => {
                assert!(
                    matches!(line.reason, UnreadableReason::NotJson(_) | UnreadableReason::Torn),
                    "{line:?}"
                );
                unreadable += 1;
            }
        }
    }
    (ids, unreadable)
}

pub(crate) fn append_and_kill() {
    const WRITERS: usize = 32;
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("history");
    let history = History::open(&dir);
    let names: Vec<String> = (0..WRITERS).map(|n| format!("w{n}")).collect();
    thread::scope(|scope| {
        for (n, name) in names.iter().enumerate() {
            let part = if n % 4 < 2 { "append" } else { "append-hastily" };
            let mut child = start(part, &dir, name);
            let dir = &dir;
            scope.spawn(move || {
                if n % 3 == 0 {
                    kill_after(child, dir, name, random(RECORDS));
                } else {
                    assert!(child.wait().unwrap().success(), "{name}");
                }
            });
        }
    });

    // Adopts what still waits.
    let adopted = history.append(&record("last")).unwrap().adopted;
    let (ids, unreadable) = census(&history);
    let mut expected = BTreeSet::from(["last".to_owned()]);
    let mut waited = 0;
    for (n, name) in names.iter().enumerate() {
        let returned = returned(&dir, name);
        assert!(n % 3 == 0 || returned.len() == RECORDS);
        for id in returned {
            let in_history = id.strip_suffix(WAITING);
            waited += usize::from(in_history.is_some());
            expected.insert(in_history.unwrap_or(&id).to_owned());
        }
    }
    for id in &expected {
        assert_eq!(ids.get(id), Some(&1), "{id}, returned and not there once");
    }
    for (id, count) in &ids {
        assert_eq!(*count, 1, "{id}");
    }
    // A killed writer may have written one record more than it could tell of, or torn one.
    let killed = WRITERS.div_ceil(3);
    assert!(ids.len() - expected.len() <= killed);
    assert!(unreadable <= killed);
    println!(
        "{} records returned ({waited} by way of pending, {adopted} adopted last), {} more are \
         there, {unreadable} torn",
        expected.len(),
        ids.len() - expected.len(),
    );

    let latest = fs::read_to_string(dir.join("latest.json")).unwrap();
    let latest: BuildStats = serde_json::from_str(&latest).unwrap();
    assert_eq!(latest.build_id, "last");
    let repaired = history.repair().unwrap();
    assert_eq!(repaired.rejected, unreadable as u64);
    assert_eq!(census(&history), (ids, 0));
}

pub(crate) fn prune_and_repair_and_kill() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("history");
    let history = History::open(&dir);
    let names: Vec<String> = (0..6).map(|n| format!("w{n}")).collect();
    let mut writers: Vec<Child> =
        names.iter().map(|name| start("append-hastily", &dir, name)).collect();
    while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
        let part = ["prune", "repair"][random(2)];
        let rewriter = start(part, &dir, "");
        thread::sleep(Duration::from_millis(1 + random(30) as u64));
        kill(rewriter);
    }
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }

    history.append(&record("last")).unwrap();
    history.repair().unwrap();
    history.prune(Retention::Since(new_time())).unwrap();
    let (ids, unreadable) = census(&history);
    assert_eq!(unreadable, 0);
    let new = |n: &usize| n.is_multiple_of(2);
    let mut expected: BTreeMap<String, usize> = names
        .iter()
        .flat_map(|name| (0..RECORDS).filter(new).map(move |n| (format!("{name}-{n}"), 1)))
        .collect();
    expected.insert("last".to_owned(), 1);
    assert_eq!(ids, expected);
    assert!(!dir.join("history.jsonl.tmp").exists());
}
