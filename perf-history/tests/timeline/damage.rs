//! Files of timelines that were damaged, made up to do harm, or written by a later version.

use std::fs::{self, File};

use perf_history::{History, HistoryError, Interval, Timeline, TimelineError, TimelineThread};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{empty, folder, small};

const HEADER: &str = r#"{"schema":1,"build_id":"a","tool":"t","build_time_ns":9,"paths":["p","q"],"intervals":2,"dropped":5}"#;
const FIRST: &str = r#"{"thread":0,"build_thread":true,"intervals":[[0,1,2]]}"#;
const SECOND: &str = r#"{"thread":1,"build_thread":false,"intervals":[[1,3,4]]}"#;

fn with_file(file: impl AsRef<[u8]>) -> (TempDir, History) {
    let (dir, history) = empty();
    fs::create_dir_all(folder(&history)).unwrap();
    fs::write(folder(&history).join("a.jsonl"), file).unwrap();
    (dir, history)
}

fn read(file: impl AsRef<[u8]>) -> Result<Timeline, HistoryError> {
    let (_dir, history) = with_file(file);
    history.timeline("a").map(|timeline| timeline.expect("the file is there"))
}

/// Which line cannot be read, and why not.
fn flaw_of(file: impl AsRef<[u8]>) -> (u64, TimelineError) {
    match read(file) {
        Err(HistoryError::BadTimeline { path, line, source: flaw }) => {
            assert!(path.ends_with("timelines/a.jsonl"), "{}", path.display());
            (line, flaw)
        }
        other => panic!("{other:?}"),
    }
}

/// The file of these three lines.
fn of(lines: [&str; 3]) -> String {
    lines.map(|line| format!("{line}\n")).concat()
}

fn whole() -> Timeline {
    let mut timeline = Timeline::new("a", "t", ["p", "q"].map(str::to_owned).into());
    timeline.build_time_ns = 9;
    timeline.threads = vec![
        TimelineThread::new(true, vec![Interval::new(0, 1, 2)]),
        TimelineThread::new(false, vec![Interval::new(1, 3, 4)]),
    ];
    timeline.dropped = 5;
    timeline
}

