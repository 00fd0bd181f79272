//! A long history, made of a real record by variations that are the same in every run.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use perf_history::{BuildStats, Git};

use crate::Failure;

/// Real records of the example, of which the first is varied.
const RECORDS: &str = include_str!("../../../perf-cli/tests/data/site/history.jsonl");
/// So many phases are kept, so that a million records take some two gigabytes.
const PHASES: usize = 1;
/// So many builds are made of each commit.
const BUILDS_PER_COMMIT: u64 = 20;

/// Writes a history of so many records, and says how many bytes they are.
pub(crate) fn generate(path: &Path, records: u64) -> Result<u64, Failure> {
    let line = RECORDS.lines().next().unwrap_or_default();
    let mut stats: BuildStats = serde_json::from_str(line)?;
    stats.phases.truncate(PHASES);
    let paths: Vec<String> = stats.phases.iter().map(|phase| phase.path.clone()).collect();
    stats.phase_timings_ms.retain(|path, _| paths.contains(path));
    let (time, phases) = (stats.build_time_ms, stats.phases.clone());
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for number in 0..records {
        let variation = 0.9 + 0.2 * random.share();
        stats.build_id = format!("01a2010a-03d1-7d86-bc85-{number:012x}");
        stats.build_time_ms = time * variation;
        let (hour, rest) = (number / 3_600 % 24, number % 3_600);
        let day = 1 + number / 86_400;
        stats.timestamp =
            format!("2026-10-{day:02}T{hour:02}:{:02}:{:02}.500Z", rest / 60, rest % 60);
        let mut git = Git::default();
        git.commit = Some(format!("{:040x}", number / BUILDS_PER_COMMIT));
        git.branch = Some("main".to_owned());
        git.dirty = Some(false);
        stats.git = Some(git);
        for (phase, before) in stats.phases.iter_mut().zip(&phases) {
            let variation = 0.8 + 0.4 * random.share();
            phase.total_ms = before.total_ms * variation;
            phase.self_ms = before.self_ms * variation;
        }
        serde_json::to_writer(&mut file, &stats)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(file.get_ref().metadata()?.len())
}

/// Numbers that look random (xorshift64*), the same in every run.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = u32::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32);
        f64::from(high.unwrap_or_default()) / f64::from(u32::MAX)
    }
}
