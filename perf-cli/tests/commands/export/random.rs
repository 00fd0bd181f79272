//! Random builds: sums, nesting and balance hold for all of them.

use std::collections::BTreeMap;
use std::path::Path;

use perf_history::{
    BuildStats, History, Interval, PhaseStats, Timeline, TimelineThread, Unattributed,
};
use proptest::prelude::*;
use serde_json::Value;

use super::export;

/// A phase of a tree in the making: how far it is below the one before it, and its self times in
/// microseconds, on the build thread and on others.
type Made = (usize, u32, u32);

fn builds() -> impl Strategy<Value = BuildStats> {
    let phases = prop::collection::vec((0..4_usize, 0..50_000_u32, 0..50_000_u32), 0..40);
    (phases, 0..10_000_u32).prop_map(|(made, rest)| build(&made, rest))
}

/// The build whose phases are these, with totals and bytes that go with their self times.
fn build(made: &[Made], rest: u32) -> BuildStats {
    let ms = |us: u32| f64::from(us) / 1_000.0;
    let mut phases: Vec<PhaseStats> = Vec::new();
    let mut above: Vec<usize> = Vec::new();
    for (place, &(up, own, other)) in made.iter().enumerate() {
        above.truncate(above.len().saturating_sub(up));
        let path = match above.last() {
            Some(&parent) => format!("{}/p{place}", phases[parent].path),
            None => format!("p{place}"),
        };
        for &outer in &above {
            phases[outer].total_ms += ms(own + other);
            let time = phases[outer].build_thread_ms;
            phases[outer].build_thread_ms = time.map(|time| time + ms(own));
        }
        phases.push({
            let mut phase = PhaseStats::new(path);
            phase.calls = 1;
            phase.self_ms = ms(own + other);
            phase.total_ms = ms(own + other);
            phase.build_thread_self_ms = Some(ms(own));
            phase.build_thread_ms = Some(ms(own));
            phase.self_alloc_bytes = Some(u64::from(other) * 3);
            phase
        });
        above.push(place);
    }
    let own: u32 = made.iter().map(|(_, own, _)| own).sum();
    let mut stats = BuildStats::default();
    stats.build_id = "random".into();
    stats.timestamp = "2026-11-23T20:28:27.500Z".into();
    stats.tool = "random".into();
    stats.build_time_ms = ms(own + rest);
    stats.alloc_count = Some(1);
    let mut unattributed = Unattributed::default();
    unattributed.build_thread_ms = ms(rest);
    stats.unattributed = Some(unattributed);
    stats.phases = phases;
    stats
}

/// Intervals in microseconds, which overlap as they like.
fn threads() -> impl Strategy<Value = Vec<TimelineThread>> {
    let interval = (0..5_u32, 0..200_u64, 0..60_u64).prop_map(|(path, start, duration)| {
        Interval::new(path, start * 1_000 + 1, duration * 1_000)
    });
    let thread = (any::<bool>(), prop::collection::vec(interval, 0..60))
        .prop_map(|(own, intervals)| TimelineThread::new(own, intervals));
    prop::collection::vec(thread, 0..4)
}

fn saved(stats: &BuildStats) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    History::open(dir.path()).append(stats).unwrap();
    dir
}

fn json(dir: &Path, format: &str) -> Value {
    serde_json::from_str(&export(dir, &[format]).0).expect("it is JSON")
}

/// A slice: its lane, its path, its start and its end in nanoseconds, and what it is within.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slice {
    lane: u64,
    path: String,
    start: u64,
    end: u64,
    within: Option<String>,
}

