//! A process killed, or refused by the system, at each system call in turn that it makes on files.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use perf_history::{Accepted, BuildStats, History, Retention};
use tempfile::TempDir;

use crate::records::record;
use crate::timelines::timeline;
use crate::writers::{OLD, new_time};
use crate::{PART, REFUSED};

/// The calls by which files are read and changed.
const CALLS: &str = "openat,read,write,rename,unlink,mkdir,chmod,fchmod,flock,ftruncate,\
                     getdents64,copy_file_range,fsync,statx";

/// What happens, and at which call: each, where none is named.
const FAULTS: [(&str, Option<&str>); 3] =
    [("signal=SIGKILL", None), ("error=EIO", None), ("error=ENOSPC", Some("write"))];

pub(crate) fn kill_or_fail_at_each_call() {
    if let Err(reason) = strace_works() {
        println!("skipped: cannot inject faults: {reason}");
        return;
    }
    let mut met = 0;
    // The refusals take other ways only where more than one file is written.
    for (part, is_adopted, faults) in [
        ("append-once", false, &FAULTS[..]),
        ("append-once", true, &FAULTS[..1]),
        ("prune-once", false, &FAULTS[..]),
        ("repair-once", true, &FAULTS[..1]),
        ("save-timeline-once", false, &FAULTS[..]),
        ("accept-once", false, &FAULTS[..]),
    ] {
        let calls = calls_of(part, is_adopted);
        for (fault, only) in faults {
            for (call, n) in &calls {
                if only.is_some_and(|only| only != call) {
                    continue;
                }
                meet(part, is_adopted, &format!("{call}:{fault}:when={n}"));
                met += 1;
            }
        }
    }
    println!("{met} faults met");
}

fn strace_works() -> Result<(), String> {
    let mut strace = Command::new("strace");
    strace.args(["-o", "/dev/null", "--inject=chdir:error=EIO", "true"]);
    match strace.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("strace: {error}")),
    }
}

/// A directory in memory, if the system has one: rewriting a history waits for the disk, and this
/// does it some hundred times.
fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Plays the part under strace, and returns how it ended and the calls that it made.
fn trace(part: &str, history: &History, inject: Option<&str>) -> (ExitStatus, String) {
    let log = history.dir().with_file_name("strace.log");
    let mut strace = Command::new("strace");
    strace.arg("-o").arg(&log).arg(format!("--trace={CALLS}"));
    strace.args(inject.map(|inject| format!("--inject={inject}")));
    strace.arg(env::current_exe().unwrap());
    strace.env(PART, format!("{part},b,{}", history.dir().display()));
    let status = strace.output().unwrap().status;
    (status, fs::read_to_string(log).unwrap())
}

/// The calls that the part makes from its first on a file of the history to its end: their names,
/// and how many of that name the process had made by then.
fn calls_of(part: &str, is_adopted: bool) -> Vec<(String, usize)> {
    let temporary = in_memory();
    let history = prepare(&temporary.path().join("history"), is_adopted);
    let (status, log) = trace(part, &history, None);
    assert!(status.success(), "{part}: {status}\n{log}");
    let dir = history.dir().to_str().unwrap();
    let mut counts = BTreeMap::<_, usize>::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((call, _)) = line.split_once('(') else {
            continue;
        };
        let count = counts.entry(call.to_owned()).or_default();
        *count += 1;
        if !calls.is_empty() || line.contains(dir) {
            calls.push((call.to_owned(), *count));
        }
    }
    assert!(calls.len() > 5, "{log}");
    calls
}

/// Plays the part with one fault, and looks at what it left.
fn meet(part: &str, is_adopted: bool, fault: &str) {
    let temporary = in_memory();
    let history = prepare(&temporary.path().join("history"), is_adopted);
    let (status, log) = trace(part, &history, Some(fault));
    let context = format!("{part}, {fault}, {is_adopted}\n{log}");
    let was_met = log.contains("(INJECTED)") || status.signal() == Some(9);
    assert!(was_met, "{context}");
    check(part, &history, status, &context);
}

/// Three records, of which the second is old, a line that a writer left torn, a record that waits
/// and another whose adoption was cut off, before or after it was appended. Of the first two
/// there are timelines.
fn prepare(dir: &Path, is_adopted: bool) -> History {
    let line = |stats: &BuildStats| serde_json::to_string(stats).unwrap() + "\n";
    let mut old = record("old");
    old.timestamp = OLD.into();
    fs::create_dir_all(dir.join("pending")).unwrap();
    fs::write(dir.join("pending/p.json"), line(&record("p"))).unwrap();
    fs::write(dir.join("pending/q.adopting"), line(&record("q"))).unwrap();
    let mut file = line(&record("a")) + &line(&old) + "damaged\n" + &line(&record("z"));
    if is_adopted {
        file += &line(&record("q"));
    } else {
        file += &line(&record("q"))[..40];
    }
    fs::write(dir.join("history.jsonl"), file).unwrap();
    let history = History::open(dir);
    // With a line that a writer left torn.
    let change = serde_json::to_string(&accepted("a")).unwrap();
    fs::write(dir.join("accepted.jsonl"), format!("{change}\n{}", &change[..20])).unwrap();
    for id in ["a", "old"] {
        history.save_timeline(&timeline(id)).unwrap();
    }
    history
}

