//! The output of every command in every format, compared with `snapshots/NAME.txt`.

use std::fs;
use std::path::Path;

use perf_cli::ExitStatus;
use tempfile::TempDir;

use crate::histories::{fat, history, pairs, session, sessions, slow};
use crate::in_process::{CommandOutput, Terminal, data, run};
use crate::snapshot::assert_snapshot;

pub(crate) const NARROW: Terminal = Terminal { width: 80, color: false };
const WIDE: Terminal = Terminal { width: 160, color: false };

/// Compares all formats of a command that only reads.
#[track_caller]
fn assert_all_formats(name: &str, history: &str, words: &[&str]) {
    assert_all_formats_in(name, &data(history), words);
}

/// The same for a history in another directory.
#[track_caller]
fn assert_all_formats_in(name: &str, dir: &Path, words: &[&str]) {
    for (width, plain) in [("80", NARROW), ("160", WIDE)] {
        let colored = Terminal { color: true, ..plain };
        assert_snapshot(&format!("{name}.{width}"), &run(dir, words, plain));
        assert_snapshot(&format!("{name}.{width}.color"), &run(dir, words, colored));
    }
    for format in ["json", "csv", "markdown"] {
        let words: Vec<&str> = words.iter().copied().chain(["--format", format]).collect();
        let output = run(dir, &words, NARROW);
        assert_snapshot(&format!("{name}.{format}"), &output);
        let elsewhere = run(dir, &words, Terminal { width: 160, color: true });
        assert_eq!(elsewhere.out, output.out, "{format} depends on the terminal");
    }
}

#[test]
fn the_list_shows_the_newest_builds() {
    assert_all_formats("list", "site", &[]);
}

#[test]
fn the_list_reads_records_of_the_python_model() {
    assert_all_formats("list-python-model", "python-model", &[]);
}

#[test]
fn the_list_shows_the_selected_builds() {
    let words = ["--mode", "full", "--branch", "main", "--since", "2w", "--last", "4"];
    assert_snapshot("list-filtered", &run(&data("site"), &words, NARROW));
}

#[test]
fn the_chart_draws_time_and_memory() {
    assert_all_formats("chart", "site", &["--chart", "--mode", "full"]);
    assert_snapshot("chart-newest-series", &run(&data("site"), &["--chart"], NARROW));
    let words = ["--chart", "--last", "30", "--mode", "full"];
    assert_snapshot("chart-python-model", &run(&data("python-model"), &words, NARROW));
}

#[test]
fn show_prints_where_the_newest_build_spent_time_and_memory() {
    assert_all_formats("show", "site", &["show", "-2"]);
    assert_snapshot("show-python-model", &run(&data("python-model"), &["show"], NARROW));
}

#[test]
fn show_prints_the_phase_of_the_peak_and_the_resident_set() {
    let mut builds = session(1, 1);
    builds[0].memory_peak_mb = Some(90.0);
    builds[0].memory_start_rss_mb = Some(20.5);
    builds[0].memory_rss_mb = Some(110.0);
    builds[0].memory_peak_rss_mb = Some(120.5);
    let dir = history(&builds);
    let output = run(dir.path(), &["show"], WIDE).out;
    let memory = output.lines().find(|line| line.starts_with("memory")).expect("it is shown");
    assert_eq!(
        memory.split_once(' ').expect("facts").1.trim(),
        "90.0 MiB peak heap in render/html · 20.5 MiB RSS at the start · \
         110.0 MiB RSS at the end · 120.5 MiB peak RSS"
    );
}

#[test]
fn show_prints_the_locations_that_allocated_most() {
    assert_all_formats("show-sampled", "sampled", &["show"]);
    assert_all_formats("show-allocators", "sampled", &["show", "--allocators"]);
    assert_snapshot("show-sampled-no-lines", &run(&data("sampled"), &["show", "-2"], NARROW));
    let none = run(&data("site"), &["show", "--allocators"], NARROW);
    assert_eq!(none.out, "");
    assert_eq!(none.err, "the build sampled no allocations (BUILD_METRICS_ALLOCATORS=1 does)\n");
}

#[test]
fn compare_puts_two_sets_side_by_side() {
    assert_all_formats("compare", "site", &["compare", "label:before", "label:after"]);
}

#[test]
fn compare_shows_no_change_between_builds_that_are_not_comparable() {
    let words = ["compare", "-2", "-1"];
    assert_snapshot("compare-modes", &run(&data("site"), &words, NARROW));
    let strict = run(&data("site"), &["compare", "-2", "-1", "--strict"], NARROW);
    assert_eq!(strict.exit, ExitStatus::InsufficientData);
    assert_eq!(strict.out, run(&data("site"), &words, NARROW).out);
}

#[test]
fn doctor_reports_problems_with_advice() {
    assert_all_formats("doctor", "site", &["doctor"]);
    assert_snapshot("doctor-damaged", &run(&data("damaged"), &["doctor"], NARROW));
}