/// The slices of a trace, whose events are checked to be in order and to end what began last.
fn slices(trace: &Value) -> Vec<Slice> {
    let mut open: BTreeMap<u64, Vec<Slice>> = BTreeMap::new();
    let mut moments: BTreeMap<u64, u64> = BTreeMap::new();
    let mut ended = Vec::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        let lane = event["tid"].as_u64().unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let at = (event["ts"].as_f64().unwrap_or(0.0) * 1e3).round() as u64;
        if event["ph"] != "M" {
            let before = moments.insert(lane, at);
            assert!(before.is_none_or(|before| before <= at), "{before:?} {event}");
        }
        let stack = open.entry(lane).or_default();
        match event["ph"].as_str().unwrap() {
            "B" => {
                let path = event["cat"].as_str().unwrap().to_owned();
                assert_eq!(event["name"], path.rsplit('/').next().unwrap());
                let within = stack.last().map(|above| above.path.clone());
                stack.push(Slice { lane, path, start: at, end: 0, within });
            }
            "E" => {
                let mut slice = stack.pop().expect("what ends has begun");
                assert_eq!(event["name"], slice.path.rsplit('/').next().unwrap());
                slice.end = at;
                let above = stack.last().map(|above| above.start);
                assert!(above.is_none_or(|start| start <= slice.start));
                ended.push(slice);
            }
            other => assert_eq!(other, "M"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "what has begun ends: {open:?}");
    ended
}

/// Goes through the events of speedscope's profiles in the same manner, and counts them.
fn assert_balanced(file: &Value) -> usize {
    let mut events = 0;
    for profile in file["profiles"].as_array().unwrap() {
        let end = profile["endValue"].as_u64().unwrap();
        let Some(of_profile) = profile["events"].as_array() else {
            let weights = profile["weights"].as_array().unwrap();
            assert_eq!(weights.iter().map(|weight| weight.as_u64().unwrap()).sum::<u64>(), end);
            assert_eq!(profile["samples"].as_array().unwrap().len(), weights.len());
            continue;
        };
        let (mut stack, mut last) = (Vec::new(), 0);
        for event in of_profile {
            let at = event["at"].as_u64().unwrap();
            assert!(last <= at && at <= end);
            last = at;
            if event["type"] == "O" {
                stack.push(&event["frame"]);
            } else {
                assert_eq!(stack.pop(), Some(&event["frame"]));
            }
            events += 1;
        }
        assert!(stack.is_empty());
    }
    events
}

fn nanoseconds(ms: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let ns = (ms * 1e6).round() as u64;
    ns
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 64,
        ..ProptestConfig::default()
    })]

    #[test]
    fn folded_stacks_are_the_self_times_of_the_record(stats in builds()) {
        let dir = saved(&stats);
        for (value, of) in [
            ("time", (|phase| nanoseconds(phase.self_ms)) as fn(&PhaseStats) -> u64),
            ("build-thread", |phase| nanoseconds(phase.build_thread_self_ms.unwrap())),
            ("alloc", |phase| phase.self_alloc_bytes.unwrap()),
        ] {
            let (folded, _) = export(dir.path(), &["folded", "--value", value]);
            let rest = stats.unattributed.as_ref().map_or(0, |rest| match value {
                "alloc" => 0,
                _ => nanoseconds(rest.build_thread_ms),
            });
            let phases = stats.phases.iter().map(|phase| (phase.path.replace('/', ";"), of(phase)));
            let all = phases.chain([("unattributed".to_owned(), rest)]);
            let expected: Vec<String> = all
                .filter(|(_, value)| *value > 0)
                .map(|(stack, value)| format!("{stack} {value}"))
                .collect();
            prop_assert_eq!(folded.lines().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn sums_are_laid_out_so_that_each_phase_is_within_the_one_above_it(stats in builds()) {
        let dir = saved(&stats);
        let slices = slices(&json(dir.path(), "chrome-trace"));
        for slice in &slices {
            let above = slice.path.rsplit_once('/').map(|(above, _)| above);
            prop_assert_eq!(slice.within.as_deref(), above);
        }
        // On the build thread's lane, each phase is as long as its own time.
        let own = slices.iter().map(|slice| slice.lane).min();
        for phase in stats.phases.iter().filter(|phase| phase.build_thread_ms > Some(0.0)) {
            let is_own = |slice: &&Slice| slice.path == phase.path && Some(slice.lane) == own;
            let slice = slices.iter().find(is_own).expect("the phase has a slice");
            prop_assert_eq!(slice.end - slice.start, nanoseconds(phase.build_thread_ms.unwrap()));
        }
        assert_balanced(&json(dir.path(), "speedscope"));
    }

    #[test]
    fn every_call_of_a_timeline_is_there_once_in_lanes_that_nest(threads in threads()) {
        let dir = saved(&build(&[(0, 900, 0)], 100));
        let names = ["a", "a/b", "a/b/c", "d", "d/e"];
        let mut expected: Vec<(&str, u64, u64)> = threads
            .iter()
            .flat_map(|thread| &thread.intervals)
            .map(|interval| (names[interval.path as usize], interval.start_ns, interval.end_ns()))
            .collect();
        let mut timeline = Timeline::default();
        timeline.build_id = "random".into();
        timeline.tool = "random".into();
        timeline.build_time_ns = 1_000_000;
        timeline.paths = names.map(str::to_owned).to_vec();
        timeline.threads = threads;
        History::open(dir.path()).save_timeline(&timeline).unwrap();
        let (trace, output) = export(dir.path(), &["chrome-trace"]);
        let slices = slices(&serde_json::from_str(&trace).unwrap());
        let mut found: Vec<(&str, u64, u64)> =
            slices.iter().map(|slice| (slice.path.as_str(), slice.start, slice.end)).collect();
        let events = assert_balanced(&json(dir.path(), "speedscope"));
        prop_assert_eq!(events, 2 * found.len());
        // More overlap than any lanes take is left out, and told.
        if output.contains("did not fit") {
            prop_assert!(found.len() < expected.len());
        } else {
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
