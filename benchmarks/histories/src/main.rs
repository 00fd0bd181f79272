//! What reading a long history costs: `buildperf` and the library beside `jq` and `DuckDB`, on the
//! same file and in the same run.
#![forbid(unsafe_code)]

mod generate;
mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use clap::Parser;
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use measure::Taken;

/// Compares ways to read a history of many records
#[derive(Debug, Parser)]
struct Args {
    /// How many records
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// How often each is run; the best counts
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// A Python that has the package `duckdb`; without one it is left out
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Where the history is put while it is needed [default: the system's temporary directory]
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Leave out jq, which takes minutes
    #[arg(long)]
    without_jq: bool,
    /// The command line to measure [default: it is built first]
    #[arg(long)]
    buildperf: Option<PathBuf>,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("{0} ended with {1}")]
    Program(String, ExitStatus),
    #[error("{what}: {name} gave {lines} lines, which are not {expected:?}")]
    Wrong { what: &'static str, name: &'static str, lines: usize, expected: Expected },
    #[error("the command line cannot be built: {0}")]
    Build(ExitStatus),
}

/// A way to answer a question.
struct Contender {
    name: &'static str,
    command: Command,
    /// How often it is run.
    rounds: u32,
    expected: Expected,
}

/// What an answer must have.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// So many lines.
    Lines(usize),
    /// A line that begins so.
    Line(&'static str),
}

impl Expected {
    fn is_met_by(self, answer: &str) -> bool {
        match self {
            Self::Lines(number) => answer.lines().count() == number,
            Self::Line(beginning) => answer.lines().any(|line| line.starts_with(beginning)),
        }
    }
}

/// A question, and who answers it: the product first.
struct Question {
    what: &'static str,
    contenders: Vec<Contender>,
}

const LAST_20: &str =
    "reduce inputs as $it ([]; (. + [$it])[-20:]) | .[] | [.build_id, .build_time_ms] | @csv";
const PER_COMMIT: &str = "[inputs | {c: .git.commit, t: .build_time_ms}] | group_by(.c)[] \
    | [.[0].c, (map(.t) | sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2)] | @csv";
const DUCKDB: &str = "
import duckdb, sys
path, query = sys.argv[1:]
duckdb.sql('SET enable_progress_bar = false')
source = f\"read_json('{path}', format='newline_delimited', columns={{build_id: 'VARCHAR', \
    timestamp: 'TIMESTAMP', build_time_ms: 'DOUBLE', git: 'STRUCT(commit VARCHAR)'}})\"
for row in duckdb.sql(query.replace('HISTORY', source)).fetchall():
    print(*row, sep=',')
";

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let buildperf = args.buildperf.clone().map_or_else(built, Ok)?;
    let scratch = match &args.scratch {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let path = scratch.path().join("history.jsonl");
    let bytes = generate::generate(&path, args.records)?;
    let size = bytes / 1_000_000;
    println!("{} records, {size} MB; best of {}\n", args.records, args.rounds);
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "",
        "",
        "time",
        "ratio",
        "processor",
        "MB/s of it",
        "peak memory",
    ]);
    for question in questions(&args, &buildperf, scratch.path(), &path)? {
        let mut ours = None;
        for mut contender in question.contenders {
            let taken = best(&mut contender, question.what)?;
            let seconds = taken.time.as_secs_f64();
            let ours = *ours.get_or_insert(seconds);
            table.add_row([
                question.what.to_owned(),
                contender.name.to_owned(),
                format!("{:.1} ms", seconds * 1e3),
                format!("{:.1}", seconds / ours),
                taken.processor.map_or_else(String::new, |it| format!("{} ms", it.as_millis())),
                taken.processor.map_or_else(String::new, |it| rate(size, it.as_secs_f64())),
                taken.peak_kib.map_or_else(String::new, |kib| format!("{} MiB", kib / 1024)),
            ]);
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    Ok(())
}

/// Megabytes for each second of a processor, as if all of the file had been read.
fn rate(megabytes: u64, seconds: f64) -> String {
    let megabytes = u32::try_from(megabytes).map_or(f64::INFINITY, f64::from);
    // Of next to nothing there is no rate.
    if seconds < 0.05 { String::new() } else { format!("{:.0}", megabytes / seconds) }
}

fn best(contender: &mut Contender, what: &'static str) -> Result<Taken, Failure> {
    let mut best: Option<Taken> = None;
    for _ in 0..contender.rounds {
        let (taken, answer) = measure::run(&mut contender.command)?;
        let expected = contender.expected;
        if !expected.is_met_by(&answer) {
            let lines = answer.lines().count();
            return Err(Failure::Wrong { what, name: contender.name, lines, expected });
        }
        best = Some(best.map_or(taken, |best| best.best(taken)));
    }
    best.ok_or_else(|| std::io::Error::other("no rounds").into())
}

/// Builds the command line of the product, and says where it is.
fn built() -> Result<PathBuf, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = root.join("target");
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "buildperf"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(&root)
        .status()?;
    if !status.success() {
        return Err(Failure::Build(status));
    }
    Ok(target.join("release/buildperf"))
}

fn questions(
    args: &Args,
    buildperf: &Path,
    dir: &Path,
    history: &Path,
) -> Result<[Question; 3], Failure> {
    let mut newest_20 = Command::new(buildperf);
    newest_20.args(["--last", "20", "--format", "csv", "--dir"]).arg(dir);
    let mut check = Command::new(buildperf);
    check.args(["check", "--format", "csv", "--dir"]).arg(dir);
    let mut scan = Command::new(std::env::current_exe()?.with_file_name("median-per-commit"));
    scan.arg(dir);
    let jq = |filter: &str| {
        let mut command = Command::new("jq");
        command.args(["-n", "-r", filter]).arg(history);
        command
    };
    let duckdb = |query: &str| {
        let mut command = Command::new(&args.python);
        command.args(["-c", DUCKDB]).arg(history).arg(query);
        command
    };
    let commits = usize::try_from(args.records.div_ceil(20)).unwrap_or(usize::MAX);
    let newest = "SELECT build_id, build_time_ms FROM HISTORY ORDER BY timestamp DESC LIMIT 20";
    let medians = "SELECT git.commit, median(build_time_ms) FROM HISTORY GROUP BY 1";
    let of = |name, command, rounds, lines| {
        let expected = Expected::Lines(lines);
        Contender { name, command, rounds, expected }
    };
    // The list in CSV has a line of headings.
    let mut last = vec![of("buildperf --last 20", newest_20, args.rounds, 21)];
    let mut per_commit = vec![of("History::scan", scan, args.rounds, commits)];
    let has = |command: &mut Command| command.output().is_ok_and(|it| it.status.success());
    if has(Command::new(&args.python).args(["-c", "import duckdb"])) {
        last.push(of("DuckDB", duckdb(newest), args.rounds, 20));
        per_commit.push(of("DuckDB", duckdb(medians), args.rounds, commits));
    }
    if !args.without_jq && has(Command::new("jq").arg("--version")) {
        // Once will do.
        last.push(of("jq", jq(LAST_20), 1, 20));
        per_commit.push(of("jq", jq(PER_COMMIT), 1, commits));
    }
    // What varies at random by as much in each build is no change.
    let expected = Expected::Line("unchanged,,time_ms,");
    let judged =
        Contender { name: "buildperf check", command: check, rounds: args.rounds, expected };
    Ok([
        Question { what: "the newest 20 builds", contenders: last },
        Question { what: "the newest build judged", contenders: vec![judged] },
        Question { what: "median time of each commit", contenders: per_commit },
    ])
}
