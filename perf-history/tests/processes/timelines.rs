//! Timelines of a million intervals: what writing and reading them takes.

use std::fs;

use perf_history::{History, Interval, Timeline, TimelineThread};

use crate::memory::peak_memory_kb;
use crate::start;

/// A timeline of one thread, which for the build `b` takes three lines.
pub(crate) fn timeline(build_id: &str) -> Timeline {
    of(build_id, if build_id == "b" { 9_000 } else { 10 })
}

fn of(build_id: &str, intervals: u64) -> Timeline {
    let intervals = (0..intervals)
        .map(|n| Interval::new(u32::try_from(n % 50).unwrap(), n * 4_321, 1_000 + n % 1_000));
    let mut timeline = Timeline::default();
    timeline.build_id = build_id.into();
    timeline.tool = "my-site".into();
    timeline.build_time_ns = 6_444_974_000;
    timeline.paths = (0..50).map(|n| format!("render/page-{n}")).collect();
    timeline.threads = vec![TimelineThread::new(true, intervals.collect())];
    timeline.dropped = 0;
    timeline
}

const MANY: u64 = 1_000_000;

/// Saves a timeline of a million intervals, and prints by how many KiB its memory grew.
pub(crate) fn save_many(history: &History) {
    let timeline = of("long", MANY);
    let before = peak_memory_kb();
    history.save_timeline(&timeline).unwrap();
    println!("{}", peak_memory_kb() - before);
}

/// Goes through it, and prints the same.
pub(crate) fn pass_through_many(history: &History) {
    let before = peak_memory_kb();
    let reader = history.read_timeline("long").unwrap().unwrap();
    let intervals: usize = reader.map(|part| part.unwrap().intervals.len()).sum();
    assert_eq!(intervals as u64, MANY);
    println!("{}", peak_memory_kb() - before);
}

/// Reads all of it, and prints the same.
pub(crate) fn read_many(history: &History) {
    let before = peak_memory_kb();
    let timeline = history.timeline("long").unwrap().unwrap();
    println!("{}", peak_memory_kb() - before);
    assert!(timeline == of("long", MANY));
}

pub(crate) fn write_and_read_without_a_copy() {
    let temporary = tempfile::tempdir().unwrap();
    let kb_of = |part: &str| {
        let output = start(part, temporary.path(), "").wait_with_output().unwrap();
        assert!(output.status.success(), "{part}");
        let kb: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        println!("{part}: {kb} KiB");
        kb
    };
    assert!(kb_of("save-many-intervals") <= 2 << 10);
    let file = fs::metadata(temporary.path().join("timelines/long.jsonl")).unwrap();
    println!("{} bytes", file.len());
    assert!(file.len() < 25 * MANY);
    assert!(kb_of("pass-through-many-intervals") <= 4 << 10);
    // The intervals, and as much again while the memory that they have grown out of is there.
    let intervals = MANY * size_of::<Interval>() as u64 / 1024;
    assert!(kb_of("read-many-intervals") <= 3 * intervals);
}
