//! Searches find what reading line by line finds, and progress is reported.

use std::fs;
use std::sync::{Arc, Mutex};

use perf_history::{HistoryLine, RecordSummary, Retention};

use super::{ids, line, with};

/// A history of records that are wanted or not, from this version and from others, among lines
/// that cannot be read.
fn mixed() -> (tempfile::TempDir, perf_history::History) {
    let (dir, history) = with(&["a"]);
    let with_time = |id: &str, time: &str| line(id).replace("412.5", time);
    let lines = [
        with_time("slow", "2000.0"),
        line("fast"),
        "not json\n".to_owned(),
        with_time("later", "3000.0").replace("\"schema\":1", "\"schema\":2"),
        with_time("later-fast", "3.0").replace("\"schema\":1", "\"schema\":2"),
        with_time("escaped", "4000.0").replace("my-site", "my\\u002dsite"),
        "\n".to_owned(),
        r#"{"timestamp":"2025-10-09T21:51:25","build_time_ms":5000}"#.to_owned() + "\n",
        with_time("damaged", "6000.0").replace("\"phases\":[]", "\"phases\":7"),
        with_time("torn", "7000.0").trim_end_matches("}\n").to_owned(),
    ];
    fs::write(history.path(), fs::read_to_string(history.path()).unwrap() + &lines.concat())
        .unwrap();
    (dir, history)
}

#[test]
fn a_search_from_either_end_reads_what_is_wanted_and_reports_what_cannot_be_read() {
    let (_dir, history) = mixed();
    let wanted = |summary: &RecordSummary<'_>| summary.build_time_ms > 1_000.0;
    let describe = |line: HistoryLine| match line {
        HistoryLine::Record(stats) if wanted(&RecordSummary::new(&stats)) => Some(stats.build_id),
        HistoryLine::Record(_) => None,
        HistoryLine::Unreadable(line) => Some(line.reason.to_string()),
    };
    let expected: Vec<_> = history.iter().map(|line| describe(line.unwrap())).collect();
    let found: Vec<&str> =
        expected.iter().map(|line| line.as_deref().map_or("", |line| &line[..4])).collect();
    assert_eq!(found, ["", "slow", "", "it i", "late", "", "esca", "it i", "beng", "it i", "it w"]);
    for (mut lines, is_reversed) in [(history.iter(), false), (history.newest_first(), true)] {
        let mut found = Vec::new();
        while let Some(line) = lines.next_where(wanted) {
            found.push(line.unwrap().and_then(describe));
        }
        if is_reversed {
            found.reverse();
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn the_progress_of_every_reading_is_reported_to_its_end() {
    let names: Vec<String> = (0..300).map(|number| format!("build-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_dir, history) = with(&names);
    let last = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&last);
    let history =
        history.with_progress(move |read, length| sink.lock().unwrap().push((read, length)));
    let mut readings: [(&str, &dyn Fn()); 4] = [
        ("iter", &|| assert_eq!(ids(&history).len(), 300)),
        ("newest_first", &|| assert_eq!(history.newest_first().count(), 300)),
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
