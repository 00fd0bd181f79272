//! `ab`: two versions in turn, until the answer is sure.

use std::fs;

use libtest_mimic::Trial;
use perf_cli::ExitStatus;
use serde_json::Value;

use crate::fake_build;
use crate::in_process::CommandOutput;
use crate::session::Session;
use crate::snapshot::assert_snapshot;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("ab_prints_verdict_and_comparison_in_every_format", every_format),
        trial("ab_fails_on_allocations_alone_and_names_the_location", fatter),
        trial("ab_and_check_agree_on_the_same_builds", as_check),
        trial("a_head_that_is_faster_is_an_improvement_and_no_failure", improvement),
        trial("equal_builds_are_unchanged_after_a_few_pairs", unchanged),
        trial("ab_judges_by_the_thresholds_of_the_project", thresholds),
        trial("what_is_undecided_at_eight_pairs_can_be_decided_at_twelve", decided_later),
        trial("undecided_pairs_continue_to_the_last", goes_on),
        trial("builds_go_in_turn_and_the_warm_ups_are_not_recorded", in_turn),
        trial("too_few_pairs_are_reported", too_few),
        trial("base_and_head_are_built_each_in_a_directory", directories),
        trial("a_failed_build_ends_ab_and_is_named", failing_half),
        trial("several_records_per_build_are_refused", several_records),
        trial("builds_of_different_series_are_not_judged", other_series),
        trial("commands_that_are_missing_or_too_many_are_refused", wrong_commands),
    ]
}

fn shell(words: &[&str]) -> String {
    fake_build::command(words).join(" ")
}

fn ab(session: &Session, options: &[&str], base: &[&str], head: &[&str]) -> CommandOutput {
    let (base, head) = (shell(base), shell(head));
    let words = ["ab", "--base", &base, "--head", &head];
    session.perf(&words.iter().chain(options).copied().collect::<Vec<_>>())
}

fn every_format() {
    for format in ["table", "json", "csv", "markdown"] {
        let session = Session::new();
        let options = ["--warmup", "0", "--format", format];
        let output = ab(&session, &options, &["time=100"], &["time=130"]);
        let suffix = if format == "table" { "" } else { &format!(".{format}") };
        assert_eq!(output.exit, ExitStatus::Regression);
        assert_eq!(session.records().len(), 16, "eight pairs make this sure");
        assert_snapshot(&format!("ab{suffix}"), &output);
    }
}

/// The head makes 3 % more allocations, and takes as long.
fn fatter() {
    for format in ["table", "json", "csv", "markdown"] {
        let session = Session::new();
        let options = ["--warmup", "0", "--format", format];
        let head = ["time=100", "allocations=1030", "place=page::html"];
        let output = ab(&session, &options, &["time=100", "place=page::html"], &head);
        assert_eq!(output.exit, ExitStatus::Regression);
        let suffix = if format == "table" { "" } else { &format!(".{format}") };
        assert_snapshot(&format!("ab-allocations{suffix}"), &output);
    }
}

fn as_check() {
    for (head, verdict, exit) in [
        (&["time=200"][..], "unchanged", ExitStatus::Success),
        (&["time=260"], "regression", ExitStatus::Regression),
        (&["time=200", "allocations=1030"], "regression", ExitStatus::Regression),
        (&["time=200", "allocations=970"], "improvement", ExitStatus::Success),
        (&["time=200", "peak=24"], "regression", ExitStatus::Regression),
        (&["time=150", "peak=24"], "regression", ExitStatus::Regression),
    ] {
        let session = Session::new();
        let built = ab(&session, &["--format", "json"], &["time=200"], head);
        let words = ["check", "--candidate", "label:head", "--baseline", "label:base"];
        let checked =
            session.perf(&words.iter().chain(&["--format", "json"]).copied().collect::<Vec<_>>());
        let (by_ab, by_check) = (answer(&built), answer(&checked));
        assert_eq!((built.exit, checked.exit), (exit, exit), "{head:?}");
        assert_eq!(by_ab["verdict"], verdict, "{head:?}");
        for field in ["verdict", "findings", "noise", "commits"] {
            assert_eq!(by_ab[field], by_check[field], "{head:?}: {field}");
        }
    }
}

