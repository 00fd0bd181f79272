//! Whether the files of a history are sound.

use std::fs;
use std::io;
use std::path::Path;

use perf_history::{BuildStats, History, HistoryError, HistoryLine, UnreadableLine};

use super::Check;
use crate::failure::Failure;
use crate::present::units;

/// How many lines are named.
const NAMED: usize = 5;

/// What reading all of it shows.
#[derive(Default)]
struct Scan {
    records: u64,
    unreadable: u64,
    named: Vec<UnreadableLine>,
    last_id: Option<String>,
}

/// Reads all of the history.
pub(super) fn checks(history: &History, repair: &str) -> Result<Vec<Check>, Failure> {
    let scan = scan(history)?;
    let mut checks = vec![records(history, &scan), lines(&scan, repair)];
    checks.extend(latest(history, &scan));
    checks.extend(pending(history));
    Ok(checks)
}

fn scan(history: &History) -> Result<Scan, HistoryError> {
    let mut scan = Scan::default();
    for line in history {
        match line? {
            HistoryLine::Record(_) => scan.records += 1,
            HistoryLine::Unreadable(line) => {
                scan.unreadable += 1;
                if scan.named.len() < NAMED {
                    scan.named.push(line);
                }
            }
        }
    }
    scan.last_id = history.latest()?.map(|stats| stats.build_id);
    Ok(scan)
}

fn records(history: &History, scan: &Scan) -> Check {
    let path = history.path();
    let found = match fs::metadata(&path) {
        Ok(file) => {
            let size = units::bytes(units::float(file.len()));
            format!("{} in {size}: {}", units::counted(scan.records, "record"), path.display())
        }
        Err(_) => format!("there is no {}", path.display()),
    };
    if scan.records > 0 {
        return Check::fine("history", found);
    }
    Check::bad("history", found, "run a build, or name the directory with --dir")
}

fn lines(scan: &Scan, repair: &str) -> Check {
    if scan.unreadable == 0 {
        return Check::fine("lines", "all can be read");
    }
    let named: Vec<String> = scan
        .named
        .iter()
        .map(|line| format!("line {}: {}", line.line.unwrap_or_default(), line.reason))
        .collect();
    let more = scan.unreadable - named.len() as u64;
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    Check::bad(
        "lines",
        format!("{} cannot be read ({}{more})", scan.unreadable, named.join("; ")),
        format!("`{repair}` moves them to history.rejected.jsonl"),
    )
}

/// Whether `latest.json` is the newest record once more.
fn latest(history: &History, scan: &Scan) -> Option<Check> {
    const WHAT: &str = "latest.json";
    let newest = scan.last_id.as_ref()?;
    let text = match fs::read(history.dir().join("latest.json")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some(Check::notice(WHAT, "it is not there", "the next build writes it"));
        }
        Err(error) => return Some(Check::bad(WHAT, error.to_string(), "let it be read")),
    };
    Some(match serde_json::from_slice::<BuildStats>(&text) {
        Ok(stats) if stats.build_id == *newest => Check::fine(WHAT, "it is the newest record"),
        _ => Check::notice(WHAT, "it is not the newest record", "the next build mends it"),
    })
}

/// Whether records wait whose writers did not get the lock in time.
fn pending(history: &History) -> Option<Check> {
    let waiting = files(&history.dir().join("pending"));
    (waiting > 0).then(|| {
        Check::notice(
            "pending",
            format!("{} had to wait", units::counted(waiting, "record")),
            "the next build puts them into the history",
        )
    })
}

fn files(folder: &Path) -> u64 {
    fs::read_dir(folder).map_or(0, |entries| entries.flatten().count() as u64)
}
