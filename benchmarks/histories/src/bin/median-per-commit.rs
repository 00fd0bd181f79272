//! Prints the median build time of each commit of the history in the directory that is named.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::process::ExitCode;

use perf_history::{History, HistoryError};

type Times = BTreeMap<String, Vec<f64>>;

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1) else {
        eprintln!("usage: median-per-commit DIR");
        return ExitCode::from(2);
    };
    match times(&History::open(dir)) {
        Ok(times) => {
            for (commit, mut times) in times {
                times.sort_by(f64::total_cmp);
                let middle = times.len() / 2;
                let lower = times[(times.len() - 1) / 2];
                println!("{commit},{}", f64::midpoint(lower, times[middle]));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", error.describe());
            ExitCode::FAILURE
        }
    }
}

fn times(history: &History) -> Result<Times, HistoryError> {
    let mut times = Times::new();
    let mut lines = history.iter();
    // The summary of each record is enough.
    while let Some(line) = lines.next_where(|summary| {
        if let Some(commit) = summary.commit {
            times.entry(commit.to_owned()).or_default().push(summary.build_time_ms);
        }
        false
    }) {
        line?;
    }
    Ok(times)
}
