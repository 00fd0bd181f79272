//! Prints the median build time of each commit of the history in the directory that is named.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::process::ExitCode;

use perf_history::{History, HistoryError, ScannedLine};

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
    let parts = history.scan(Times::new, |times, line| {
        let ScannedLine::Record(summary) = line else { return };
        let Some(commit) = summary.commit else { return };
        if let Some(times) = times.get_mut(commit) {
            times.push(summary.build_time_ms);
        } else {
            times.insert(commit.to_owned(), vec![summary.build_time_ms]);
        }
    })?;
    let mut all = Times::new();
    for (commit, times) in parts.into_iter().flatten() {
        all.entry(commit).or_default().extend(times);
    }
    Ok(all)
}
