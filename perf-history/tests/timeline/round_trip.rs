//! Timelines of every shape read back as they were written, and their files are as documented.

use std::fs;

use perf_history::timeline::{MAX_LINE, MAX_TEXT};
use perf_history::{HistoryError, Interval, Timeline, TimelineError, TimelineThread};
use proptest::collection;
use proptest::prelude::*;

use crate::{empty, files_in, folder, long, small};

#[test]
fn the_file_is_what_the_documentation_shows() {
    let (_dir, history) = empty();
    let path = history.save_timeline(&small("0192b6e4")).unwrap();
    assert_eq!(path, history.dir().join("timelines/0192b6e4.jsonl"));
    let documented: String = include_str!("../../src/timeline/mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! ").filter(|text| text.starts_with('{')))
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(fs::read_to_string(path).unwrap(), documented);
    assert_eq!(files_in(history.dir()), ["timelines"]);
    assert_eq!(files_in(&folder(&history)), ["0192b6e4.jsonl"]);
}

#[test]
fn a_build_without_a_timeline_has_none() {
    let (dir, history) = empty();
    assert_eq!(history.timeline("a").unwrap(), None);
    assert!(history.read_timeline("a").unwrap().is_none());
    assert_eq!(files_in(dir.path()), [""; 0]);
    history.save_timeline(&small("a")).unwrap();
    assert_eq!(history.timeline("b").unwrap(), None);
}

#[test]
fn a_timeline_that_is_saved_again_takes_the_place_of_the_first() {
    let (_dir, history) = empty();
    history.save_timeline(&long("a", 10_000)).unwrap();
    history.save_timeline(&small("a")).unwrap();
    assert_eq!(history.timeline("a").unwrap(), Some(small("a")));
    assert_eq!(files_in(&folder(&history)), ["a.jsonl"]);
}

#[test]
fn who_reads_while_a_timeline_is_replaced_sees_the_old_or_the_new() {
    let (_dir, history) = empty();
    let versions = [long("a", 9_000), long("a", 5_000)];
    history.save_timeline(&versions[0]).unwrap();
    std::thread::scope(|scope| {
        let writers = [0, 1].map(|n| {
            let (history, version) = (&history, &versions[n]);
            scope.spawn(move || (0..50).for_each(|_| drop(history.save_timeline(version).unwrap())))
        });
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let read = history.timeline("a").unwrap().unwrap();
            assert!(versions.contains(&read));
        }
    });
    assert_eq!(files_in(&folder(&history)), ["a.jsonl"]);
}

#[test]
fn an_id_that_is_not_fit_for_the_name_of_a_file_reaches_no_file() {
    let (dir, history) = empty();
    // What a link out of the folder would lead to, were it followed.
    fs::write(dir.path().join("a.jsonl"), "mine").unwrap();
    let too_long = "a".repeat(65);
    for id in [
        "",
        ".",
        "..",
        "../a",
        "../../a",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a.b",
        "é",
        "a\0",
        &too_long,
    ] {
        for error in [
            history.save_timeline(&small(id)).unwrap_err(),
            history.timeline(id).unwrap_err(),
            history.read_timeline(id).unwrap_err(),
        ] {
            assert!(matches!(error, HistoryError::BadBuildId { .. }), "{error}");
        }
    }
    assert_eq!(files_in(dir.path()), ["a.jsonl"]);
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let (dir, history) = empty();
    let mut timeline = small("a");
    timeline.threads[1].intervals[1].path = 2;
    let HistoryError::UnwritableTimeline { build_id, source: flaw } =
        history.save_timeline(&timeline).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(build_id, "a");
    assert!(matches!(flaw, TimelineError::UnknownPath { path: 2, paths: 2 }), "{flaw}");

    let text = "x".repeat(MAX_TEXT + 1);
    for timeline in [
        {
            let mut timeline = long("a", 0);
            timeline.paths = vec![text.clone()];
            timeline
        },
        {
            let mut timeline = long("a", 0);
            timeline.tool = text;
            timeline
        },
    ] {
        let error = history.save_timeline(&timeline).unwrap_err();
        let HistoryError::UnwritableTimeline { source: flaw, .. } = error else {
            panic!("{error}");
        };
        assert!(matches!(flaw, TimelineError::LongText { bytes } if bytes == MAX_TEXT + 1));
    }
    assert_eq!(files_in(dir.path()), [""; 0]);
}

#[test]
fn the_longest_texts_fit_however_they_are_escaped_and_no_line_is_too_long() {
    let (_dir, history) = empty();
    let text = "\u{1}".repeat(MAX_TEXT);
    let mut timeline = small("a");
    timeline.tool = text.clone();
    timeline.paths = [&text, "", "a", &text, &text, ""].map(str::to_owned).into();
    let path = history.save_timeline(&timeline).unwrap();
    assert_eq!(history.timeline("a").unwrap(), Some(timeline));
    let file = fs::read(path).unwrap();
    let longest = file.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    assert!(longest <= Some(MAX_LINE), "{longest:?}");
}

