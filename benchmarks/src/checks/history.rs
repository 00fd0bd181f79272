//! What `buildperf` takes to read the newest builds of a long history.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workloads::lower_quartile;

use crate::programs::{build, product, run as run_program, without_switches};

const RECORDS: u64 = 1_000_000;
const BUILDS_PER_COMMIT: u64 = 20;
/// How often each command is run.
const RUNS: usize = 9;

/// Milliseconds on a history of a million records.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LongHistory {
    pub(crate) list_ms: f64,
    pub(crate) check_ms: f64,
}

/// Writes the history, made of variations of a real record, and times both commands.
pub(super) fn run(scratch: &Path, record: &Value) -> Result<LongHistory> {
    let buildperf = scratch.join("buildperf");
    build(product(), "buildperf", &[], &buildperf)?;
    let folder = scratch.join("history");
    fs::create_dir(&folder)?;
    let mut file = BufWriter::new(File::create(folder.join("history.jsonl"))?);
    for number in 0..RECORDS {
        serde_json::to_writer(&mut file, &variation(record, number))?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    drop(file);
    let time = |arguments: &[&str], lines: usize| -> Result<f64> {
        let mut milliseconds = Vec::new();
        for _ in 0..RUNS {
            let mut command = Command::new(&buildperf);
            without_switches(&mut command).current_dir(scratch).args(arguments);
            command.args(["--format", "csv", "--dir"]).arg(&folder);
            let start = Instant::now();
            let output = run_program(&mut command)?;
            milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
            let written = String::from_utf8_lossy(&output.stdout).lines().count();
            ensure!(written >= lines, "{command:?} printed {written} lines of at least {lines}");
        }
        Ok(lower_quartile(milliseconds))
    };
    let times = LongHistory {
        // A line of headings, and the builds.
        list_ms: time(&["--last", "20"], 21)?,
        // It fails where too little can be judged.
        check_ms: time(&["check", "--strict"], 2)?,
    };
    fs::remove_dir_all(&folder)?;
    Ok(times)
}

/// The record of another build: a second later, with a time that differs by up to 10 %.
fn variation(record: &Value, number: u64) -> Value {
    let mut record = record.clone();
    // Looks random, and is the same in every run: the fractional part of multiples of the golden ratio.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let share = (number as f64 * 0.618_033_988_749_895).fract();
    let time = record["build_time_ms"].as_f64().unwrap_or(1000.0);
    record["build_time_ms"] = Value::from(time * (0.9 + 0.2 * share));
    record["build_id"] = Value::from(format!("01a2010a-03d1-7d86-bc85-{number:012x}"));
    let (day, second) = (1 + number / 86_400, number % 86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    record["timestamp"] =
        Value::from(format!("2026-10-{day:02}T{hour:02}:{minute:02}:{second:02}.500Z"));
    record["git"] = serde_json::json!({
        "commit": format!("{:040x}", number / BUILDS_PER_COMMIT),
        "branch": "main",
        "dirty": false,
    });
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variations_are_a_second_apart_and_differ_in_time_by_up_to_a_tenth() {
        let record = serde_json::json!({ "tool": "mdbook", "build_time_ms": 100.0 });
        let [first, second, last] = [0, 1, RECORDS - 1].map(|number| variation(&record, number));
        assert_eq!(first["timestamp"], "2026-10-01T00:00:00.500Z");
        assert_eq!(second["timestamp"], "2026-10-01T00:00:01.500Z");
        assert_eq!(last["timestamp"], "2026-10-12T13:46:39.500Z");
        assert_eq!(last["git"]["commit"], format!("{:040x}", 49_999));
        for record in [first, second, last] {
            assert_eq!(record["tool"], "mdbook");
            assert!((90.0..110.0).contains(&record["build_time_ms"].as_f64().unwrap()));
        }
    }
}
