//! Parallel phases: what other threads do is recorded in the phase that they work for.

use std::fs;
use std::sync::LazyLock;

use serde_json::Value;

use crate::sandbox::{Built, Sandbox};

/// Each phase that runs on other threads, and the phase that starts it.
const HANDED_OFF: [(&str, &str); 5] = [
    ("load", "load/read-file"),
    ("assets", "assets/asset"),
    ("parse", "parse/document"),
    ("render", "render/page"),
    ("write", "write/write-file"),
];

/// A build with enough work for several threads, on each of these numbers of threads.
static BUILDS: LazyLock<[(u64, Built); 3]> = LazyLock::new(|| {
    let sandbox = Sandbox::with_fixture();
    for number in 0..60 {
        let text = "# Page\n\nText with a [link](../notes.md).\n\n```rust\nfn main() {}\n```\n";
        sandbox.write(&format!("more/page-{number}.md"), text);
        sandbox.write(&format!("more/asset-{number}.txt"), "an asset");
    }
    [1, 2, 4].map(|threads| {
        let _ = fs::remove_dir_all(sandbox.path("site"));
        (threads, sandbox.build_on(threads, &[]))
    })
});

/// A counter of a phase; the record leaves out those that are 0.
fn counter(phase: &Value, field: &str) -> u64 {
    phase.get(field).map_or(0, |value| value.as_u64().unwrap())
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

#[test]
fn memory_of_other_threads_is_counted_in_the_phase_that_they_work_for() {
    for (_, built) in &*BUILDS {
        let phases = built.phases();
        for (from, path) in HANDED_OFF {
            let (from, to) = (phases[from], phases[path]);
            for field in ["alloc_bytes", "alloc_count", "freed_bytes"] {
                assert!(counter(from, field) >= counter(to, field), "{field} of {path}");
            }
            assert_eq!(counter(from, "calls"), 1, "{path}");
        }
        assert!(counter(phases["render/page"], "alloc_bytes") > 100_000, "{}", built.record);
        for (path, phase) in phases.iter().filter(|(path, _)| parent(path).is_none()) {
            assert!(phase["build_thread_ms"].is_f64(), "{path} did not start on the build thread");
        }
    }
}

#[test]
fn each_allocation_is_in_one_phase_on_any_number_of_threads() {
    for (threads, built) in &*BUILDS {
        let phases = built.phases();
        for (all, own) in [("alloc_bytes", "self_alloc_bytes"), ("alloc_count", "self_alloc_count")]
        {
            let selves: u64 = phases.values().map(|phase| counter(phase, own)).sum();
            let rest = counter(&built.record["unattributed"], all);
            assert_eq!(selves + rest, built.number(all), "{threads} threads");
            for (path, phase) in &phases {
                let below = phases.iter().filter(|(other, _)| parent(other) == Some(path));
                let below: u64 = below.map(|(_, phase)| counter(phase, all)).sum();
                assert_eq!(counter(phase, own) + below, counter(phase, all), "{all} of {path}");
            }
        }
    }
}

#[test]
fn times_and_threads_show_how_parallel_a_phase_was() {
    // The record rounds times.
    const ROUNDING_MS: f64 = 0.01;
    for (threads, built) in &*BUILDS {
        let whole = built.record["build_time_ms"].as_f64().unwrap();
        assert_eq!(built.record["parallel"], *threads > 1);
        for (path, phase) in built.phases() {
            let time = |field: &str| phase[field].as_f64().unwrap_or(0.0);
            let used = counter(phase, "threads");
            assert!((1..=*threads).contains(&used), "{path} on {used} of {threads}");
            #[expect(clippy::cast_precision_loss, reason = "at most 4")]
            let most = time("elapsed_ms") * used as f64;
            for (smaller, larger) in [
                (time("build_thread_ms"), time("total_ms")),
                (time("build_thread_ms"), time("elapsed_ms")),
                (time("elapsed_ms"), whole),
                (time("total_ms"), most),
            ] {
                assert!(smaller <= larger + ROUNDING_MS, "{phase}");
            }
            if *threads == 1 {
                let difference = time("build_thread_ms") - time("total_ms");
                assert!(difference.abs() <= ROUNDING_MS, "{phase}");
            }
        }
    }
}

#[test]
fn the_tree_is_the_same_on_any_number_of_threads() {
    let trees = BUILDS.each_ref().map(|(_, built)| {
        let row = |(path, phase)| (path, counter(phase, "calls"), counter(phase, "items"));
        built.phases().into_iter().map(row).collect::<Vec<_>>()
    });
    assert!(trees[0].iter().any(|(path, calls, _)| *path == "render/page/html" && *calls > 60));
    assert_eq!(trees[1], trees[0]);
    assert_eq!(trees[2], trees[0]);
}

#[test]
fn the_summary_shows_how_parallel_the_longest_phase_was() {
    let built = &BUILDS[1].1;
    let time = |phase: &Value| phase["build_thread_ms"].as_f64().unwrap();
    let roots = built.phases().into_iter().filter(|(path, _)| parent(path).is_none());
    let (name, longest) = roots.max_by(|a, b| time(a.1).total_cmp(&time(b.1))).unwrap();
    let row = built.output.lines().find(|line| line.starts_with(name)).unwrap();
    let is_parallel = counter(longest, "threads") > 1;
    assert_eq!(row.contains(" of 2 "), is_parallel, "{row}\n{longest}");
    assert!(row.contains('█'), "{row}");
}