fn answer(output: &CommandOutput) -> Value {
    serde_json::from_str(&output.out).unwrap()
}

/// The finding on the build's time.
fn of_time(answer: &Value) -> &Value {
    let mut findings = answer["findings"].as_array().unwrap().iter();
    findings.find(|finding| finding["phase"].is_null() && finding["measure"] == "time_ms").unwrap()
}

fn improvement() {
    let session = Session::new();
    let output = ab(&session, &["--format", "json"], &["time=200"], &["time=150"]);
    assert_eq!(output.exit, ExitStatus::Success);
    let answer = answer(&output);
    assert_eq!((&answer["verdict"], &answer["pairs"]), (&"improvement".into(), &8.into()));
    let time = of_time(&answer);
    assert!((time["change"].as_f64().unwrap() + 0.25).abs() < 0.01, "{time}");
}

fn unchanged() {
    let session = Session::new();
    let output = ab(&session, &["--format", "json"], &["time=200"], &["time=200"]);
    assert_eq!(output.exit, ExitStatus::Success);
    assert_eq!(answer(&output)["verdict"], "unchanged");
    assert!(session.records().len() <= 20, "{}", session.records().len());
}

fn thresholds() {
    let session = Session::new();
    let file = session.path("buildperf.toml");
    fs::write(&file, "[thresholds]\ntime-percent = 50\n").unwrap();
    let judged = || {
        let options = ["--format", "json", "--runs", "5"];
        let output = ab(&session, &options, &["time=200"], &["time=260"]);
        (output.exit, answer(&output)["verdict"].as_str().map(str::to_owned))
    };
    assert_eq!(judged(), (ExitStatus::Success, Some("unchanged".to_owned())));
    fs::write(&file, "[thresholds]\ntime-percent = 20\n").unwrap();
    assert_eq!(judged(), (ExitStatus::Regression, Some("regression".to_owned())));
    let options = ["--runs", "5", "--time-percent", "50"];
    let output = ab(&session, &options, &["time=200"], &["time=260"]);
    assert_eq!(output.exit, ExitStatus::Success, "what the command line says comes first");
    fs::write(&file, "[thresholds]\ntime = 20\n").unwrap();
    let output = ab(&session, &[], &["time=200"], &["time=260"]);
    assert_eq!(output.exit, ExitStatus::Usage);
    output.assert_err_contains("unknown key `time`");
}

/// How `ab` ends, after how many pairs, and with what exit code.
fn ended(base: &str, head: &str) -> (String, u64, ExitStatus) {
    let session = Session::new();
    let (base, head) = (format!("time={base}"), format!("time={head}"));
    let output = ab(&session, &["--format", "json"], &[&base], &[&head]);
    let answer = answer(&output);
    let pairs = answer["pairs"].as_u64().unwrap();
    assert_eq!(session.records().len() as u64, 2 * pairs, "no more builds than it is decided by");
    (of_time(&answer)["verdict"].as_str().unwrap().to_owned(), pairs, output.exit)
}

fn decided_later() {
    // One outlier in the base: among 8 pairs that may be chance, among 12 it is not.
    let base = "200,200,400,200,200,200,200,200,200,200,200,200";
    assert_eq!(ended(base, "230"), ("regression".to_owned(), 12, ExitStatus::Regression));
    // The same with the halves exchanged.
    assert_eq!(ended("230", base), ("improvement".to_owned(), 12, ExitStatus::Success));
}

fn goes_on() {
    // Much noise and a change of 3 %: neither a sign that is sure, nor the lack of one.
    let unsure = ended("200,220,240,260", "208,228,248,268");
    assert_eq!(unsure, ("unchanged".to_owned(), 20, ExitStatus::Success));
    // Too many outliers for 12 pairs to be sure, not for 20.
    let base = "200,200,200,200,200,400";
    assert_eq!(ended(base, "230"), ("regression".to_owned(), 20, ExitStatus::Regression));
}