#[test]
fn unreadable_lines_are_reported_once_with_the_command_that_repairs() {
    assert_snapshot("list-damaged", &run(&data("damaged"), &[], NARROW));
    assert_snapshot("show-damaged", &run(&data("damaged"), &["show"], NARROW));
    let json = run(&data("damaged"), &["--format", "json"], NARROW);
    let builds: Vec<serde_json::Value> = serde_json::from_str(&json.out).unwrap();
    assert_eq!(builds.len(), 3);
}

/// A copy of a history that may be written to.
pub(crate) fn copy_of(history: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::copy(data(history).join("history.jsonl"), copy.path().join("history.jsonl")).unwrap();
    copy
}

/// The output of a command that writes, with `DIR` in place of the path of the copy.
fn run_on_copy(copy: &TempDir, words: &[&str]) -> CommandOutput {
    let mut output = run(copy.path(), words, NARROW);
    let place = copy.path().display().to_string();
    output.out = output.out.replace(&place, "DIR");
    output.err = output.err.replace(&place, "DIR");
    output
}

#[test]
fn repair_moves_unreadable_lines_and_keeps_the_records() {
    let copy = copy_of("damaged");
    assert_snapshot("repair", &run_on_copy(&copy, &["repair"]));
    let rejected = fs::read_to_string(copy.path().join("history.rejected.jsonl")).unwrap();
    assert_eq!(rejected.lines().count(), 4);
    assert_eq!(run_on_copy(&copy, &["--format", "csv"]).err, "");
    for format in ["json", "csv", "markdown"] {
        let output = run_on_copy(&copy, &["repair", "--format", format]);
        assert_snapshot(&format!("repair-sound.{format}"), &output);
    }
}

#[test]
fn check_reports_changes_with_size_and_certainty() {
    let mut builds = sessions(1..13, 5);
    let mut candidate = session(13, 5);
    for stats in &mut candidate {
        slow(stats, "render/html", 1.2);
        slow(stats, "write", 0.8);
        fat(stats, "parse", 1.02);
        stats.noise.as_mut().unwrap().load_average = Some(7.0);
    }
    builds.extend(candidate);
    let slower = history(&builds);
    assert_all_formats_in("check", slower.path(), &["check"]);
    let turns = history(&pairs(5, |stats| slow(stats, "render/html", 1.2)));
    assert_snapshot("check-pairs", &run(turns.path(), &["check"], NARROW));
    assert_snapshot("check-suspect", &run(&data("site"), &["check", "--mode", "full"], NARROW));
    assert_snapshot("check-nothing", &run(&data("site"), &["check", "--strict"], NARROW));
    assert_snapshot("check-python-model", &run(&data("python-model"), &["check"], NARROW));
}

#[test]
fn trend_names_the_commits_at_which_a_level_shifted() {
    let mut builds = sessions(1..11, 2);
    let mut slower = sessions(11..23, 2);
    for stats in &mut slower {
        slow(stats, "render/html", 1.3);
    }
    for stats in &mut slower[12..] {
        slow(stats, "write", 0.6);
        fat(stats, "parse", 1.5);
    }
    builds.extend(slower);
    let dir = history(&builds);
    assert_all_formats_in("trend", dir.path(), &["trend"]);
    let words = ["trend", "--phase", "write"];
    assert_snapshot("trend-phase", &run(dir.path(), &words, NARROW));
    let mistyped = run(dir.path(), &["trend", "--phase", "rendr/html"], NARROW);
    assert_eq!(mistyped.exit, ExitStatus::Usage);
    assert!(mistyped.err.ends_with("did you mean \"render/html\"?\n"), "{}", mistyped.err);
    assert_snapshot(
        "trend-python-model",
        &run(&data("python-model"), &["trend", "--mode", "full"], NARROW),
    );
    let accepted = concat!(
        r#"{"build_id":"b0012-01","timestamp":"2026-10-28T09:00:00Z","tool":"site","#,
        r#""commit":"0000000c00000000","reason":"highlights twice as many languages"}"#,
    );
    let file = dir.path().join("accepted.jsonl");
    fs::write(&file, accepted).unwrap();
    assert_all_formats_in("trend-accepted", dir.path(), &["trend"]);
    fs::write(&file, format!("{accepted}\n{{\n")).unwrap();
    let torn = run(dir.path(), &["trend"], NARROW);
    assert!(torn.err.starts_with("note: line 2 of accepted.jsonl cannot be read"), "{}", torn.err);
    let strict = ["trend", "--strict"];
    assert_eq!(run(&data("python-model"), &strict, NARROW).exit, ExitStatus::InsufficientData);
    let same = history(&sessions(1..13, 1));
    let output = run(same.path(), &["trend", "--format", "json"], NARROW);
    let expected = ("[]\n", "no level shifted among 12 sessions\n", ExitStatus::Success);
    assert_eq!((output.out.as_str(), output.err.as_str(), output.exit), expected);
}

