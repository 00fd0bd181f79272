//! How long a program takes and how much memory, with its output in a file.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// What one run of a program took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) time: Duration,
    /// Processor time over all threads, to a hundredth of a second, where the system tells.
    pub(crate) processor: Option<Duration>,
    /// The highest resident set, where the system tells.
    pub(crate) peak_kib: Option<u64>,
}

impl Taken {
    /// The shorter times; the memory of the run that took more.
    pub(crate) fn best(self, other: Self) -> Self {
        let processor = self.processor.min(other.processor);
        Self {
            time: self.time.min(other.time),
            processor,
            peak_kib: self.peak_kib.max(other.peak_kib),
        }
    }
}

/// Runs a program for its time, and gives what it wrote.
pub(crate) fn run(command: &mut Command) -> Result<(Taken, String), Failure> {
    let name = format!("{command:?}");
    let output = tempfile::NamedTempFile::new()?;
    command.stdin(Stdio::null()).stdout(output.reopen()?).stderr(Stdio::inherit());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let (mut peak_kib, mut processor) = (None, None);
    // Looking for its end often takes the program no time that matters, and its memory is told
    // until it has ended.
    let status = loop {
        peak_kib = peak_kib.max(peak_of(&child));
        processor = processor.max(processor_time_of(&child));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let so_far = start.elapsed();
        std::thread::sleep(
            (so_far / 100).clamp(Duration::from_micros(200), Duration::from_millis(20)),
        );
    };
    let time = start.elapsed();
    if !status.success() {
        return Err(Failure::Program(name, status));
    }
    Ok((Taken { time, processor, peak_kib }, fs::read_to_string(output.path())?))
}

fn peak_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Linux counts it in hundredths of a second, in the fields 14 and 15: those of user and system.
fn processor_time_of(child: &Child) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: Result<Vec<u64>, _> = ticks.collect();
    Some(Duration::from_millis(10 * ticks.ok()?.iter().sum::<u64>()))
}
