//! Reading `buildperf.toml`, and the errors about a wrong one.

use std::fs;

use super::*;

fn read(text: &str) -> Result<Configuration, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    fs::write(&path, text).unwrap();
    Configuration::read(&path).map_err(|error| {
        let text = error.to_string();
        text.strip_prefix(&path.display().to_string()).unwrap().to_owned()
    })
}

#[test]
fn an_empty_file_is_the_default() {
    let read = read("").unwrap();
    assert_eq!(read, Configuration { path: read.path.clone(), ..Configuration::default() });
    assert_eq!(read.default_branches, ["main", "master"]);
}

#[test]
fn the_documented_file_holds_the_defaults() {
    let documentation = include_str!("mod.rs").split("```").nth(1).unwrap();
    let text: String = documentation
        .lines()
        .skip(1)
        .map(|line| line.trim_start_matches("//!").to_owned() + "\n")
        .collect();
    let read = read(&text).unwrap();
    assert_eq!(read.default_branches, ["main"]);
    assert_eq!(read.workload.as_deref(), Some("total_pages"));
    assert_eq!(read.thresholds, Thresholds::default());
    assert!(!read.is_judged("network/fetch/dns"));
    assert!(read.is_judged("render"));
    let html = read.of_phase("render/html");
    assert_eq!((html.time_percent, html.phase_ms, html.single_phase_ms), (10.0, 20.0, 20.0));
    assert!((html.z - 5.0).abs() < f64::EPSILON);
    assert_eq!(read.of_phase("render/html/links"), Thresholds::default());
}

#[test]
fn the_last_matching_rule_wins_key_by_key() {
    let read = read(
        "
        [thresholds]
        time-percent = 7
        [[phase]]
        path = '**'
        time-percent = 8
        memory-mb = 2
        ignore = true
        [[phase]]
        path = 'render/**'
        time-percent = 9.5
        ignore = false
        ",
    )
    .unwrap();
    assert_eq!(read.thresholds, Thresholds { time_percent: 7.0, ..Thresholds::default() });
    let found = |path: &str| {
        let found = read.of_phase(path);
        (found.time_percent, found.memory_mb, read.is_judged(path))
    };
    assert_eq!(found("parse"), (8.0, 2.0, false));
    assert_eq!(found("render/html/highlight"), (9.5, 2.0, true));
}

#[test]
fn an_error_names_line_key_value_and_what_was_probably_meant() {
    for (text, line, at, reason) in [
        (
            "\n\nworkloads = 'x'",
            3,
            "workloads = 'x'",
            "unknown key `workloads`, did you mean `workload`?",
        ),
        ("[treshold]\n", 1, "[treshold]", "unknown key `treshold`, did you mean `thresholds`?"),
        (
            "[thresholds]\ntime_percent = 5",
            2,
            "time_percent = 5",
            "unknown key `time_percent`, did you mean `time-percent`?",
        ),
        (
            "colour = 1",
            1,
            "colour = 1",
            "unknown key `colour`, expected one of `default-branch`, `workload`, `thresholds`, `phase`",
        ),
        (
            "[[phase]]\npath = 'a'\nbuild-ms = 1",
            3,
            "build-ms = 1",
            "unknown key `build-ms`, expected one of `path`, `ignore`, `time-percent`, `time-ms`, \
             `memory-percent`, `memory-mb`, `allocations-percent`, `z`, `session-p`",
        ),
        (
            "[thresholds]\nz = 3\nbaseline-sessions = 8",
            3,
            "baseline-sessions = 8",
            "enough-builds is 10 and baseline-sessions 8: no finding would ever be certain",
        ),
        ("thresholds = 5", 1, "thresholds = 5", "invalid type: integer `5`, expected a table"),
        (
            "default-branch = []",
            1,
            "default-branch = []",
            "expected a branch, or a list of branches",
        ),
        (
            "default-branch = [\n'main',\n1]",
            1,
            "default-branch = [",
            "expected a branch, or a list of branches",
        ),
        ("workload = ''", 1, "workload = ''", "expected a text that is not empty"),
        ("[phase]\npath = 'x'", 1, "[phase]", "expected [[phase]] for each"),
        ("[[phase]]\npath = 'a'\n[[phase]]\ntime-ms = 3", 3, "[[phase]]", "missing key `path`"),
        (
            "[[phase]]\npath = 'a***'",
            2,
            "path = 'a***'",
            "invalid pattern (wildcards are either regular `*` or recursive `**`)",
        ),
        (
            "[[phase]]\npath = 'a'\nignore = 1",
            3,
            "ignore = 1",
            "invalid type: integer `1`, expected a boolean",
        ),
    ] {
        let expected = format!(", line {line}, `{at}`: {reason}");
        assert_eq!(read(text).unwrap_err(), expected, "{text}");
    }
    let error = read("a = 1\nb = [").unwrap_err();
    assert!(error.starts_with(", line 2, `b = [`: "), "{error}");
}

