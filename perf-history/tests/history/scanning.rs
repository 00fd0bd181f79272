//! Scans and searches find what reading line by line finds, and tell how far they have come.

use std::path::Path;
use std::sync::{Arc, Mutex};

use perf_history::{History, HistoryLine, RecordSummary, Retention, ScannedLine, UnreadableLine};

use super::{ids, with};

fn said(line: &UnreadableLine) -> String {
    format!("{:?} {} {} {}", line.line, line.offset, line.bytes, line.reason)
}

fn told(summary: &RecordSummary<'_>) -> String {
    let labels = ["run", "session"].map(|name| summary.label(name).map(str::to_owned));
    format!(
        "{labels:?} {:?}",
        (
            (summary.build_id, summary.timestamp, summary.tool, summary.outcome, summary.clock),
            (summary.build_time_ms.to_bits(), summary.incremental, summary.skipped),
            (summary.commit, summary.branch),
        )
    )
}

/// Histories as real tools and their mishaps leave them.
fn histories() -> Vec<History> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../perf-cli/tests/data");
    let names = ["site", "damaged", "hostile", "python-model"];
    names.map(|name| History::open(data.join(name))).into()
}

#[test]
fn a_scan_tells_of_every_line_what_reading_it_tells() {
    for history in histories() {
        let mut expected = Vec::new();
        for entry in &history {
            expected.push(match entry.unwrap() {
                HistoryLine::Record(stats) => told(&RecordSummary::new(&stats)),
                HistoryLine::Unreadable(line) => said(&line),
            });
        }
        assert!(!expected.is_empty(), "{history:?}");
        let scanned = history.scan(Vec::new, |all: &mut Vec<String>, line| {
            all.push(match line {
                ScannedLine::Record(summary) => told(&summary),
                ScannedLine::Unreadable(line) => said(&line),
            });
        });
        let mut scanned = scanned.unwrap().concat();
        scanned.sort();
        expected.sort();
        assert_eq!(scanned, expected);
    }
}

#[test]
fn a_search_from_either_end_reads_what_is_wanted_and_reports_what_cannot_be_read() {
    for history in histories() {
        let wanted = |summary: &RecordSummary<'_>| summary.build_time_ms > 1_000.0;
        let plain = |line: HistoryLine| match line {
            HistoryLine::Record(stats) if wanted(&RecordSummary::new(&stats)) => {
                Some(stats.build_id)
            }
            HistoryLine::Record(_) => None,
            HistoryLine::Unreadable(line) => Some(line.reason.to_string()),
        };
        let expected: Vec<_> = history.iter().map(|entry| plain(entry.unwrap())).collect();
        let mut forward = Vec::new();
        let mut lines = history.iter();
        while let Some(entry) = lines.next_where(wanted) {
            forward.push(entry.unwrap().and_then(plain));
        }
        assert_eq!(forward, expected);
        let mut backward = Vec::new();
        let mut lines = history.newest_first();
        while let Some(entry) = lines.next_where(wanted) {
            backward.push(entry.unwrap().and_then(plain));
        }
        backward.reverse();
        assert_eq!(backward, expected);
    }
}

#[test]
fn a_history_that_is_not_there_has_nothing_to_scan() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path().join("nowhere"));
    assert_eq!(history.scan(|| 0, |count, _| *count += 1).unwrap(), Vec::<i32>::new());
}

#[test]
fn whoever_observes_is_told_of_every_reading_to_its_end() {
    let names: Vec<String> = (0..300).map(|number| format!("build-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_dir, history) = with(&names);
    let last = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&last);
    let history =
        history.with_progress(move |read, length| sink.lock().unwrap().push((read, length)));
    let mut readings: [(&str, &dyn Fn()); 5] = [
        ("iter", &|| assert_eq!(ids(&history).len(), 300)),
        ("newest_first", &|| assert_eq!(history.newest_first().count(), 300)),
        ("scan", &|| {
            let counts = history.scan(|| 0, |count, _| *count += 1).unwrap();
            assert_eq!(counts.iter().sum::<i32>(), 300);
        }),
        ("repair", &|| assert_eq!(history.repair().unwrap().records, 300)),
        ("prune", &|| {
            let keep = Retention::Since(std::time::SystemTime::UNIX_EPOCH);
            assert_eq!(history.prune(keep).unwrap().kept, 300);
        }),
    ];
    let length = std::fs::metadata(history.path()).unwrap().len();
    for (name, read) in &mut readings {
        last.lock().unwrap().clear();
        read();
        let told = last.lock().unwrap();
        assert!(told.is_sorted(), "{name}: {told:?}");
        assert_eq!(told.last(), Some(&(length, length)), "{name}");
    }
}