fn in_turn() {
    let session = Session::new();
    ab(&session, &[], &["time=100"], &["time=130"]);
    let records = session.records();
    let runs: Vec<&str> = records.iter().map(|stats| stats.labels["run"].as_str()).collect();
    assert_eq!(runs, ["base", "head", "head", "base"].repeat(4));
    assert!(records.iter().all(|stats| stats.labels["session"] == records[0].labels["session"]));
    let output = session.perf(&["compare", "label:base", "label:head"]);
    assert!(output.out.starts_with("label:base (8 builds)"), "{}", output.out);
}

fn too_few() {
    let session = Session::new();
    let options = ["--runs", "2", "--warmup", "0"];
    let output = ab(&session, &options, &["time=100"], &["time=200"]);
    assert_eq!(output.exit, ExitStatus::Success);
    let expected = "nothing was judged: 2 pairs of builds run in turn; at least 5 are needed\n";
    assert_eq!(output.err, expected);
    assert!(output.out.starts_with("nothing was judged"), "{}", output.out);
    let output = ab(&session, &["--runs", "2", "--strict"], &["time=100"], &["time=200"]);
    assert_eq!(output.exit, ExitStatus::InsufficientData);
}

fn directories() {
    let session = Session::new();
    for half in ["old", "new"] {
        fs::create_dir(session.path(half)).unwrap();
    }
    let (old, new) = (session.path("old"), session.path("new"));
    let mut words = vec!["ab", "--runs", "1", "--base-dir", old.to_str().unwrap()];
    words.extend(["--head-dir", new.to_str().unwrap(), "--"]);
    let command = fake_build::command(&["touch=here"]);
    words.extend(command.iter().map(String::as_str));
    let output = session.perf(&words);
    assert_eq!(output.exit, ExitStatus::Success, "{}", output.err);
    assert!(old.join("here0").exists() && new.join("here0").exists());
    assert_eq!(session.records().len(), 2);
    let output = session.perf(&["ab", "--base-dir", "no/such/place", "--", "true"]);
    assert_eq!(output.err, "error: --base-dir: no/such/place is not a directory\n");
    assert_eq!(output.exit, ExitStatus::Usage);
}

fn failing_half() {
    let session = Session::new();
    let output = ab(&session, &[], &[], &["exit=4", "cry=no-pages"]);
    assert_eq!(output.exit, ExitStatus::Error);
    let expected = "last lines of its output:\n  │ no-pages\nerror: `site --fake-build exit=4 cry=no-pages` failed with exit code 4\n";
    assert_eq!(output.err, expected);
    assert_eq!(session.records().len(), 0, "it failed when warming up");
}

fn several_records() {
    let session = Session::new();
    let output = ab(&session, &[], &[], &["records=2"]);
    assert_eq!(output.exit, ExitStatus::Error);
    output.assert_err_contains("records=2` leaves several records per run");
}

fn other_series() {
    let session = Session::new();
    let output = ab(&session, &["--warmup", "0"], &[], &["cores=8", "time=300"]);
    assert_eq!(output.exit, ExitStatus::Success);
    let expected = "these builds cannot be compared: the cores differs (4 cores → 8 cores)\n";
    assert_eq!(output.err, expected);
    assert_eq!(session.records().len(), 2, "more builds would say no more");
}

fn wrong_commands() {
    let session = Session::new();
    for (words, expected) in [
        (&["ab"][..], "no build command: give --base CMD, or -- CMD for both"),
        (&["ab", "--base", "true"], "no build command: give --head CMD, or -- CMD for both"),
        (
            &["ab", "--base", "true", "--head", "true", "--", "true"],
            "--base and --head give both commands: a third one after -- has no use",
        ),
    ] {
        let output = session.perf(words);
        assert_eq!(output.exit, ExitStatus::Usage);
        assert_eq!(output.err, format!("error: {expected}\n"));
    }
}
