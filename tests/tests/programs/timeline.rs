//! The timeline: each call leaves an interval if that is asked for.

use contract_tests::programs::{Place, succeed};
use perf_runtime::perf_history::{History, Interval, Timeline, TimelineThread};
use serde_json::Value;

use crate::tool;

/// The record and the timeline of one build of the tool.
fn build(argument: &str, switch: Option<&str>) -> (Value, Option<Timeline>) {
    let place = Place::new();
    let mut command = tool(&place, "timed");
    command.arg(argument).env("BUILD_METRICS_DIR", "metrics");
    if let Some(switch) = switch {
        command.env("BUILD_METRICS_TIMELINE", switch);
    }
    succeed(&mut command);
    let record = place.only_record("metrics");
    let id = record["build_id"].as_str().unwrap();
    let timeline = History::open(place.path("metrics")).timeline(id).unwrap();
    (record, timeline)
}

/// The calls of a phase on a thread: start and end.
fn calls(timeline: &Timeline, thread: &TimelineThread, path: &str) -> Vec<(u64, u64)> {
    let is_of_phase = |call: &&Interval| timeline.paths[call.path as usize] == path;
    thread.intervals.iter().filter(is_of_phase).map(|call| (call.start_ns, call.end_ns())).collect()
}

#[test]
fn no_timeline_is_kept_unless_it_is_asked_for() {
    for switch in [None, Some("0")] {
        let (record, timeline) = build("calls", switch);
        assert_eq!((record.get("timeline"), timeline), (None, None));
    }
}

#[test]
fn every_call_leaves_an_interval_on_its_thread_within_that_of_its_caller() {
    let (record, timeline) = build("calls", Some("1"));
    let timeline = timeline.unwrap();
    let count = |path: &str| -> usize {
        timeline.threads.iter().map(|thread| calls(&timeline, thread, path).len()).sum()
    };
    for phase in record["phases"].as_array().unwrap() {
        let path = phase["path"].as_str().unwrap();
        // Work that was handed off is an interval of its phase, too.
        let handed = usize::from(path == "outer");
        let calls = usize::try_from(phase["calls"].as_u64().unwrap()).unwrap();
        assert_eq!(count(path), calls + handed, "{path}");
    }
    assert_eq!(record["timeline"]["intervals"], timeline.intervals());
    assert_eq!(record["timeline"]["dropped"], 0);

    let [build_thread, worker] = &timeline.threads[..] else { panic!("{timeline:?}") };
    assert!(build_thread.build_thread && !worker.build_thread);
    for thread in [build_thread, worker] {
        let [(start, end)] = calls(&timeline, thread, "outer")[..] else { panic!("{thread:?}") };
        let inner = calls(&timeline, thread, "outer/inner");
        assert_eq!(inner.len(), 2);
        assert!(inner.iter().all(|call| start <= call.0 && call.1 <= end), "{thread:?}");
        assert!(inner[0].1 <= inner[1].0, "one after the other: {inner:?}");
        assert!(end <= timeline.build_time_ns);
    }
}

#[test]
fn a_call_that_is_open_when_the_build_ends_has_an_interval_up_to_then() {
    let (_, timeline) = build("left-open", Some("on"));
    let timeline = timeline.unwrap();
    let [thread] = &timeline.threads[..] else { panic!("{timeline:?}") };
    let [(start, end)] = calls(&timeline, thread, "open")[..] else { panic!("{thread:?}") };
    assert!(start < end && end.abs_diff(timeline.build_time_ns) <= 1, "{end} {timeline:?}");
}

#[test]
fn calls_beyond_the_bound_are_counted_and_nothing_else_is_lost() {
    const BOUND: u64 = 1 << 20;
    let (record, timeline) = build("beyond-the-bound", Some("1"));
    let timeline = timeline.unwrap();
    let phase = &record["phases"][0];
    assert_eq!(phase["calls"], BOUND + 1_000);
    assert_eq!((timeline.intervals(), timeline.dropped), (BOUND, 1_000));
    assert_eq!(record["timeline"]["dropped"], 1_000);
}

#[test]
fn each_of_two_builds_in_a_row_has_its_own_timeline() {
    let place = Place::new();
    let mut command = tool(&place, "timed");
    command.arg("twice").env("BUILD_METRICS_DIR", "metrics").env("BUILD_METRICS_TIMELINE", "1");
    succeed(&mut command);
    let history = History::open(place.path("metrics"));
    for (record, intervals) in place.records("metrics").iter().zip([1, 2]) {
        let timeline = history.timeline(record["build_id"].as_str().unwrap()).unwrap().unwrap();
        assert_eq!(timeline.intervals(), intervals);
        let all = timeline.threads.iter().flat_map(|thread| &thread.intervals);
        assert!(all.map(Interval::end_ns).all(|end| end <= timeline.build_time_ns));
    }
}
