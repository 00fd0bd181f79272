//! Every format over fixed histories, with and without a timeline.

use perf_cli::ExitStatus;

use crate::in_process::{data, run};
use crate::snapshot::assert_snapshot;
use crate::snapshots::NARROW;

fn assert_export(name: &str, history: &str, words: &[&str]) {
    let words: Vec<&str> = ["export"].iter().chain(words).copied().collect();
    assert_snapshot(&format!("export-{name}"), &run(&data(history), &words, NARROW));
}

#[test]
fn traces_show_sums_laid_out_where_there_is_no_timeline() {
    assert_export("chrome-trace-sums", "site", &["chrome-trace", "-4"]);
    assert_export("speedscope-sums", "site", &["speedscope", "-4"]);
    assert_export("chrome-trace-python-model", "python-model", &["chrome-trace"]);
}

#[test]
fn traces_show_each_call_where_there_is_a_timeline() {
    assert_export("chrome-trace-timeline", "traced", &["chrome-trace"]);
    assert_export("speedscope-timeline", "traced", &["speedscope"]);
}

#[test]
fn a_missing_timeline_is_reported() {
    let output = run(&data("site"), &["export", "speedscope", "-2"], NARROW);
    assert_eq!(
        output.err,
        "note: the build's timeline does not exist; the phases' sums are laid out instead\n"
    );
}

#[test]
fn stacks_have_time_or_memory_of_each_phase_itself() {
    assert_export("folded", "site", &["folded", "-2"]);
    assert_export("folded-build-thread", "site", &["folded", "-2", "--value", "build-thread"]);
    assert_export("folded-alloc", "site", &["folded", "-2", "--value", "alloc"]);
    assert_export("folded-alloc-count", "site", &["folded", "-2", "--value", "alloc-count"]);
    assert_export("folded-alloc-places", "sampled", &["folded", "--value", "alloc-places"]);
    assert_export("folded-retained", "sampled", &["folded", "--value", "retained"]);
    assert_export("flamegraph", "traced", &["flamegraph"]);
}

#[test]
fn spreadsheets_have_a_row_for_each_phase_of_each_build() {
    assert_export("csv", "site", &["csv"]);
    assert_export("csv-several", "traced", &["csv", "-1", "01a2f001", "latest"]);
}

#[test]
fn gauges_are_in_seconds_and_bytes() {
    assert_export("prometheus", "site", &["prometheus", "-2"]);
    assert_export("prometheus-python-model", "python-model", &["prometheus"]);
}

#[test]
fn a_set_is_exported_completely_and_last_limits_the_newest() {
    let rows = |words: &[&str]| {
        let words: Vec<&str> = ["export", "csv"].iter().chain(words).copied().collect();
        let output = run(&data("site"), &words, NARROW);
        let mut reader = csv::Reader::from_reader(output.out.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let mut ids: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
        ids.dedup();
        ids
    };
    assert_eq!(rows(&["label:before"]).len(), 3);
    let newest = rows(&["--last", "4", "--mode", "full"]);
    assert_eq!(newest.len(), 4);
    assert_eq!(newest, rows(&["-1", "-2", "-3", "-4", "--mode", "full"]));
}

#[test]
fn contradicting_options_are_a_usage_error() {
    for format in ["json", "csv", "markdown"] {
        let output = run(&data("site"), &["export", "folded", "--format", format], NARROW);
        assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Usage, ""));
        assert!(output.err.contains("--format does not apply to exports"), "{}", output.err);
    }
    let output = run(&data("site"), &["export", "folded", "nosuchbuild"], NARROW);
    assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Usage, ""));
}

#[test]
fn a_value_that_was_not_recorded_is_reported() {
    for format in ["folded", "flamegraph"] {
        let words = ["export", format, "--value", "alloc"];
        let output = run(&data("python-model"), &words, NARROW);
        assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Success, ""));
        assert_eq!(
            output.err,
            "the build bengal 2026-11-23T07:57:18.906949 has no allocated bytes: the tracking \
             allocator is not in the program\n"
        );
        let words = [&words[..], &["--strict"]].concat();
        assert_eq!(run(&data("python-model"), &words, NARROW).exit, ExitStatus::InsufficientData);
    }
}
