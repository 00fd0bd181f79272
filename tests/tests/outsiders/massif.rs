//! Peaks by massif, valgrind's heap profiler.

use std::fs;
use std::process::Command;

use contract_tests::programs::{Place, succeed};

use crate::programs::Program;

/// The highest live heap by the record and by massif, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peaks {
    /// `memory_peak_mb` of the record.
    pub(crate) ours: u64,
    /// By massif, of the program with measuring off: without the runtime's own memory, which no record
    /// counts.
    pub(crate) bare: u64,
    /// By massif, of the measured program: with the runtime's own memory.
    pub(crate) measured: u64,
}

impl Peaks {
    pub(crate) fn of(program: Program) -> Self {
        let place = Place::new();
        program.prepare(&place.path("."));
        succeed(&mut command(&place, None, program));
        let megabytes = place.only_record("metrics")["memory_peak_mb"].as_f64().unwrap();
        // A record's megabytes have at least three decimals: half a KiB.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
        let ours = (megabytes * 1_048_576.0).round() as u64;
        let bare = peak(&place, command(&place, Some("bare"), program).env("BUILD_METRICS", "off"));
        let measured = peak(&place, &mut command(&place, Some("measured"), program));
        Self { ours, bare, measured }
    }

    /// By how many percent of `theirs` ours is larger.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
    pub(crate) fn percent(self, theirs: u64) -> f64 {
        (self.ours as f64 / theirs as f64 - 1.0) * 100.0
    }
}

/// The command that runs a program: under massif if there is a name for its output.
fn command(place: &Place, seen: Option<&str>, program: Program) -> Command {
    let tool = std::env::current_exe().unwrap();
    let mut command =
        place.command(if seen.is_some() { "valgrind" } else { tool.to_str().unwrap() });
    if let Some(seen) = seen {
        // The exact peak, and no trees of callers, which would make massif slow.
        command.args(["--tool=massif", "--peak-inaccuracy=0", "--depth=1", "--heap-admin=0"]);
        command.args(["--log-file=log", &format!("--massif-out-file={seen}")]).arg(tool);
    }
    command.args([crate::AS_A_PROGRAM, program.name()]);
    command.env("BUILD_METRICS_DIR", "metrics").env("RAYON_NUM_THREADS", "1");
    command
}

/// Runs the command, and returns the highest of massif's snapshots.
fn peak(place: &Place, command: &mut Command) -> u64 {
    succeed(command);
    let out = command
        .get_args()
        .filter_map(|argument| argument.to_str()?.strip_prefix("--massif-out-file="));
    let snapshots = fs::read_to_string(place.path(out.last().unwrap())).unwrap();
    let bytes = snapshots.lines().filter_map(|line| line.strip_prefix("mem_heap_B="));
    bytes.map(|number| number.parse().unwrap()).max().unwrap()
}
