//! `ab`: two versions in turn, until the answer is sure.

use std::fs;

use libtest_mimic::Trial;
use perf_cli::ExitStatus;
use serde_json::Value;

use crate::fake_build;
use crate::in_process::Said;
use crate::session::Session;
use crate::snapshot::assert_snapshot;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("ab_says_what_is_sure_and_compares_in_every_format", every_format),
        trial("ab_fails_on_allocations_alone_and_says_where", fatter),
        trial("ab_says_what_check_says_of_the_same_builds", as_check),
        trial("a_head_that_is_faster_is_an_improvement_and_no_failure", improvement),
        trial("two_builds_alike_are_unchanged_after_a_few_pairs", unchanged),
        trial("ab_judges_by_the_thresholds_of_the_project", thresholds),
        trial("what_is_unsure_at_eight_pairs_is_decided_at_twelve_where_it_is_sure", decided_later),
        trial("what_is_unsure_goes_on_to_the_last_pair", goes_on),
        trial("builds_go_in_turn_and_the_warm_ups_are_not_recorded", in_turn),
        trial("few_pairs_are_said_to_be_too_few", too_few),
        trial("base_and_head_are_built_each_in_a_directory", directories),
        trial("a_half_that_fails_ends_it_and_is_named", failing_half),
        trial("a_half_with_several_records_a_build_is_refused", several_records),
        trial("what_is_of_another_series_is_not_judged", other_series),
        trial("commands_that_are_missing_or_too_many_are_refused", wrong_commands),
    ]
}

fn shell(words: &[&str]) -> String {
    fake_build::command(words).join(" ")
}

fn ab(session: &Session, options: &[&str], base: &[&str], head: &[&str]) -> Said {
    let (base, head) = (shell(base), shell(head));
    let words = ["ab", "--base", &base, "--head", &head];
    session.say(&words.iter().chain(options).copied().collect::<Vec<_>>())
}

fn every_format() {
    for format in ["table", "json", "csv", "markdown"] {
        let session = Session::new();
        let options = ["--warmup", "0", "--format", format];
        let said = ab(&session, &options, &["time=100"], &["time=130"]);
        let suffix = if format == "table" { "" } else { &format!(".{format}") };
        assert_eq!(said.exit, ExitStatus::Regression);
        assert_eq!(session.records().len(), 16, "eight pairs make this sure");
        assert_snapshot(&format!("ab{suffix}"), &said);
    }
}

/// The head makes 3 % more allocations, and takes as long.
fn fatter() {
    for format in ["table", "json", "csv", "markdown"] {
        let session = Session::new();
        let options = ["--warmup", "0", "--format", format];
        let head = ["time=100", "allocations=1030", "place=page::html"];
        let said = ab(&session, &options, &["time=100", "place=page::html"], &head);
        assert_eq!(said.exit, ExitStatus::Regression);
        let suffix = if format == "table" { "" } else { &format!(".{format}") };
        assert_snapshot(&format!("ab-allocations{suffix}"), &said);
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
            session.say(&words.iter().chain(&["--format", "json"]).copied().collect::<Vec<_>>());
        let (by_ab, by_check) = (answer(&built), answer(&checked));
        assert_eq!((built.exit, checked.exit), (exit, exit), "{head:?}");
        assert_eq!(by_ab["verdict"], verdict, "{head:?}");
        for field in ["verdict", "findings", "noise", "commits"] {
            assert_eq!(by_ab[field], by_check[field], "{head:?}: {field}");
        }
    }
}

fn answer(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap()
}

/// What is said of the build's time.
fn of_time(answer: &Value) -> &Value {
    let mut findings = answer["findings"].as_array().unwrap().iter();
    findings.find(|it| it["phase"].is_null() && it["measure"] == "time_ms").unwrap()
}

fn improvement() {
    let session = Session::new();
    let said = ab(&session, &["--format", "json"], &["time=200"], &["time=150"]);
    assert_eq!(said.exit, ExitStatus::Success);
    let answer = answer(&said);
    assert_eq!((&answer["verdict"], &answer["pairs"]), (&"improvement".into(), &8.into()));
    let time = of_time(&answer);
    assert!((time["change"].as_f64().unwrap() + 0.25).abs() < 0.01, "{time}");
}

fn unchanged() {
    let session = Session::new();
    let said = ab(&session, &["--format", "json"], &["time=200"], &["time=200"]);
    assert_eq!(said.exit, ExitStatus::Success);
    assert_eq!(answer(&said)["verdict"], "unchanged");
    assert!(session.records().len() <= 20, "{}", session.records().len());
}

