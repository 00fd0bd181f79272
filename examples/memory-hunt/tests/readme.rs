//! What `README.md` shows is what the program and the tools really say. The numbers that vary, which are
//! all those of time, are left out.
//!
//! `BLESS=1` writes into it what they say now.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use clap::{CommandFactory, Parser};
use perf_cli::{Console, ExitStatus, PerfArgs, Program};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

const METRICS: &str = ".build-metrics";

/// By which share a number may be another one: a compiler may lay out its structures otherwise.
const SHARE: f64 = 0.005;

/// Columns of `buildperf show` that do not depend on the time.
const STEADY: [&str; 5] = ["calls", "allocated MiB", "peak MiB", "±", "retained MiB"];

/// Where the program runs, as the page says: files are told of from there on.
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// Whether allocations are sampled on this system.
const SAMPLES: bool = cfg!(all(
    target_os = "linux",
    target_pointer_width = "64",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: PerfArgs,
}

/// The tool as `buildperf`, without colours.
fn buildperf(words: &str, dir: &Path) -> String {
    let line = Line::try_parse_from(["buildperf"].into_iter().chain(words.split(' '))).unwrap();
    let program =
        Program::new("buildperf", Line::command()).with_dir(dir.join(METRICS)).with_switch(None);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = perf_cli::run_on(
        &line.args,
        &program,
        &mut Console::new(&mut out, &mut err)
            .with_width(120)
            .with_now(UNIX_EPOCH + Duration::from_hours(498_745)),
    );
    assert_eq!(exit, ExitStatus::Success, "{}", String::from_utf8_lossy(&err));
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says in a directory. `None` where it is of a tool that is not installed.
fn said(command: &str, dir: &Path) -> Option<String> {
    if let Some(words) = command.strip_prefix("cargo run --release -p memory-hunt") {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_memory-hunt"));
        for (variable, _) in std::env::vars() {
            if variable.starts_with("BUILD_METRICS") {
                tool.env_remove(variable);
            }
        }
        tool.current_dir(FOLDER).env("BUILD_METRICS_DIR", dir.join(METRICS));
        return Some(succeed(tool.args(words.split_whitespace().skip(1))));
    }
    let of_samples = ["top_allocators", "--allocators"].iter().any(|it| command.contains(it));
    if of_samples && !SAMPLES {
        eprintln!("skipped, as there are no samples on this system: {command}");
        return None;
    }
    if let Some(words) = command.strip_prefix("buildperf ") {
        let (words, lines) = words.split_once(" | sed -n '/^").unwrap();
        let (first, last) = lines.strip_suffix("/p'").unwrap().split_once("/,/^").unwrap();
        let said = buildperf(words, dir);
        let (_, from_first) = said.split_once(&format!("\n{first}")).unwrap();
        let (between, from_last) = from_first.split_once(&format!("\n{last}")).unwrap();
        let rest_of_last = from_last.lines().next().unwrap();
        return Some(format!("{first}{between}\n{last}{rest_of_last}\n"));
    }
    assert!(command.starts_with("jq "), "{command}");
    if !Command::new("jq").arg("--version").output().is_ok_and(|it| it.status.success()) {
        eprintln!("skipped, as jq is not installed: {command}");
        return None;
    }
    Some(succeed(Command::new("sh").args(["-c", command]).current_dir(dir)))
}

/// Commands, each with what is shown of it.
type Shown = Vec<(String, String)>;

/// The page with what `say` gives for each of its commands, and the commands with what it shows.
fn read(page: &str, mut say: impl FnMut(&str) -> Option<String>) -> (String, Shown) {
    let (mut told, mut shown): (String, Shown) = (String::new(), Vec::new());
    let mut in_console = false;
    // What a command was shown to say is kept where nobody can say it.
    let mut kept = true;
    for line in page.lines() {
        if line.starts_with("```") {
            (in_console, kept) = (line == "```console", true);
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| in_console) {
            shown.push((command.to_owned(), String::new()));
            let output = say(command);
            kept = output.is_none();
            told.extend([line, "\n", &output.unwrap_or_default()]);
            continue;
        } else if in_console {
            let last = shown.last_mut().unwrap();
            last.1.extend([line, "\n"]);
            if !kept {
                continue;
            }
        }
        told.extend([line, "\n"]);
    }
    (told, shown)
}

/// Whether two texts are the same but for numbers that differ by hardly anything.
fn same_text(one: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let is_part = |it: char| it.is_ascii_digit() || it == '.';
        let split = text.split_inclusive(|it| !is_part(it));
        split
            .flat_map(|it| match it.char_indices().last() {
                Some((at, last)) if !is_part(last) => vec![it[..at].to_owned(), last.to_string()],
                _ => vec![it.to_owned()],
            })
            .collect()
    };
    let (one, other) = (words(one), words(other));
    let same = |(one, other): (&String, &String)| match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => (one - other).abs() <= SHARE * one.abs().max(other.abs()),
        _ => one == other,
    };
    one.len() == other.len() && one.iter().zip(&other).all(same)
}

