//! The program: streams, exit codes, colours.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The package with the histories that the tests read.
const PERF_CLI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../perf-cli");

fn buildperf(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_buildperf"));
    command.args(words).args(["--dir", "tests/data/site"]).current_dir(PERF_CLI);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "CI"] {
        command.env_remove(variable);
    }
    command
}

fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn data_goes_to_standard_output_and_everything_else_to_standard_error() {
    let fine = output(&mut buildperf(&["show"]));
    assert_eq!((fine.status.code(), text(&fine.stderr)), (Some(0), String::new()));
    assert!(text(&fine.stdout).starts_with("static-site 0.1.0  01a2"));
    let unknown = output(&mut buildperf(&["show", "nosuchbuild"]));
    assert_eq!((unknown.status.code(), text(&unknown.stdout)), (Some(2), String::new()));
    assert!(text(&unknown.stderr).starts_with("error: no build matches \"nosuchbuild\""));
}

#[test]
fn a_mistyped_command_suggests_the_right_one() {
    let result = output(&mut buildperf(&["comprae"]));
    assert_eq!(result.status.code(), Some(2));
    assert!(text(&result.stderr).contains("'compare'"), "{}", text(&result.stderr));
}

#[test]
fn a_pipe_gets_no_colour_unless_requested() {
    let escapes = |command: &mut Command| output(command).stdout.contains(&0x1b);
    assert!(!escapes(&mut buildperf(&[])));
    assert!(escapes(&mut buildperf(&["--color", "always"])));
    assert!(escapes(buildperf(&["--color", "always"]).env("NO_COLOR", "1")));
    assert!(!escapes(&mut buildperf(&["--color", "never"])));
    assert!(!escapes(&mut buildperf(&["--color", "always", "--format", "json"])));
}

#[test]
fn a_closed_pipe_is_no_error() {
    // More than a pipe takes, so that the program has to notice.
    let dir = tempfile::tempdir().unwrap();
    let builds = fs::read(Path::new(PERF_CLI).join("tests/data/site/history.jsonl")).unwrap();
    let mut history = fs::File::create(dir.path().join("history.jsonl")).unwrap();
    for _ in 0..60 {
        history.write_all(&builds).unwrap();
    }
    let formats = ["table", "json", "csv", "markdown"];
    let commands = ["--last 100000", "show", "compare -2 -1 --mode full", "--chart"];
    for (format, command) in formats.iter().flat_map(|format| commands.map(|words| (format, words)))
    {
        let mut program = Command::new(env!("CARGO_BIN_EXE_buildperf"))
            .args(command.split(' ').chain(["--format", format, "--dir"]))
            .arg(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = program.stdout.take().unwrap();
        pipe.read_exact(&mut [0; 10]).unwrap();
        drop(pipe);
        let result = program.wait_with_output().unwrap();
        assert_eq!(
            (result.status.code(), text(&result.stderr)),
            (Some(0), String::new()),
            "{command} {format}"
        );
    }
}

#[test]
fn the_history_is_in_the_directory_of_the_environment() {
    let result = output(
        Command::new(env!("CARGO_BIN_EXE_buildperf"))
            .args(["--last", "1"])
            .env("BUILD_METRICS_DIR", "tests/data/python-model")
            .current_dir(PERF_CLI),
    );
    assert!(text(&result.stdout).starts_with("bengal  tests/data/python-model\n"));
}

#[test]
fn the_width_of_a_log_is_columns_or_120() {
    let widest = |command: &mut Command| {
        let out = text(&output(command).stdout);
        out.lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(widest(buildperf(&[]).env("COLUMNS", "60")) <= 60);
    let wide = widest(&mut buildperf(&[]));
    assert!((81..=120).contains(&wide), "{wide}");
}

#[test]
fn every_help_text_has_examples() {
    for words in [
        &["--help"][..],
        &["show", "--help"],
        &["compare", "--help"],
        &["run", "--help"],
        &["ab", "--help"],
        &["prune", "--help"],
        &["export", "--help"],
    ] {
        let result = output(Command::new(env!("CARGO_BIN_EXE_buildperf")).args(words));
        assert_eq!(result.status.code(), Some(0));
        assert!(text(&result.stdout).contains("Examples"), "{words:?}");
    }
}

#[test]
fn doctor_reports_switched_off_for_every_value_that_does_it() {
    for value in ["off", "OFF", "0", "false", "no", " off "] {
        let result = output(buildperf(&["doctor"]).env("BUILD_METRICS", value));
        let expected = format!("switched off: BUILD_METRICS={} is set", value.trim());
        assert!(text(&result.stdout).contains(&expected), "{value:?}: {}", text(&result.stdout));
    }
    for value in ["", "on", "1"] {
        let result = output(buildperf(&["doctor"]).env("BUILD_METRICS", value));
        assert!(text(&result.stdout).contains("not switched off"), "{value:?}");
    }
}

#[test]
fn an_error_is_printed_with_its_path_and_its_cause_once() {
    let result = output(&mut buildperf(&["check", "--config", "no/such/file"]));
    let cause = std::fs::read("no/such/file").unwrap_err();
    assert_eq!(result.status.code(), Some(2));
    assert_eq!(text(&result.stderr), format!("error: cannot read no/such/file: {cause}\n"));
}
