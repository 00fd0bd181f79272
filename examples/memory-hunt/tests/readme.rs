//! `README.md` shows what the program and the tools print. Only times may differ.
//!
//! `BLESS=1` updates it.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use clap::{CommandFactory, Parser};
use perf_cli::{Console, ExitStatus, PerfArgs, Program};

/// Where the README runs the program. The records have file names relative to this folder.
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const METRICS: &str = ".build-metrics";

/// How much a number may differ, relatively: another compiler may lay out structures differently.
const TOLERANCE: f64 = 0.005;

/// The columns of `buildperf show` that do not depend on time.
const STABLE_COLUMNS: [&str; 5] = ["calls", "allocated MiB", "peak MiB", "±", "retained MiB"];

/// Whether this platform supports allocation samples.
const HAS_SAMPLES: bool = cfg!(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

#[derive(Debug, Parser)]
struct Buildperf {
    #[command(flatten)]
    args: PerfArgs,
}

/// The output of `buildperf`, without colours.
fn buildperf(words: &str, dir: &Path) -> String {
    let args = Buildperf::try_parse_from(["buildperf"].into_iter().chain(words.split(' ')));
    let program = Program::new("buildperf", Buildperf::command())
        .with_dir(dir.join(METRICS))
        .with_switch(None);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console::new(&mut out, &mut err)
        .with_width(120)
        .with_now(UNIX_EPOCH + Duration::from_hours(498_745));
    let status = perf_cli::run_on(&args.unwrap().args, &program, &mut console);
    assert_eq!(status, ExitStatus::Success, "{}", String::from_utf8_lossy(&err));
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The output of a command of the README. `None` if it cannot run on this machine.
fn run(command: &str, dir: &Path) -> Option<String> {
    if let Some(arguments) = command.strip_prefix("cargo run --release -p memory-hunt") {
        let mut program = Command::new(env!("CARGO_BIN_EXE_memory-hunt"));
        for (variable, _) in std::env::vars() {
            if variable.starts_with("BUILD_METRICS") {
                program.env_remove(variable);
            }
        }
        program.current_dir(FOLDER).env("BUILD_METRICS_DIR", dir.join(METRICS));
        // The first argument is the `--` for Cargo.
        return Some(succeed(program.args(arguments.split_whitespace().skip(1))));
    }
    if ["top_allocators", "--allocators"].iter().any(|word| command.contains(word)) && !HAS_SAMPLES
    {
        eprintln!("skipped, because this platform has no allocation samples: {command}");
        return None;
    }
    if let Some(words) = command.strip_prefix("buildperf ") {
        // `| sed -n '/^FIRST/,/^LAST/p'` prints the lines from one that starts with FIRST.
        let (words, filter) = words.split_once(" | sed -n '/^").unwrap();
        let (first, last) = filter.strip_suffix("/p'").unwrap().split_once("/,/^").unwrap();
        let output = buildperf(words, dir);
        let mut lines = output.lines().skip_while(|line| !line.starts_with(first));
        let mut part = String::new();
        loop {
            let line = lines.next().unwrap();
            part.extend([line, "\n"]);
            if line.starts_with(last) {
                return Some(part);
            }
        }
    }
    assert!(command.starts_with("jq "), "{command}");
    if !Command::new("jq").arg("--version").output().is_ok_and(|jq| jq.status.success()) {
        eprintln!("skipped, because jq is not installed: {command}");
        return None;
    }
    Some(succeed(Command::new("sh").args(["-c", command]).current_dir(dir)))
}

/// The commands of a page, each with its output there.
fn examples(page: &str) -> Vec<(&str, String)> {
    let mut examples = Vec::new();
    for console in page.split("```console\n").skip(1) {
        for line in console.split("```").next().unwrap().lines() {
            match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => examples.push((command, String::new())),
                (None, Some((_, output))) => output.extend([line, "\n"]),
                (None, None) => panic!("output without a command: {line}"),
            }
        }
    }
    examples
}

/// Whether two texts are equal except for small differences of numbers.
fn is_similar(a: &str, b: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let mut words = vec![String::new()];
        let mut continues = false;
        for c in text.chars() {
            if is_number(c) != continues || !continues {
                words.push(String::new());
            }
            continues = is_number(c);
            words.last_mut().unwrap().push(c);
        }
        words
    };
    let (a, b) = (words(a), words(b));
    let is_close = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        _ => a == b,
    };
    a.len() == b.len() && a.iter().zip(&b).all(is_close)
}

/// The cells of a line, each with the column at which it ends. Two spaces separate them.
fn cells(line: &str) -> Vec<(usize, &str)> {
    let mut end = 0;
    let mut cells = Vec::new();
    for part in line.split("  ") {
        end += part.chars().count() + 2;
        if !part.trim().is_empty() {
            cells.push((end, part.trim()));
        }
    }
    cells
}

/// The name of each row of a table, with its cells in stable columns. These are right-aligned.
fn stable_cells(table: &str) -> String {
    let mut lines = table.lines();
    let mut header = cells(lines.next().unwrap());
    header.retain(|(_, name)| STABLE_COLUMNS.contains(name));
    assert!(header.len() > 2, "{header:?}");
    let mut stable = String::new();
    for row in lines.skip(1).map(cells).filter(|row| !row.is_empty()) {
        stable += row[0].1;
        for (end, cell) in &row[1..] {
            if let Some((_, column)) = header.iter().find(|(column_end, _)| column_end == end) {
                stable.extend([" · ", column, " ", cell]);
            }
        }
        stable += "\n";
    }
    stable
}

#[test]
fn the_readme_shows_the_real_output() {
    let dir = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(README).unwrap();
    let examples = examples(&page);
    assert!(examples.len() > 4, "{examples:?}");
    let mut updated = page.clone();
    for (command, shown) in &examples {
        let Some(actual) = run(command, dir.path()) else {
            continue;
        };
        updated =
            updated.replace(&format!("$ {command}\n{shown}"), &format!("$ {command}\n{actual}"));
        let is_same = if command.starts_with("buildperf ") {
            is_similar(&stable_cells(shown), &stable_cells(&actual))
        } else {
            is_similar(shown, &actual)
        };
        let is_blessed = std::env::var_os("BLESS").is_some();
        assert!(is_same || is_blessed, "$ {command}\n{actual}\nbut the page shows\n{shown}");
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(README, updated).unwrap();
    }
}

#[test]
fn tables_are_compared_by_their_stable_columns() {
    let table = |time: &str, peak: &str| {
        format!(
            "phase    own ms  calls  allocated MiB  peak MiB  items\n────\na/b c    {time:>6}      3            1.0  {peak:>8}\n"
        )
    };
    let expected = "a/b c · calls 3 · allocated MiB 1.0 · peak MiB 7.0\n";
    assert_eq!(stable_cells(&table("1.5", "7.0")), expected);
    let similar = |a: &str, b: &str| {
        is_similar(&stable_cells(&table("1", a)), &stable_cells(&table("12", b)))
    };
    assert!(similar("7.00", "7.01"));
    assert!(!similar("7.0", "7.1"));
    assert!(!is_similar("a 1 b", "a 1 c") && !is_similar("a 1", "a 1 2"));
}