/// The cells of a line, each with the column that it ends in. There are two spaces between them.
fn cells(line: &str) -> Vec<(usize, String)> {
    let characters: Vec<char> = line.trim_end().chars().chain([' ', ' ']).collect();
    let mut cells = Vec::new();
    let mut cell = String::new();
    for (at, pair) in characters.windows(2).enumerate() {
        match pair {
            [' ', ' '] if cell.is_empty() => {}
            [' ', ' '] => cells.push((at, std::mem::take(&mut cell))),
            [' ', _] if cell.is_empty() => {}
            [character, _] => cell.push(*character),
            _ => unreachable!("windows of two"),
        }
    }
    cells
}

/// The phases of a table with what is in its steady columns, which are aligned to the right.
fn steady(table: &str) -> String {
    let header = cells(table.lines().next().unwrap());
    let is_steady = |name: &str| STEADY.contains(&name);
    assert!(header.iter().filter(|(_, name)| is_steady(name)).count() > 2, "{header:?}");
    let mut steady = String::new();
    for row in table.lines().skip(2).map(cells).filter(|it| !it.is_empty()) {
        steady += &row[0].1;
        for (end, cell) in &row[1..] {
            let column = header.iter().find(|it| it.0 == *end).map(|it| it.1.as_str());
            if let Some(column) = column.filter(|it| is_steady(it)) {
                steady.extend([" · ", column, " ", cell]);
            }
        }
        steady += "\n";
    }
    steady
}

#[test]
fn what_the_readme_shows_is_what_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(README).unwrap();
    let (told, shown) = read(&page, |command| said(command, dir.path()));
    assert!(shown.len() > 4, "{shown:?}");
    if std::env::var_os("BLESS").is_some() {
        fs::write(README, told).unwrap();
        return;
    }
    let (_, now) = read(&told, |_| None);
    for ((command, shown), (_, now)) in shown.iter().zip(&now) {
        let same = if command.starts_with("buildperf ") {
            same_text(&steady(shown), &steady(now))
        } else {
            same_text(shown, now)
        };
        assert!(same, "$ {command}\n{now}\nbut the page shows\n{shown}");
    }
}

#[test]
fn a_table_is_compared_by_its_steady_columns_alone() {
    let table = |time: &str, peak: &str| {
        format!(
            "phase    own ms  calls  allocated MiB  peak MiB  items\n────\na/b c    {time:>6}      3            1.0  {peak:>8}\n"
        )
    };
    assert_eq!(
        steady(&table("1.5", "7.0")),
        "a/b c · calls 3 · allocated MiB 1.0 · peak MiB 7.0\n"
    );
    assert!(same_text(&steady(&table("1.5", "7.00")), &steady(&table("12.5", "7.01"))));
    assert!(!same_text(&steady(&table("1.5", "7.0")), &steady(&table("1.5", "7.1"))));
    assert!(!same_text("a 1 b", "a 1 c") && !same_text("a 1", "a 1 2"));
}