#[test]
fn paths_beyond_what_fits_into_the_header_are_all_there_before_the_first_part() {
    let (_dir, history) = empty();
    let paths: Vec<String> = (0..100_000).map(|n| format!("render/page-{n}")).collect();
    let last = Interval::new(99_999, u64::MAX, u64::MAX);
    let mut timeline = small("a");
    timeline.threads = vec![TimelineThread::new(true, vec![last])];
    timeline.paths = paths;
    let path = history.save_timeline(&timeline).unwrap();
    let mut reader = history.read_timeline("a").unwrap().unwrap();
    assert_eq!(reader.header().paths, timeline.paths);
    assert_eq!(reader.next().unwrap().unwrap().intervals, [last]);
    assert!(reader.next().is_none());
    assert_eq!(last.end_ns(), u64::MAX);
    let file = fs::read_to_string(path).unwrap();
    assert!(file.lines().count() > 5, "{}", file.lines().count());
}

#[test]
fn a_reader_has_some_thousand_intervals_at_a_time_in_the_order_of_the_file() {
    let (_dir, history) = empty();
    let mut timeline = long("a", 20_000);
    timeline.threads.push(TimelineThread::default());
    timeline.threads.push(TimelineThread::new(false, vec![Interval::new(0, 1, 2)]));
    history.save_timeline(&timeline).unwrap();
    let mut reader = history.read_timeline("a").unwrap().unwrap();
    assert_eq!(reader.header().intervals, 20_001);
    let parts: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert!(parts.iter().all(|part| part.intervals.len() <= 4096));
    assert!(parts.len() < 10, "{}", parts.len());
    let of = |thread: usize| {
        let parts = parts.iter().filter(move |part| part.thread == thread);
        parts.flat_map(|part| part.intervals.clone()).collect::<Vec<Interval>>()
    };
    for (number, thread) in timeline.threads.iter().enumerate() {
        assert_eq!(of(number), thread.intervals);
    }
    assert!(parts.iter().all(|part| part.build_thread == (part.thread == 0)));
    assert!(reader.next().is_none());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,6}",
        Just("\u{0}\u{1b}[31m\r\n\u{2028}\u{feff}\"\\/".to_owned()),
        Just("../../etc/passwd".to_owned()),
    ]
}

fn timelines() -> impl Strategy<Value = Timeline> {
    let number = prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0..1_000_000_000_u64];
    // More than one line of paths takes.
    let long = ("[a-z\u{1}]", 50_000..90_000_usize).prop_map(|(text, n)| text.repeat(n));
    let paths = prop_oneof![3 => collection::vec(text(), 1..20), 1 => collection::vec(long, 1..20)];
    let interval = (any::<prop::sample::Index>(), number.clone(), number.clone());
    let intervals = prop_oneof![
        4 => collection::vec(interval.clone(), 0..20),
        // Around the borders of lines.
        1 => (interval, 4094..4099_usize).prop_map(|(interval, n)| vec![interval; n]),
    ];
    let threads = collection::vec((any::<bool>(), intervals), 0..5);
    ("[0-9A-Za-z_-]{1,64}", text(), number.clone(), paths, threads, number).prop_map(
        |(build_id, tool, build_time_ns, paths, threads, dropped)| {
            let thread = |(own, intervals): (bool, Vec<(prop::sample::Index, u64, u64)>)| {
                let interval = |(path, start_ns, duration_ns): (prop::sample::Index, u64, u64)| {
                    let path = u32::try_from(path.index(paths.len())).unwrap();
                    Interval::new(path, start_ns, duration_ns)
                };
                TimelineThread::new(own, intervals.into_iter().map(interval).collect())
            };
            let threads = threads.into_iter().map(thread).collect();
            let mut timeline = Timeline::default();
            timeline.build_id = build_id;
            timeline.tool = tool;
            timeline.build_time_ns = build_time_ns;
            timeline.paths = paths;
            timeline.threads = threads;
            timeline.dropped = dropped;
            timeline
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_timeline_reads_back_as_it_was_written(timeline in timelines()) {
        let (_dir, history) = empty();
        let path = history.save_timeline(&timeline).unwrap();
        let length = fs::metadata(&path).unwrap().len();
        prop_assert!(length <= timeline.max_file_bytes());
        prop_assert_eq!(history.timeline(&timeline.build_id).unwrap(), Some(timeline));
        prop_assert_eq!(files_in(&folder(&history)).len(), 1);
    }
}