fn thresholds() {
    let session = Session::new();
    let file = session.path("buildperf.toml");
    fs::write(&file, "[thresholds]\ntime-percent = 50\n").unwrap();
    let judged = || {
        let options = ["--format", "json", "--runs", "5"];
        let said = ab(&session, &options, &["time=200"], &["time=260"]);
        (said.exit, answer(&said)["verdict"].as_str().map(str::to_owned))
    };
    assert_eq!(judged(), (ExitStatus::Success, Some("unchanged".to_owned())));
    fs::write(&file, "[thresholds]\ntime-percent = 20\n").unwrap();
    assert_eq!(judged(), (ExitStatus::Regression, Some("regression".to_owned())));
    let options = ["--runs", "5", "--time-percent", "50"];
    let said = ab(&session, &options, &["time=200"], &["time=260"]);
    assert_eq!(said.exit, ExitStatus::Success, "what the command line says comes first");
    fs::write(&file, "[thresholds]\ntime = 20\n").unwrap();
    let said = ab(&session, &[], &["time=200"], &["time=260"]);
    assert_eq!(said.exit, ExitStatus::Usage);
    assert!(said.err.contains("unknown key `time`"), "{}", said.err);
}

/// How `ab` ends, after how many pairs, and with what exit code.
fn ended(base: &str, head: &str) -> (String, u64, ExitStatus) {
    let session = Session::new();
    let (base, head) = (format!("time={base}"), format!("time={head}"));
    let said = ab(&session, &["--format", "json"], &[&base], &[&head]);
    let answer = answer(&said);
    let pairs = answer["pairs"].as_u64().unwrap();
    assert_eq!(session.records().len() as u64, 2 * pairs, "no more builds than it is decided by");
    (of_time(&answer)["verdict"].as_str().unwrap().to_owned(), pairs, said.exit)
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
    let runs: Vec<&str> = records.iter().map(|it| it.labels["run"].as_str()).collect();
    assert_eq!(runs, ["base", "head", "head", "base"].repeat(4));
    assert!(records.iter().all(|it| it.labels["session"] == records[0].labels["session"]));
    let said = session.say(&["compare", "label:base", "label:head"]);
    assert!(said.out.starts_with("label:base (8 builds)"), "{}", said.out);
}

fn too_few() {
    let session = Session::new();
    let options = ["--runs", "2", "--warmup", "0"];
    let said = ab(&session, &options, &["time=100"], &["time=200"]);
    assert_eq!(said.exit, ExitStatus::Success);
    let expected = "nothing was judged: 2 pairs of builds run in turn; at least 5 are needed\n";
    assert_eq!(said.err, expected);
    assert!(said.out.starts_with("nothing was judged"), "{}", said.out);
    let said = ab(&session, &["--runs", "2", "--strict"], &["time=100"], &["time=200"]);
    assert_eq!(said.exit, ExitStatus::InsufficientData);
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
    let said = session.say(&words);
    assert_eq!(said.exit, ExitStatus::Success, "{}", said.err);
    assert!(old.join("here0").exists() && new.join("here0").exists());
    assert_eq!(session.records().len(), 2);
    let said = session.say(&["ab", "--base-dir", "no/such/place", "--", "true"]);
    assert_eq!(said.err, "error: --base-dir: no/such/place is not a directory\n");
    assert_eq!(said.exit, ExitStatus::Usage);
}

fn failing_half() {
    let session = Session::new();
    let said = ab(&session, &[], &[], &["exit=4", "cry=no-pages"]);
    assert_eq!(said.exit, ExitStatus::Error);
    let expected = "last lines of its output:\n  │ no-pages\nerror: `site --fake-build exit=4 cry=no-pages` failed with exit code 4\n";
    assert_eq!(said.err, expected);
    assert_eq!(session.records().len(), 0, "it failed when warming up");
}

fn several_records() {
    let session = Session::new();
    let said = ab(&session, &[], &[], &["records=2"]);
    assert_eq!(said.exit, ExitStatus::Error);
    assert!(said.err.contains("records=2` leaves several records per run"), "{}", said.err);
}

fn other_series() {
    let session = Session::new();
    let said = ab(&session, &["--warmup", "0"], &[], &["cores=8", "time=300"]);
    assert_eq!(said.exit, ExitStatus::Success);
    let expected = "these builds cannot be compared: the cores differs (4 cores → 8 cores)\n";
    assert_eq!(said.err, expected);
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
        let said = session.say(words);
        assert_eq!(said.exit, ExitStatus::Usage);
        assert_eq!(said.err, format!("error: {expected}\n"));
    }
}
