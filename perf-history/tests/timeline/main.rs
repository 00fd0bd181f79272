//! Timelines: what their files hold, what is read back, and what becomes of them.
#![forbid(unsafe_code)]

mod damage;
#[cfg(unix)]
mod faults;
#[cfg(unix)]
#[path = "../places/mod.rs"]
mod places;
mod pruning;
#[path = "../records/mod.rs"]
mod records;
mod round_trip;

use std::fs;
use std::path::{Path, PathBuf};

use perf_history::{History, Interval, Timeline, TimelineThread};
use tempfile::TempDir;

fn empty() -> (TempDir, History) {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path().join(".build-metrics"));
    (dir, history)
}

/// The timeline that the format's documentation shows.
fn small(build_id: &str) -> Timeline {
    let paths = ["render", "render/markdown"].map(str::to_owned).into();
    let mut timeline = Timeline::new(build_id, "my-site", paths);
    timeline.build_time_ns = 412_500_000;
    timeline.threads = vec![
        TimelineThread::new(true, vec![Interval::new(0, 1000, 411_000_000)]),
        TimelineThread::new(
            false,
            vec![Interval::new(1, 5000, 90_000), Interval::new(1, 96_000, 87_000)],
        ),
    ];
    timeline
}

/// One thread with so many intervals.
fn long(build_id: &str, intervals: u64) -> Timeline {
    let intervals = (0..intervals).map(|n| Interval::new(0, n * 1000, 999)).collect();
    let mut timeline = Timeline::new(build_id, "", vec!["render".to_owned()]);
    timeline.threads = vec![TimelineThread::new(true, intervals)];
    timeline
}

fn folder(history: &History) -> PathBuf {
    history.dir().join("timelines")
}

fn files_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
