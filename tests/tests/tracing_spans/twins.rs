//! An instrumented program has the record of the same program annotated.

use super::futures::on_one_thread;
use super::{allocate, counts, measure, paths, phase_of, yield_now};
use perf_runtime::{BuildStats, PhaseStats, tracked_phase};
use tracing::instrument;

/// The same programs twice: with `#[tracked_phase]` and with `#[instrument]`.
macro_rules! twins {
    ($($module:ident: $attribute:meta;)*) => {$(
        mod $module {
            use super::*;

            #[$attribute]
            fn load() -> Vec<u8> {
                vec![0; 1_000]
            }

            #[$attribute]
            fn markdown(bytes: usize) {
                allocate(bytes);
            }

            #[$attribute]
            fn nest(depth: usize) {
                allocate(10);
                if depth > 0 {
                    nest(depth - 1);
                }
                markdown(5);
            }

            #[$attribute]
            fn render(pages: usize) {
                let site = load();
                for page in 0..pages {
                    markdown(100 * page);
                }
                allocate(77);
                drop(site);
                nest(3);
            }

            pub(super) fn build() {
                drop(load());
                render(3);
                render(2);
            }

            #[$attribute]
            pub(super) async fn fetch(turns: usize) -> Vec<u8> {
                for turn in 0..turns {
                    allocate(turn);
                    yield_now(1).await;
                }
                parse();
                vec![0; 300]
            }

            #[$attribute]
            pub(super) fn parse() {
                allocate(64);
            }
        }
    )*};
}

twins! {
    annotated: tracked_phase;
    instrumented: instrument(skip_all);
}

#[tracked_phase("all")]
async fn annotated_futures() {
    use perf_runtime::InCurrentPhase as _;

    drop(annotated::fetch(0).await);
    let (one, other) = tokio::join!(annotated::fetch(2), annotated::fetch(5));
    drop((one, other));
    // Spawned from here, so that it is below.
    tokio::spawn(annotated::fetch(3).in_current_phase()).await.unwrap();
}

#[instrument(name = "all")]
async fn instrumented_futures() {
    use tracing::{Instrument as _, info_span};

    drop(instrumented::fetch(0).await);
    let (one, other) = tokio::join!(instrumented::fetch(2), instrumented::fetch(5));
    drop((one, other));
    let task = async {
        for turn in 0..3 {
            allocate(turn);
            yield_now(1).await;
        }
        instrumented::parse();
        vec![0_u8; 300]
    };
    tokio::spawn(task.instrument(info_span!("fetch"))).await.unwrap();
}

/// A phase with all times set to 0, and without its place in the source.
fn without_time(phase: &PhaseStats) -> PhaseStats {
    let mut phase = phase.clone();
    let times =
        [&mut phase.total_ms, &mut phase.self_ms, &mut phase.elapsed_ms, &mut phase.started_ms];
    let optional = [
        &mut phase.build_thread_ms,
        &mut phase.build_thread_self_ms,
        &mut phase.latency_ms,
        &mut phase.min_ms,
        &mut phase.p50_ms,
        &mut phase.p95_ms,
        &mut phase.p99_ms,
        &mut phase.max_ms,
    ];
    for time in times.into_iter().chain(optional.into_iter().flatten()) {
        *time = 0.0;
    }
    // A span does not record its place in the source.
    (phase.file, phase.line) = (None, None);
    phase.rss_delta_mb = None;
    phase.process_peak_bytes = None;
    phase
}

#[test]
fn an_instrumented_program_has_the_phases_of_its_annotated_twin_to_the_byte() {
    let annotated = measure(annotated::build);
    // What the registry allocates when it is first used is the tool's own.
    measure(instrumented::build);
    let instrumented = measure(instrumented::build);
    assert_eq!(
        paths(&annotated),
        ["load", "render", "render/load", "render/markdown", "render/nest", "render/nest/markdown"]
    );
    let all = |stats: &BuildStats| stats.phases.iter().map(without_time).collect::<Vec<_>>();
    assert_eq!(all(&instrumented), all(&annotated));
    assert_eq!(counts(phase_of(&instrumented, "render/nest")), [8, 0, 0, 0, 0]);
}

#[test]
fn an_instrumented_async_program_has_the_phases_of_its_annotated_twin() {
    let measure_twice = |work: &dyn Fn()| {
        measure(work);
        measure(work)
    };
    let annotated = measure_twice(&|| on_one_thread().block_on(annotated_futures()));
    let instrumented = measure_twice(&|| on_one_thread().block_on(instrumented_futures()));
    assert_eq!(paths(&annotated), ["all", "all/fetch", "all/fetch/parse"]);
    assert_eq!(counts(phase_of(&annotated, "all/fetch")), [4, 14, 0, 0, 0]);
    // The sizes of the tasks differ, and so does the memory of "all".
    let all = |stats: &BuildStats| {
        let leaves = stats.phases.iter().skip(1).map(without_time).collect::<Vec<_>>();
        (counts(phase_of(stats, "all")), leaves)
    };
    assert_eq!(all(&instrumented), all(&annotated));
}
