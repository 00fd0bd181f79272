//! What a file says, and what is told of one that is wrong.

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
fn what_is_not_said_is_the_default() {
    let read = read("").unwrap();
    assert_eq!(read, Configuration { path: read.path.clone(), ..Configuration::default() });
    assert_eq!(read.default_branches, ["main", "master"]);
}

#[test]
fn the_file_of_the_documentation_says_the_defaults() {
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
fn the_last_rule_that_matches_says_what_it_says_and_leaves_the_rest() {
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
fn what_is_wrong_is_told_with_its_line_and_key_and_what_was_meant() {
    for (text, told) in [
        ("\n\nworkloads = 'x'", ", line 3: unknown key \"workloads\"; did you mean \"workload\"?"),
        ("[treshold]\n", ", line 1: unknown key \"treshold\"; did you mean \"thresholds\"?"),
        (
            "[thresholds]\ntime_percent = 5",
            ", line 2: unknown key \"time_percent\"; did you mean \"time-percent\"?",
        ),
        (
            "[thresholds]\n\ntime-percent = '5 %'",
            ", line 3: time-percent: expected a number, not text",
        ),
        (
            "[thresholds]\nbuild-ms = -1",
            ", line 2: build-ms: expected a number that is not negative",
        ),
        (
            "[thresholds]\nbuild-ms = nan",
            ", line 2: build-ms: expected a number that is not negative",
        ),
        ("[thresholds]\nz = 0.5", ", line 2: z: expected a number from 1 to 10"),
        ("[thresholds]\nz = inf", ", line 2: z: expected a number from 1 to 10"),
        ("[[phase]]\npath = 'a'\nz = 11", ", line 3: z: expected a number from 1 to 10"),
        (
            "[thresholds]\nz = 3\nsession-p = 5",
            ", line 3: session-p: expected a number from 0.0001 to 0.5",
        ),
        (
            "[thresholds]\npairs-p = 0.0001",
            ", line 2: pairs-p: expected a number from 0.0002 to 0.05",
        ),
        (
            "[thresholds]\nfalse-discovery-rate = 0",
            ", line 2: false-discovery-rate: expected a number from 0.0001 to 0.5",
        ),
        (
            "[thresholds]\nleast-builds = 4.5",
            ", line 2: least-builds: expected a whole number from 2 to 200",
        ),
        (
            "[thresholds]\nsession-builds = 1",
            ", line 2: session-builds: expected a whole number from 2 to 200",
        ),
        (
            "[thresholds]\nenough-builds = 'ten'",
            ", line 2: enough-builds: expected a number, not text",
        ),
        (
            "[thresholds]\nz = 3\nbaseline-sessions = 8",
            ", line 3: enough-builds is 10 and baseline-sessions 8: nothing would ever be sure",
        ),
        ("thresholds = 5", ", line 1: thresholds: expected a table, not a number"),
        ("default-branch = []", ", line 1: default-branch: it names no branch"),
        (
            "default-branch = [\n'main',\n1]",
            ", line 3: default-branch: expected text, not a number",
        ),
        ("workload = ''", ", line 1: workload: it is empty"),
        ("[phase]\npath = 'x'", ", line 1: phase: write each as a table of its own, [[phase]]"),
        (
            "[[phase]]\npath = 'a'\n[[phase]]\ntime-ms = 3",
            ", line 3: phase: it has no path; say which phases are meant",
        ),
        (
            "[[phase]]\npath = 'a***'",
            ", line 2: path: \"a***\" is no pattern: wildcards are either regular `*` or recursive `**`",
        ),
        (
            "[[phase]]\npath = 'a'\nignore = 1",
            ", line 3: ignore: expected true or false, not a number",
        ),
        (
            "[[phase]]\npath = 'a'\nbuild-ms = 1",
            ", line 3: unknown key \"build-ms\"; there are path, ignore, time-percent, time-ms, memory-percent, memory-mb, allocations-percent, z, session-p",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), told, "{text}");
    }
    let error = read("a = 1\nb = [").unwrap_err();
    assert!(error.starts_with(", line 2: "), "{error}");
    let error = read("colour = 1").unwrap_err();
    assert_eq!(
        error,
        ", line 1: unknown key \"colour\"; there are default-branch, workload, thresholds, phase"
    );
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
fn no_file_above_the_checkout_is_looked_at() {
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
fn the_rules_hold_builds_against_what_is_said() {
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
    let rules = read.rules();
    assert_eq!((rules.z, rules.early_z, rules.p), (4.5, 4.0, 0.01));
    assert_eq!((rules.least_builds, rules.enough_builds, rules.session_builds), (4, 12, 5));
    assert_eq!((rules.false_discovery_rate, rules.pairs.false_discovery_rate), (0.1, 0.1));
    let looks: Vec<f64> = rules.pairs.looks.iter().map(|look| look.p).collect();
    assert_eq!(looks, [0.002, 0.0014, 0.0016]);
    let only: Vec<f64> = rules.pairs.with_pairs(5).looks.iter().map(|look| look.p).collect();
    assert_eq!(only, [0.008]);
    assert_eq!(read.thresholds.baseline_sessions, 40);
    let of_phase = read.rules_of_phase("write");
    assert_eq!((of_phase.z, of_phase.p, of_phase.enough_builds), (6.0, 0.02, 12));
}

#[test]
fn the_defaults_are_those_of_the_rules() {
    assert_eq!(Configuration::default().rules(), judge::Thresholds::default());
}