#[test]
fn a_threshold_out_of_range_is_refused() {
    for (given, expected) in [
        ("time-percent = '5 %'", "a number that is not negative"),
        ("build-ms = -1", "a number that is not negative"),
        ("build-ms = nan", "a number that is not negative"),
        ("z = 0.5", "a number from 1 to 10"),
        ("z = inf", "a number from 1 to 10"),
        ("session-p = 5", "a number from 0.0001 to 0.5"),
        ("pairs-p = 0.0001", "a number from 0.0002 to 0.05"),
        ("false-discovery-rate = 0", "a number from 0.0001 to 0.5"),
        ("least-builds = 4.5", "an integer from 2 to 200"),
        ("session-builds = 1", "an integer from 2 to 200"),
        ("enough-builds = 'ten'", "an integer from 2 to 200"),
    ] {
        let error = read(&format!("[thresholds]\n\n{given}")).unwrap_err();
        assert_eq!(error, format!(", line 3, `{given}`: expected {expected}"));
    }
    let error = read("[[phase]]\npath = 'a'\nz = 11").unwrap_err();
    assert_eq!(error, ", line 3, `z = 11`: expected a number from 1 to 10");
}

#[test]
fn the_file_beside_the_history_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let history = dir.path().join(".build-metrics");
    assert_eq!(Configuration::of_history(&history).unwrap(), Configuration::default());
    fs::write(dir.path().join(FILE), "workload = 'pages'").unwrap();
    let found = Configuration::of_history(&history).unwrap();
    assert_eq!(found.path, Some(dir.path().join(FILE)));
    assert_eq!(found.workload.as_deref(), Some("pages"));
}

#[test]
fn directories_above_the_checkout_are_not_searched() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("checkout/a/b");
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(up_to_checkout(&deep), [deep.as_path()]);
    fs::create_dir(dir.path().join("checkout/.git")).unwrap();
    let names: Vec<_> =
        up_to_checkout(&deep).iter().map(|dir| dir.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["b", "a", "checkout"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Configuration::read(Path::new("no/such/buildperf.toml")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read no/such/buildperf.toml");
}

#[test]
fn the_thresholds_of_the_file_reach_the_rules() {
    let read = read(
        "
        [thresholds]
        z = 4.5
        session-p = 0.01
        pairs-p = 0.005
        false-discovery-rate = 0.1
        least-builds = 4
        enough-builds = 12
        session-builds = 5
        baseline-sessions = 40
        [[phase]]
        path = 'write'
        z = 6
        session-p = 0.02
        ",
    )
    .unwrap();
    let thresholds = read.thresholds;
    assert_eq!((thresholds.z, thresholds.session_p), (4.5, 0.01));
    assert_eq!(
        (thresholds.least_builds, thresholds.enough_builds, thresholds.session_builds),
        (4, 12, 5)
    );
    let pairs = thresholds.pairs();
    assert_eq!((thresholds.false_discovery_rate, pairs.false_discovery_rate), (0.1, 0.1));
    let looks: Vec<f64> = pairs.looks.iter().map(|look| look.p).collect();
    assert_eq!(looks, [0.002, 0.0014, 0.0016]);
    let only: Vec<f64> = pairs.with_pairs(5).looks.iter().map(|look| look.p).collect();
    assert_eq!(only, [0.008]);
    assert_eq!(thresholds.baseline_sessions, 40);
    let of_phase = read.of_phase("write");
    assert_eq!((of_phase.z, of_phase.session_p, of_phase.enough_builds), (6.0, 0.02, 12));
}

#[test]
fn the_default_rule_for_pairs_is_that_of_the_default_thresholds() {
    assert_eq!(Thresholds::default().pairs(), crate::judge::sequential::Rule::default());
}

#[test]
fn every_threshold_has_an_option() {
    let keys = Table::try_from(Thresholds::default()).unwrap();
    let mut options = OPTIONS.map(|(key, ..)| key);
    options.sort_unstable();
    assert_eq!(keys.keys().map(String::as_str).collect::<Vec<_>>(), options);
}

#[test]
fn an_option_takes_what_the_file_takes() {
    assert_eq!(parse("time-percent", "7.5"), Ok(Value::Float(7.5)));
    assert_eq!(parse("least-builds", "7"), Ok(Value::Integer(7)));
    for (key, text, why) in [
        ("time-percent", "5 %", "expected a number"),
        ("time-percent", "-1", "expected a number that is not negative"),
        ("z", "nan", "expected a number from 1 to 10"),
        ("least-builds", "2.5", "expected an integer from 2 to 200"),
    ] {
        assert_eq!(parse(key, text), Err(why.to_owned()), "{key} {text}");
    }
}
