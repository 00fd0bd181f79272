//! What other programs are given: by snapshots, against their readers, over random builds, and out
//! of hostile histories.

mod hostile;
mod random;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use inferno::differential;
use perf_cli::ExitStatus;
use roxmltree::{Document, ParsingOptions};

use crate::in_process::{data, run};
use crate::snapshot::assert_snapshot;
use crate::snapshots::NARROW;

/// What `export` writes of a history, and what it says beside.
#[track_caller]
fn export(dir: &Path, words: &[&str]) -> (String, String) {
    let words: Vec<&str> = ["export"].iter().chain(words).copied().collect();
    let output = run(dir, &words, NARROW);
    assert_eq!(output.exit, ExitStatus::Success, "{words:?}: {}", output.err);
    (output.out, output.err)
}

fn to(file: &Path, build: &str) {
    let words = ["prometheus", build, "--output", file.to_str().unwrap()];
    assert_eq!(export(&data("site"), &words), (String::new(), String::new()));
}

#[test]
fn a_file_is_what_would_have_been_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("site.prom");
    for build in ["-1", "-2"] {
        to(&file, build);
        let printed = export(&data("site"), &["prometheus", build]).0;
        assert_eq!(fs::read_to_string(&file).unwrap(), printed);
        assert_eq!(export(&data("site"), &["prometheus", build, "-o", "-"]).0, printed);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_reader_never_sees_half_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("site.prom");
    to(&file, "-1");
    let whole = ["-1", "-2"].map(|build| export(&data("site"), &["prometheus", build]).0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0_u64;
            while !is_over.load(Ordering::Relaxed) || seen == 0 {
                let text = fs::read_to_string(&file).expect("it is always there");
                assert!(whole.contains(&text), "{} bytes", text.len());
                seen += 1;
            }
        });
        for _ in 0..10 {
            to(&file, "-2");
            to(&file, "-1");
        }
        is_over.store(true, Ordering::Relaxed);
        reader.join().expect("the reader saw whole files alone");
    });
}

#[test]
fn an_unwritable_file_is_named_and_the_old_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing/site.prom");
    let directory = dir.path().to_owned();
    for target in [&missing, &directory] {
        let words = ["export", "folded", "-o", target.to_str().unwrap()];
        let output = run(&data("site"), &words, NARROW);
        assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Error, ""));
        let expected = format!("error: cannot write {}: ", target.display());
        assert!(output.err.starts_with(&expected), "{}", output.err);
    }
    // Nothing is replaced by what has nothing in it.
    let file = dir.path().join("site.svg");
    fs::write(&file, "before").unwrap();
    let words = ["export", "flamegraph", "--value", "alloc", "-o", file.to_str().unwrap()];
    assert_eq!(run(&data("python-model"), &words, NARROW).exit, ExitStatus::Success);
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_and_a_link_its_place() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("site.prom"), dir.path().join("link.prom"));
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    to(&file, "-1");
    let of_any_file = dir.path().join("any");
    fs::write(&of_any_file, "").unwrap();
    assert_eq!(mode(&file), mode(&of_any_file), "others may read it, as the mask allows");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("site.prom", &link).unwrap();
    to(&link, "-2");
    assert_eq!(mode(&file), 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), export(&data("site"), &["prometheus", "-2"]).0);
}

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
        output.assert_err_contains("--format does not apply to exports");
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

/// A flame graph's frames: the title of each, such as `html (1,200 µs, 30.00%)`.
fn frames(picture: &str) -> Vec<String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(picture, options).expect("the picture is XML");
    let titles = document.descendants().filter(|node| node.has_tag_name("title"));
    titles.filter_map(|node| node.text()).map(str::to_owned).collect()
}

/// What inferno draws of folded stacks.
fn drawn(folded: &str) -> String {
    let mut options = inferno::flamegraph::Options::default();
    let mut picture = Vec::new();
    inferno::flamegraph::from_lines(&mut options, folded.lines(), &mut picture).unwrap();
    String::from_utf8(picture).unwrap()
}

#[test]
fn inferno_draws_the_folded_stacks_with_their_sums() {
    let (folded, _) = export(&data("traced"), &["folded", "--value", "build-thread"]);
    let frames = frames(&drawn(&folded));
    for expected in [
        "all (60,000,000 samples, 100%)",
        "load (9,000,250 samples, 15.00%)",
        "render (40,000,000 samples, 66.67%)",
        "page (38,000,000 samples, 63.33%)",
        "html (32,000,001 samples, 53.33%)",
        "unattributed (4,999,750 samples, 8.33%)",
    ] {
        assert!(frames.iter().any(|frame| frame == expected), "{expected}: {frames:?}");
    }
    assert_eq!(frames.len(), 7);
}

#[test]
fn inferno_compares_the_stacks_of_two_builds() {
    let folded = |build| export(&data("site"), &["folded", build, "--value", "alloc"]).0;
    let files = [folded("-1"), folded("-2")].map(|text| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    });
    let mut both = Vec::new();
    let [before, after] = files.each_ref().map(tempfile::NamedTempFile::path);
    differential::from_files(differential::Options::default(), before, after, &mut both).unwrap();
    let both = String::from_utf8(both).unwrap();
    let stack = |text: &str, stack: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(stack)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    for name in ["load", "page;html", "unattributed"] {
        let expected =
            format!("{name} {} {}", stack(&folded("-1"), name), stack(&folded("-2"), name));
        assert!(both.lines().any(|line| line == expected), "{expected}:\n{both}");
    }
}

#[test]
fn a_flame_graph_is_drawn_in_the_order_of_the_tree_with_times_in_microseconds() {
    let (picture, _) = export(&data("traced"), &["flamegraph", "--value", "build-thread"]);
    let frames = frames(&picture);
    let place = |expected: &str| {
        let place = frames.iter().position(|frame| frame == expected);
        place.unwrap_or_else(|| panic!("{expected}: {frames:?}"))
    };
    let load = place("load (9,000 µs, 15.00%)");
    let render = place("render (40,000 µs, 66.67%)");
    let rest = place("unattributed (5,000 µs, 8.33%)");
    assert!(load < render && render < rest, "{frames:?}");
    assert!(picture.contains("static-site: build thread, sums of self time"));
}