#[test]
fn what_is_unknown_is_passed_over_and_the_order_of_fields_does_not_matter() {
    assert_eq!(read(of([HEADER, FIRST, SECOND])).unwrap(), whole());
    let header = HEADER.replace(r#","dropped":5}"#, r#","x":[{}],"dropped":5,"y":null}"#);
    let first =
        r#"{"intervals":[[0,1,2,"more",{"of":"it"}]],"x":1,"build_thread":true,"thread":0}"#;
    assert_eq!(read(of([&header, first, SECOND])).unwrap(), whole());
    // As an editor on Windows leaves it, and without the end of the last line.
    let file = [HEADER, FIRST, SECOND].join("\r\n");
    assert_eq!(read(file).unwrap(), whole());
}

#[test]
fn lines_of_threads_may_alternate_and_paths_may_come_late() {
    let header = HEADER.replace(r#"["p","q"]"#, r#"["p"]"#).replace(":2,", ":3,");
    let more = r#"{"thread":0,"build_thread":true,"intervals":[[1,7,8]],"paths":["r"]}"#;
    let file = [&header, FIRST, r#"{"paths":["q"]}"#, SECOND, more].join("\n");
    let mut expected = whole();
    expected.paths.push("r".to_owned());
    expected.threads[0].intervals.push(Interval::new(1, 7, 8));
    assert_eq!(read(file).unwrap(), expected);
}

#[test]
fn a_damaged_line_is_named_with_the_reason() {
    let not_json = |flaw: &TimelineError| matches!(flaw, TimelineError::NotJson(_));
    let no_timeline = |flaw: &TimelineError| matches!(flaw, TimelineError::NotATimeline(_));
    for line in [
        "",
        " \t",
        "x",
        "\0\0\0\0",
        r#"{"thread":0,"build_thread":true,"intervals":[[0,1,2]]"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[0,1,2]"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[0,1,2]]},"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[0,NaN,2]]}"#,
    ] {
        let (number, flaw) = flaw_of(of([HEADER, line, SECOND]));
        assert_eq!(number, 2, "{line}");
        assert!(not_json(&flaw), "{line}: {flaw:?}");
    }
    for line in [
        "{}",
        "[]",
        "null",
        r#"{"paths":null}"#,
        r#"{"paths":["p",1]}"#,
        r#"{"thread":0,"build_thread":true}"#,
        r#"{"thread":0,"intervals":[[0,1,2]]}"#,
        r#"{"thread":0,"build_thread":true,"build_thread":true,"intervals":[[0,1,2]]}"#,
        r#"{"thread":0,"build_thread":true,"intervals":{}}"#,
        r#"{"thread":0,"build_thread":true,"intervals":[0,1,2]}"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[0,1]]}"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[0,-1,2]]}"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[0,1.5,2]]}"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[0,1,18446744073709551616]]}"#,
        r#"{"thread":0,"build_thread":true,"intervals":[[4294967296,1,2]]}"#,
        r#"{"thread":-1,"build_thread":true,"intervals":[[0,1,2]]}"#,
        r#"{"thread":0,"build_thread":1,"intervals":[[0,1,2]]}"#,
    ] {
        let (number, flaw) = flaw_of(of([HEADER, line, SECOND]));
        assert_eq!(number, 2, "{line}");
        assert!(no_timeline(&flaw), "{line}: {flaw:?}");
    }
    let error = read(of([HEADER, "x", SECOND])).unwrap_err().describe();
    assert!(error.contains("a.jsonl: line 2: it is not JSON"), "{error}");
}

#[test]
fn lines_that_contradict_each_other_are_named() {
    let (line, flaw) = flaw_of(of([HEADER, &FIRST.replace("[[0,", "[[2,"), SECOND]));
    assert!(matches!((line, flaw), (2, TimelineError::UnknownPath { path: 2, paths: 2 })));
    let (line, flaw) = flaw_of(of([HEADER, FIRST, &SECOND.replace(":1,", ":2,")]));
    assert!(matches!((line, flaw), (3, TimelineError::UnknownThread { thread: 2, threads: 1 })));
    let (line, flaw) = flaw_of(of([HEADER, FIRST, &SECOND.replace(":1,", ":0,")]));
    assert!(matches!((line, flaw), (3, TimelineError::OtherThread { thread: 0 })));
    let (line, flaw) = flaw_of(of([&HEADER.replace(":2,", ":1,"), FIRST, SECOND]));
    assert!(matches!((line, flaw), (3, TimelineError::Miscounted { counted: 1, found: 2 })));
}

#[test]
fn a_file_whose_end_is_missing_is_not_taken_for_a_short_one() {
    let file = of([HEADER, FIRST, SECOND]);
    assert!(matches!(flaw_of(""), (1, TimelineError::Empty)));
    for length in 1..file.len() - 1 {
        let (line, flaw) = flaw_of(&file[..length]);
        let ended = file[..length].matches('\n').count() as u64;
        match flaw {
            TimelineError::NotJson(_) => assert_eq!(line, ended + 1, "{length}"),
            TimelineError::Miscounted { counted: 2, found } => {
                assert_eq!(found + 1, line, "{length}");
            }
            flaw => panic!("{length}: {flaw:?}"),
        }
    }
}

#[test]
fn a_header_that_says_too_little_or_whose_it_is_not_is_refused() {
    for (from, to) in [
        (r#""schema":1,"#, ""),
        (r#""schema":1"#, r#""schema":0"#),
        (r#""schema":1"#, r#""schema":"1""#),
        (r#""schema":1"#, r#""schema":4294967296"#),
        (r#""build_id":"a","#, ""),
        (r#""tool":"t","#, ""),
        (r#""tool":"t","#, r#""tool":"t","tool":"t","#),
        (r#""build_time_ns":9,"#, ""),
        (r#""build_time_ns":9"#, r#""build_time_ns":9.5"#),
        (r#""paths":["p","q"],"#, ""),
        (r#""paths":["p","q"]"#, r#""paths":{"p":1}"#),
        (r#""intervals":2,"#, ""),
        (r#""intervals":2"#, r#""intervals":1e18"#),
        (r#""intervals":2"#, r#""intervals":-2"#),
        (r#","dropped":5"#, ""),
    ] {
        assert!(HEADER.contains(from), "{from}");
        let (line, flaw) = flaw_of(of([&HEADER.replace(from, to), FIRST, SECOND]));
        assert_eq!(line, 1);
        assert!(matches!(flaw, TimelineError::NotATimeline(_)), "{to}: {flaw:?}");
    }
    let other = HEADER.replace(r#""build_id":"a""#, r#""build_id":"../b""#);
    let (line, flaw) = flaw_of(of([&other, FIRST, SECOND]));
    let TimelineError::OtherBuild { build_id } = flaw else {
        panic!("{flaw:?}");
    };
    assert_eq!((line, build_id.as_str()), (1, "../b"));
}

#[test]
fn a_header_that_announces_more_than_any_memory_holds_costs_none() {
    for count in ["1000000000000000000", "18446744073709551615"] {
        let header = HEADER.replace(r#""intervals":2"#, &format!(r#""intervals":{count}"#));
        let (line, flaw) = flaw_of(of([&header, FIRST, SECOND]));
        let TimelineError::Miscounted { counted, found: 2 } = flaw else {
            panic!("{flaw:?}");
        };
        assert_eq!((line, counted), (3, count.parse().unwrap()));
    }
    let far = FIRST.replace(r#""thread":0"#, &format!(r#""thread":{}"#, usize::MAX));
    let (line, flaw) = flaw_of(of([HEADER, &far, SECOND]));
    assert!(matches!((line, flaw), (2, TimelineError::UnknownThread { thread: usize::MAX, .. })));
}

#[test]
fn what_has_no_line_ends_or_no_end_of_brackets_is_refused_early() {
    let (_dir, history) = with_file("");
    let file = File::options().write(true).open(folder(&history).join("a.jsonl")).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = history.timeline("a").unwrap_err();
    let HistoryError::BadTimeline { line: 1, source: TimelineError::TooLong, .. } = error else {
        panic!("{error}");
    };
    let deep = format!(r#"{{"thread":0,"build_thread":true,"x":{}"#, "[".repeat(1 << 20));
    assert!(matches!(flaw_of(of([HEADER, &deep, SECOND])), (2, TimelineError::NotJson(_))));
    let deep = HEADER.replace(r#"["p","q"]"#, &"[".repeat(1 << 20));
    assert!(matches!(flaw_of(of([&deep, FIRST, SECOND])).0, 1));
}

#[test]
fn a_reader_stops_at_the_first_damage_with_what_came_before_it() {
    let (_dir, history) = with_file([HEADER, FIRST, "x", SECOND].join("\n"));
    let mut reader = history.read_timeline("a").unwrap().unwrap();
    assert_eq!(reader.header().dropped, 5);
    assert_eq!(reader.next().unwrap().unwrap().intervals, [Interval::new(0, 1, 2)]);
    assert!(matches!(reader.next(), Some(Err(HistoryError::BadTimeline { line: 3, .. }))));
    assert!(reader.next().is_none());
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_understood() {
    let later = HEADER.replace(r#""schema":1"#, r#""schema":2"#);
    assert_eq!(read(of([&later, FIRST, SECOND])).unwrap(), whole());

    // What is not understood is missed, and counted.
    let one_missing = {
        let mut timeline = whole();
        timeline.threads = vec![whole().threads.swap_remove(0)];
        timeline.dropped = 6;
        timeline
    };
    for second in [
        r#"{"thread":1,"build_thread":false,"intervals":[{"path":1,"start":3}]}"#,
        r#"{"thread":"worker","build_thread":false,"intervals":[[1,3,4]]}"#,
        r#"{"thread":1,"build_thread":false,"intervals":[[7,3,4]]}"#,
        r#"{"marks":[[1,3]]}"#,
        "[1,2]",
    ] {
        assert_eq!(read(of([&later, FIRST, second])).unwrap(), one_missing, "{second}");
    }
    assert_eq!(read([&later, FIRST].join("\n")).unwrap(), one_missing);
    let file = [&later, FIRST, r#"{"marks":[[1,3]]}"#, SECOND].join("\n");
    assert_eq!(read(file).unwrap(), whole());

    let header = later
        .replace(r#""dropped":5"#, r#""dropped":{"full":5}"#)
        .replace(r#""intervals":2"#, r#""intervals":"2""#);
    let mut expected = whole();
    expected.dropped = 0;
    assert_eq!(read(of([&header, FIRST, SECOND])).unwrap(), expected);
    let header = later.replace(r#"["p","q"]"#, r#"{"0":"p"}"#);
    let mut expected = whole();
    expected.paths = vec![];
    expected.threads = vec![];
    expected.dropped = 7;
    assert_eq!(read(of([&header, FIRST, SECOND])).unwrap(), expected);
}

#[test]
fn a_later_version_that_is_damaged_or_does_not_say_whose_it_is_is_refused() {
    let later = HEADER.replace(r#""schema":1"#, r#""schema":2"#);
    assert!(matches!(flaw_of(of([&later, "x", SECOND])), (2, TimelineError::NotJson(_))));
    for (from, to) in [
        (r#""build_id":"a""#, r#""build_id":7"#),
        (r#""tool":"t""#, r#""tool":["t"]"#),
        (r#""build_time_ns":9"#, r#""build_time_ns":"9""#),
    ] {
        let (line, flaw) = flaw_of(of([&later.replace(from, to), FIRST, SECOND]));
        assert!(matches!((line, flaw), (1, TimelineError::NotATimeline(_))), "{to}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_in_a_file_is_a_timeline_or_an_error(
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        junk in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "[0-9,\\[\\]{}\":a-z\n]{0,40}".prop_map(String::into_bytes),
        ],
    ) {
        let (_dir, history) = empty();
        let path = history.save_timeline(&small("a")).unwrap();
        let mut file = fs::read(&path).unwrap();
        let begin = at.index(file.len());
        let end = (begin + length).min(file.len());
        file.splice(begin..end, junk);
        fs::write(&path, &file).unwrap();
        match history.timeline("a") {
            Ok(timeline) => {
                let timeline = timeline.unwrap();
                let intervals = timeline.threads.iter().flat_map(|thread| &thread.intervals);
                for interval in intervals {
                    prop_assert!((interval.path as usize) < timeline.paths.len());
                }
            }
            Err(HistoryError::BadTimeline { line, .. }) => {
                let lines = file.split(|byte| *byte == b'\n').count();
                prop_assert!((1..=lines as u64).contains(&line));
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
