//! The same command line as a subcommand of a tool.

use clap::{CommandFactory, Parser};
use perf_cli::{Console, ExitStatus, PerfArgs, Program};

use crate::in_process::{data, now};

/// A tool that builds sites.
#[derive(Debug, Parser)]
#[command(name = "my-site", version)]
enum MySite {
    /// Builds the site
    Build {
        /// Where the site is
        #[arg(long)]
        dir: Option<String>,
    },
    /// Shows how the builds did
    Perf(Box<PerfArgs>),
}

/// The output of `my-site perf …`.
fn perf(dir: &str, words: &[&str]) -> (String, String, ExitStatus) {
    let line = MySite::try_parse_from(["my-site", "perf"].iter().chain(words));
    let MySite::Perf(args) = line.unwrap_or_else(|error| panic!("{words:?}: {error}")) else {
        panic!("{words:?} is about the history")
    };
    let program = Program::new("my-site perf", MySite::command())
        .with_dir(data(dir))
        .with_tool("static-site");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit =
        perf_cli::run_on(&args, &program, &mut Console::new(&mut out, &mut err).with_now(now()));
    let plain = |bytes: Vec<u8>| {
        anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string()
    };
    (plain(out), plain(err), exit)
}

#[test]
fn a_tool_lists_its_own_builds_from_its_own_place() {
    let (out, err, exit) = perf("site", &["--last", "2"]);
    assert_eq!((err.as_str(), exit), ("", ExitStatus::Success));
    assert!(out.starts_with("static-site  tests/data/site\n"), "{out}");
    let (_, err, exit) = perf("python-model", &["--strict"]);
    assert_eq!(exit, ExitStatus::InsufficientData);
    assert!(err.contains("there are no builds of tool \"static-site\""), "{err}");
    let (out, _, _) = perf("python-model", &["--tool", "bengal", "--last", "1"]);
    assert!(out.starts_with("bengal  "), "{out}");
}

#[test]
fn the_list_is_the_default_and_has_a_name() {
    let (expected, ..) = perf("site", &["--last", "3"]);
    assert_eq!(perf("site", &["list", "--last", "3"]).0, expected);
    let (out, err, exit) = perf("site", &["--last", "3", "show"]);
    assert_eq!((out.as_str(), exit), ("", ExitStatus::Usage));
    assert_eq!(err, "error: --last is an option of `list`: write it after that command\n");
}

#[test]
fn subcommands_and_options_stand_in_any_order() {
    let (expected, ..) = perf("site", &["show", "-2", "--mode", "full"]);
    for words in [&["--mode", "full", "show", "-2"][..], &["show", "--mode", "full", "-2"]] {
        assert_eq!(perf("site", words).0, expected, "{words:?}");
    }
    assert_eq!(
        perf("nowhere", &["--dir", "tests/data/site", "show", "-2", "--mode", "full"]).0,
        expected
    );
}

#[test]
fn advice_names_the_command_of_the_tool() {
    let (_, err, _) = perf("damaged", &[]);
    assert!(err.contains("`my-site perf repair` moves them to"), "{err}");
    let (_, err, _) = perf("nowhere", &["--dir", "tests/data/damaged"]);
    assert!(err.contains("`my-site perf repair --dir tests/data/damaged`"), "{err}");
}

#[test]
fn a_shell_completes_all_of_the_tool() {
    let (out, ..) = perf("site", &["completions", "bash"]);
    for word in ["my-site", "build", "perf", "compare"] {
        assert!(out.contains(word), "{word}");
    }
}

#[test]
fn the_command_line_is_consistent() {
    MySite::command().debug_assert();
}
