//! Work that a build shares among threads, as its record tells it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::workbench::{Built, Workbench};

/// Every phase that is handed to other threads, and the one that hands it over.
const HANDED_OFF: [(&str, &str); 5] = [
    ("load", "load/read-file"),
    ("assets", "assets/asset"),
    ("parse", "parse/document"),
    ("render", "render/page"),
    ("write", "write/write-file"),
];

/// A build with enough work for several threads.
fn build_on(threads: u64) -> Built {
    let bench = Workbench::with_fixture();
    for number in 0..60 {
        let text = "# Page\n\nText with a [link](../notes.md).\n\n```rust\nfn main() {}\n```\n";
        bench.write(&format!("more/page-{number}.md"), text);
        bench.write(&format!("more/asset-{number}.txt"), "an asset");
    }
    bench.build_with(&[], |command| {
        command.env("RAYON_NUM_THREADS", threads.to_string());
    })
}

/// The phases of a record by their paths.
fn phases(record: &Value) -> BTreeMap<&str, &Value> {
    let phases = record["phases"].as_array().unwrap();
    phases.iter().map(|phase| (phase["path"].as_str().unwrap(), phase)).collect()
}

/// A counter of a phase; one that is 0 is not in the record.
fn counter(phase: &Value, field: &str) -> u64 {
    phase.get(field).map_or(0, |value| value.as_u64().unwrap())
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

#[test]
fn what_other_threads_do_is_in_the_phase_that_gave_it_to_them() {
    for threads in [1, 2, 4] {
        let record = build_on(threads).record;
        let phases = phases(&record);
        for (from, path) in HANDED_OFF {
            let (from, to) = (phases[from], phases[path]);
            for field in ["alloc_bytes", "alloc_count", "freed_bytes"] {
                assert!(counter(from, field) >= counter(to, field), "{field} of {path}");
            }
            assert_eq!(counter(from, "calls"), 1, "{path}");
        }
        assert!(counter(phases["render/page"], "alloc_bytes") > 100_000, "{record}");
        for path in phases.keys().filter(|path| parent(path).is_none()) {
            assert!(phases[path]["build_thread_ms"].is_f64(), "{path} was handed off by nobody");
        }
    }
}

#[test]
fn each_allocation_is_in_one_phase_on_any_number_of_threads() {
    for threads in [1, 2, 4] {
        let record = build_on(threads).record;
        let phases = phases(&record);
        for (all, own) in [("alloc_bytes", "self_alloc_bytes"), ("alloc_count", "self_alloc_count")]
        {
            let selves: u64 = phases.values().map(|phase| counter(phase, own)).sum();
            let rest = counter(&record["unattributed"], all);
            assert_eq!(selves + rest, counter(&record, all), "{threads} threads");
            for (path, phase) in &phases {
                let below = phases.iter().filter(|(other, _)| parent(other) == Some(path));
                let below: u64 = below.map(|(_, phase)| counter(phase, all)).sum();
                assert_eq!(counter(phase, own) + below, counter(phase, all), "{all} of {path}");
            }
        }
    }
}

#[test]
fn times_and_threads_say_how_parallel_a_phase_was() {
    // What is rounded when it is written down.
    const ROUNDING_MS: f64 = 0.01;
    for threads in [1, 2, 4] {
        let record = build_on(threads).record;
        let whole = record["build_time_ms"].as_f64().unwrap();
        assert_eq!(record["parallel"], threads > 1);
        for (path, phase) in phases(&record) {
            let time = |field: &str| phase[field].as_f64().unwrap_or(0.0);
            let took_part = counter(phase, "threads");
            assert!((1..=threads).contains(&took_part), "{path} on {took_part} of {threads}");
            assert!(time("build_thread_ms") <= time("total_ms") + ROUNDING_MS, "{phase}");
            assert!(time("build_thread_ms") <= time("elapsed_ms") + ROUNDING_MS, "{phase}");
            assert!(time("elapsed_ms") <= whole + ROUNDING_MS, "{phase}");
            #[expect(clippy::cast_precision_loss, reason = "at most 4")]
            let most = time("elapsed_ms") * took_part as f64;
            assert!(time("total_ms") <= most + ROUNDING_MS, "{phase}");
            if threads == 1 {
                assert!(
                    (time("build_thread_ms") - time("total_ms")).abs() <= ROUNDING_MS,
                    "{phase}"
                );
            }
        }
    }
}

#[test]
fn the_tree_is_the_same_on_any_number_of_threads() {
    let tree = |threads| {
        let record = build_on(threads).record;
        let tree = phases(&record).into_iter().map(|(path, phase)| {
            (path.to_owned(), counter(phase, "calls"), counter(phase, "items"))
        });
        tree.collect::<Vec<_>>()
    };
    let alone = tree(1);
    assert!(alone.iter().any(|(path, calls, _)| path == "render/page/html" && *calls > 60));
    assert_eq!(tree(2), alone);
    assert_eq!(tree(4), alone);
}

#[test]
fn the_summary_shows_how_parallel_the_largest_phase_was() {
    let built = build_on(2);
    let phases = phases(&built.record);
    let own = |phase: &Value| phase["build_thread_ms"].as_f64().unwrap();
    let roots = phases.iter().filter(|(path, _)| parent(path).is_none());
    let (name, largest) = roots.max_by(|a, b| own(a.1).total_cmp(&own(b.1))).unwrap();
    let mut lines = built.output.lines();
    let row = lines.find(|line| line.starts_with(name)).unwrap();
    let is_parallel = counter(largest, "threads") > 1;
    assert_eq!(row.contains(" of 2 "), is_parallel, "{row}\n{largest}");
    assert!(row.contains('█'), "{row}");
    assert!(!built.output.contains("on worker threads"), "{}", built.output);
}