fn check(part: &str, history: &History, status: ExitStatus, context: &str) {
    assert_ne!(status.code(), Some(101), "{context}: panicked");
    let assert_once = |expected: &[&str]| {
        let ids = ids(history);
        for id in expected {
            let count = ids.iter().filter(|found| found == id).count();
            assert_eq!(count, 1, "{context}: {id} in {ids:?}");
        }
    };
    assert_once(&["a", "z"]);
    check_timelines(part, history, status, context);
    check_accepted(part, history, status, context);

    let appended = history.append(&record("c")).unwrap();
    assert!(appended.warning.is_none(), "{context}");
    assert_once(&["a", "z", "p", "q", "c"]);
    let appended = ids(history).iter().filter(|id| *id == "b").count();
    match (part, status.code()) {
        ("append-once", Some(0)) => assert_eq!(appended, 1, "{context}"),
        // Killed, it may have appended and not told.
        ("append-once", None) => assert!(appended <= 1, "{context}"),
        _ => assert_eq!(appended, 0, "{context}"),
    }
    let has_old = ids(history).iter().any(|id| id == "old");
    match (part, status.code()) {
        ("prune-once", Some(0)) => assert!(!has_old, "{context}"),
        // Refused, it may have pruned and then not been able to tell of it in `latest.json`.
        ("prune-once", Some(REFUSED) | None) => {}
        _ => assert!(has_old, "{context}"),
    }

    history.repair().unwrap();
    history.prune(Retention::Since(new_time())).unwrap();
    assert_once(&["a", "z", "p", "q", "c"]);
    assert!(!ids(history).contains(&"old".to_owned()), "{context}");
    assert_eq!(history.timeline("a").unwrap(), Some(timeline("a")), "{context}");
    assert_eq!(history.timeline("old").unwrap(), None, "{context}");
    let rejected = fs::read_to_string(history.dir().join("history.rejected.jsonl")).unwrap();
    assert!(rejected.contains("damaged\n"), "{context}");
    assert_eq!(history.repair().unwrap().rejected, 0, "{context}");
    let latest = fs::read_to_string(history.dir().join("latest.json")).unwrap();
    assert!(latest.contains(r#""build_id": "c""#), "{context}");
    for file in ["history.jsonl.tmp", "latest.json.tmp"] {
        assert!(!history.dir().join(file).exists(), "{context}: {file}");
    }
    let mut pending = fs::read_dir(history.dir().join("pending")).unwrap();
    assert!(pending.next().is_none(), "{context}");
}

/// Each timeline is there as it was, or gone with its record or about to go with it; and that of
/// `b` is there whole, or was never there.
fn check_timelines(part: &str, history: &History, status: ExitStatus, context: &str) {
    let is_there = |id: &str| {
        let read = history.timeline(id).unwrap();
        assert!(read.as_ref().is_none_or(|read| *read == timeline(id)), "{context}: {id}");
        read.is_some()
    };
    assert!(is_there("a"), "{context}");
    if part != "prune-once" {
        assert!(is_there("old"), "{context}");
    }
    match (part, status.code()) {
        ("save-timeline-once", Some(0)) => assert!(is_there("b"), "{context}"),
        // Killed, it may have written it and not told.
        ("save-timeline-once", None) => {
            is_there("b");
        }
        _ => {
            assert!(!is_there("b"), "{context}");
            let folder = fs::read_dir(history.dir().join("timelines")).unwrap();
            for file in folder {
                let path = file.unwrap().path();
                assert_eq!(path.extension().unwrap(), "jsonl", "{context}: {}", path.display());
            }
        }
    }
}

/// A change to the level of a build.
pub(crate) fn accepted(id: &str) -> Accepted {
    let mut accepted = Accepted::new(id, OLD, "site");
    accepted.reason = Some("for a reason".to_owned());
    accepted
}

/// What was accepted before is there whole and once, and so is what was accepted now.
fn check_accepted(part: &str, history: &History, status: ExitStatus, context: &str) {
    let ids = || -> Vec<String> {
        history.accepted().unwrap().changes.into_iter().map(|it| it.build_id).collect()
    };
    let new = ids().iter().filter(|id| *id == "b").count();
    match (part, status.code()) {
        ("accept-once", Some(0)) => assert_eq!(new, 1, "{context}"),
        // Killed, it may have written it and not told.
        ("accept-once", None) => assert!(new <= 1, "{context}"),
        _ => assert_eq!(new, 0, "{context}"),
    }
    history.accept(&[accepted("z")]).unwrap();
    let mut expected = vec!["a".to_owned(); 1];
    expected.extend(vec!["b".to_owned(); new]);
    expected.push("z".to_owned());
    assert_eq!(ids(), expected, "{context}");
}

fn ids(history: &History) -> Vec<String> {
    let readable = history.iter().filter_map(|entry| entry.unwrap().into_record());
    readable.map(|stats| stats.build_id).collect()
}
