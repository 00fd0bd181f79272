//! Builds for tests of the timeline.

use std::thread;

use perf_runtime::{PerformanceCollector, enter, in_current_phase, tracked_phase};

#[tracked_phase("outer")]
fn outer() {
    inner();
    inner();
    thread::scope(|scope| {
        scope.spawn(in_current_phase!(|| {
            inner();
            inner();
        }));
    });
}

#[tracked_phase("inner")]
fn inner() {
    drop(std::hint::black_box(vec![0_u8; 10]));
}

fn build(collector: &mut PerformanceCollector, work: impl FnOnce()) {
    collector.start_build();
    work();
    let stats = collector.end_build();
    collector.try_save(&stats).expect("the record is saved");
}

pub(crate) fn main() {
    let mut collector = PerformanceCollector::from_env("timed", "1");
    match std::env::args().nth(2).as_deref() {
        Some("calls") => build(&mut collector, outer),
        Some("left-open") => build(&mut collector, || std::mem::forget(enter("open"))),
        Some("beyond-the-bound") => build(&mut collector, || {
            for _ in 0..(1 << 20) + 1_000 {
                inner();
            }
        }),
        Some("twice") => {
            build(&mut collector, inner);
            build(&mut collector, || {
                inner();
                inner();
            });
        }
        other => panic!("there is no {other:?}"),
    }
}