#[test]
fn accept_prints_the_first_build_of_the_new_level() {
    let words = ["accept", "label:after", "--reason", "new highlighter"];
    for format in ["table", "json", "csv", "markdown"] {
        let output = run_on_copy(&copy_of("site"), &[&words[..], &["--format", format]].concat());
        assert_snapshot(&format!("accept.{format}"), &output);
    }
}

#[test]
fn prune_keeps_the_newest_or_those_since_a_date() {
    let copy = copy_of("site");
    assert_snapshot("prune-since", &run_on_copy(&copy, &["prune", "--since", "2w"]));
    assert_snapshot("prune-keep", &run_on_copy(&copy, &["prune", "--keep", "3"]));
    for format in ["json", "csv", "markdown"] {
        let output = run_on_copy(&copy, &["prune", "--keep", "3", "--format", format]);
        assert_snapshot(&format!("prune.{format}"), &output);
    }
    let json = run_on_copy(&copy, &["--format", "json"]);
    let builds: Vec<serde_json::Value> = serde_json::from_str(&json.out).unwrap();
    assert_eq!(builds.len(), 3);
    let damaged = copy_of("damaged");
    assert_snapshot("prune-damaged", &run_on_copy(&damaged, &["prune", "--keep", "1"]));
}

#[test]
fn ambiguous_prune_and_repair_commands_change_nothing() {
    let copy = copy_of("site");
    let before = fs::read(copy.path().join("history.jsonl")).unwrap();
    for words in [
        &["prune"][..],
        &["prune", "--keep", "3", "--since", "2w"],
        &["prune", "--keep", "3", "--tool", "static-site"],
        &["prune", "--keep", "3", "--branch", "main"],
        &["prune", "--since", "2w", "--mode", "full"],
        &["repair", "--since", "2w"],
        &["--last", "3", "repair"],
    ] {
        let output = run_on_copy(&copy, words);
        assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Usage, ""), "{words:?}");
        assert!(output.err.starts_with("error: "), "{}", output.err);
    }
    assert_eq!(fs::read(copy.path().join("history.jsonl")).unwrap(), before);
}

#[test]
fn missing_builds_are_an_error_only_with_strict() {
    let empty = tempfile::tempdir().unwrap();
    for words in [&[][..], &["--chart"], &["show"], &["compare", "-2", "-1"], &["show", "-3"]] {
        let output = run(empty.path(), words, NARROW);
        assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Success, ""), "{words:?}");
        assert!(output.err.starts_with("there are no builds"), "{}", output.err);
        let words: Vec<&str> = words.iter().copied().chain(["--strict"]).collect();
        assert_eq!(run(empty.path(), &words, NARROW).exit, ExitStatus::InsufficientData);
    }
    assert_eq!(run(empty.path(), &["--format", "json"], NARROW).out, "[]\n");
    let csv = run(empty.path(), &["--format", "csv"], NARROW).out;
    assert!(csv.starts_with("number,build_id,") && csv.lines().count() == 1, "{csv}");
    let none = run(&data("site"), &["--tool", "other"], NARROW);
    assert!(none.err.starts_with("there are no builds of tool \"other\" in "), "{}", none.err);
}

#[test]
fn a_mistyped_build_suggests_the_right_one() {
    let output = run(&data("site"), &["show", "label:befor"], NARROW);
    assert_eq!(output.exit, ExitStatus::Usage);
    assert_eq!(output.err, "error: no build matches label:befor; did you mean \"label:before\"?\n");
    let output = run(&data("site"), &["show", "-99"], NARROW);
    assert_eq!(output.exit, ExitStatus::Usage);
    assert_eq!(output.err, "error: there is no build -99: there are only 17 builds\n");
}

#[test]
fn an_unreadable_history_has_its_own_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("history.jsonl")).unwrap();
    for words in [&[][..], &["show"], &["compare", "-2", "-1"], &["doctor"], &["repair"]] {
        let output = run(dir.path(), words, NARROW);
        assert_eq!((output.exit, output.out.as_str()), (ExitStatus::History, ""), "{words:?}");
        output.assert_err_contains("it is not a regular file");
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let commands = [
        &[][..],
        &["--chart"],
        &["show"],
        &["compare", "label:before", "label:after"],
        &["doctor"],
        &["check", "--mode", "full"],
    ];
    for words in commands {
        for width in [40, 60, 80, 100, 133, 160, 240] {
            let output = run(&data("site"), words, Terminal { width, color: false });
            let widest = output.out.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{words:?} at {width}:\n{}", output.out);
        }
    }
}

#[test]
fn completions_have_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&data("site"), &["completions", shell], NARROW);
        for command in ["show", "compare", "export", "doctor", "repair", "prune", "completions"] {
            assert!(output.out.contains(command), "{shell}: {command}");
        }
    }
}
