//! An instrumented program has the record of the same program annotated.

use super::futures::{on_one_thread, yield_now};
use super::{allocate, counts, measure};
use contract_tests::one_build::{paths, phase_of};
use perf_runtime::{BuildStats, PhaseStats, tracked_phase};
use tracing::instrument;

mod annotated {
    use super::{allocate, tracked_phase};

    #[tracked_phase("load")]
    fn load() -> Vec<u8> {
        vec![0; 1_000]
    }

    #[tracked_phase("markdown")]
    fn markdown(bytes: usize) {
        allocate(bytes);
    }

    #[tracked_phase("nest")]
    fn nest(depth: usize) {
        allocate(10);
        if depth > 0 {
            nest(depth - 1);
        }
        markdown(5);
    }

    #[tracked_phase("render")]
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
}

mod instrumented {
    use super::{allocate, instrument};

    #[instrument]
    fn load() -> Vec<u8> {
        vec![0; 1_000]
    }

    #[instrument(skip_all)]
    fn markdown(bytes: usize) {
        allocate(bytes);
    }

    #[instrument]
    fn nest(depth: usize) {
        allocate(10);
        if depth > 0 {
            nest(depth - 1);
        }
        markdown(5);
    }

    #[instrument]
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
}

/// All that is not time.
fn without_time(phase: &PhaseStats) -> PhaseStats {
    let mut new_phase = phase.clone();
    new_phase.total_ms = 0.0;
    new_phase.self_ms = 0.0;
    new_phase.build_thread_ms = phase.build_thread_ms.map(|_| 0.0);
    new_phase.build_thread_self_ms = phase.build_thread_self_ms.map(|_| 0.0);
    new_phase.elapsed_ms = 0.0;
    new_phase.started_ms = 0.0;
    new_phase.latency_ms = phase.latency_ms.map(|_| 0.0);
    new_phase.min_ms = phase.min_ms.map(|_| 0.0);
    new_phase.p50_ms = phase.p50_ms.map(|_| 0.0);
    new_phase.p95_ms = phase.p95_ms.map(|_| 0.0);
    new_phase.p99_ms = phase.p99_ms.map(|_| 0.0);
    new_phase.max_ms = phase.max_ms.map(|_| 0.0);
    new_phase.rss_delta_mb = None;
    new_phase.process_peak_bytes = None;
    new_phase
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
    let all = |it: &BuildStats| it.phases.iter().map(without_time).collect::<Vec<_>>();
    assert_eq!(all(&instrumented), all(&annotated));
    assert_eq!(counts(phase_of(&instrumented, "render/nest")), [8, 0, 0, 0, 0]);
}

mod annotated_futures {
    use perf_runtime::{InCurrentPhase as _, tracked_phase};

    use super::{allocate, yield_now};

    #[tracked_phase("fetch")]
    async fn fetch(turns: usize) -> Vec<u8> {
        for turn in 0..turns {
            allocate(turn);
            yield_now().await;
        }
        parse();
        vec![0; 300]
    }

    #[tracked_phase("parse")]
    fn parse() {
        allocate(64);
    }

    #[tracked_phase("all")]
    pub(super) async fn all() {
        drop(fetch(0).await);
        let (one, other) = tokio::join!(fetch(2), fetch(5));
        drop((one, other));
        // Spawned from here, so that it is below.
        tokio::spawn(fetch(3).in_current_phase()).await.unwrap();
    }
}

mod instrumented_futures {
    use tracing::{Instrument as _, info_span, instrument};

    use super::{allocate, yield_now};

    #[instrument]
    async fn fetch(turns: usize) -> Vec<u8> {
        for turn in 0..turns {
            allocate(turn);
            yield_now().await;
        }
        parse();
        vec![0; 300]
    }

    #[instrument]
    fn parse() {
        allocate(64);
    }

    #[instrument]
    pub(super) async fn all() {
        drop(fetch(0).await);
        let (one, other) = tokio::join!(fetch(2), fetch(5));
        drop((one, other));
        let task = async {
            for turn in 0..3 {
                allocate(turn);
                yield_now().await;
            }
            parse();
            vec![0_u8; 300]
        };
        tokio::spawn(task.instrument(info_span!("fetch"))).await.unwrap();
    }
}

#[test]
fn an_instrumented_async_program_has_the_phases_of_its_annotated_twin() {
    let measure_twice = |work: &dyn Fn()| {
        measure(work);
        measure(work)
    };
    let annotated = measure_twice(&|| on_one_thread().block_on(annotated_futures::all()));
    let instrumented = measure_twice(&|| on_one_thread().block_on(instrumented_futures::all()));
    assert_eq!(paths(&annotated), ["all", "all/fetch", "all/fetch/parse"]);
    assert_eq!(counts(phase_of(&annotated, "all/fetch")), [4, 14, 0, 0, 0]);
    // The task is as large as its future, and so not the same.
    let all = |stats: &BuildStats| {
        let leaves = stats.phases.iter().skip(1).map(without_time).collect::<Vec<_>>();
        (counts(phase_of(stats, "all")), leaves)
    };
    assert_eq!(all(&instrumented), all(&annotated));
}
