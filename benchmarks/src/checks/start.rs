//! What a program pays before it has done anything: before the first line of `main`, and until it
//! measures, as in the first `start_build`.

use std::process::Command;

use serde::Serialize;
use workloads::{Beginning, now_ns};

use super::Depth;
use crate::contenders::{BARE, Contender, FULL};
use crate::error::Error;
use crate::programs::{Programs, ask};
use crate::rounds::Pace;
use crate::statistics::Distribution;

/// Microseconds that a contender adds before anything is done, over many pairs of processes: one
/// of it, one bare, one right after the other, both while ordinary instructions ran at full
/// pace, or the calmest quarter of all pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Start {
    pub(crate) contender: String,
    /// How much later than the bare one a process comes to the first line of `main`, counted from
    /// where each was started, so that what it takes to start a process is in neither.
    pub(crate) before_main: Distribution,
    /// How much longer it takes to begin measuring, than to begin nothing.
    pub(crate) begin: Distribution,
    /// Both in one process.
    pub(crate) together: Distribution,
    /// How long the bare process takes to start a thread that does nothing, as `start_build` starts
    /// one: what cannot be saved.
    pub(crate) bare_spawn: Distribution,
    pub(crate) pairs: usize,
}

/// Times all but the bare one, whose programs are installed.
pub(super) fn run(
    contenders: &[Contender],
    installed: &Programs,
    pace: Pace,
    depth: Depth,
) -> Result<Vec<Start>, Error> {
    let measuring = contenders.iter().filter(|it| **it != BARE);
    measuring.map(|it| beside_bare(it, installed, pace, pairs(it, depth))).collect()
}

/// How many pairs of processes there are.
fn pairs(contender: &Contender, depth: Depth) -> usize {
    match (*contender == FULL, depth) {
        (true, Depth::Full) => 400,
        (true, Depth::Quick) | (false, Depth::Full) => 100,
        (false, Depth::Quick) => 20,
    }
}

fn beside_bare(
    contender: &Contender,
    installed: &Programs,
    pace: Pace,
    pairs: usize,
) -> Result<Start, Error> {
    let (mut bare, mut full) = (installed.command(&BARE)?, installed.command(contender)?);
    for command in [&mut bare, &mut full] {
        command.arg("start");
        // The first process of a program reads it from the disk.
        begin(command)?;
    }
    let mut samples = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        // Who comes first takes turns.
        samples.push(if pair % 2 == 0 {
            let bare = begin(&mut bare)?;
            Sample::between(bare, begin(&mut full)?)
        } else {
            let full = begin(&mut full)?;
            Sample::between(begin(&mut bare)?, full)
        });
    }
    Ok(summarize(contender, &pace.calmest(samples, pairs / CALM, |it| it.pace_ns)))
}

/// Of how many pairs of processes one counts at least: the calmest.
const CALM: usize = 4;

/// Nanoseconds from a process's start to the first line of `main`, those that it took to begin
/// measuring, those that it took to start a thread, and those of a look at the pace.
type Began = [u64; 4];

fn begin(command: &mut Command) -> Result<Began, Error> {
    let started = now_ns();
    let beginning: Beginning = ask(command)?;
    let before_main = beginning.first_line_ns.saturating_sub(started);
    Ok([before_main, beginning.begin_ns, beginning.spawn_ns, beginning.pace_ns])
}

/// What one pair of processes says, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    before_main: f64,
    begin: f64,
    bare_spawn: f64,
    /// The slower of both.
    pace_ns: f64,
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    fn between(bare: Began, full: Began) -> Self {
        let longer = |part: usize| (full[part] as f64 - bare[part] as f64) / 1e3;
        Self {
            before_main: longer(0),
            begin: longer(1),
            bare_spawn: bare[2] as f64 / 1e3,
            pace_ns: bare[3].max(full[3]) as f64,
        }
    }
}

fn summarize(contender: &Contender, samples: &[Sample]) -> Start {
    let of = |value: fn(&Sample) -> f64| {
        Distribution::of(&samples.iter().map(value).collect::<Vec<_>>())
    };
    Start {
        contender: contender.name.to_owned(),
        before_main: of(|it| it.before_main),
        begin: of(|it| it.begin),
        together: of(|it| it.before_main + it.begin),
        bare_spawn: of(|it| it.bare_spawn),
        pairs: samples.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bare_process_takes_too_is_in_no_figure() {
        // Starting a process takes longer each time.
        let samples: Vec<_> = [900_000, 1_000_000, 1_700_000]
            .map(|start| Sample::between([start, 100, 20_000, 7], [start + 30_000, 50_100, 9, 8]))
            .into();
        let start = summarize(&FULL, &samples);
        assert!((start.before_main.median - 30.0).abs() < 1e-9, "{start:?}");
        assert!((start.begin.upper_quartile - 50.0).abs() < 1e-9, "{start:?}");
        assert!((start.together.lower_quartile - 80.0).abs() < 1e-9, "{start:?}");
        assert!((start.bare_spawn.median - 20.0).abs() < 1e-9, "{start:?}");
        assert_eq!(start.pairs, 3);
    }

    #[test]
    fn a_process_that_was_faster_than_the_bare_one_counts_as_such() {
        let sample = Sample::between([5_000, 100, 0, 7], [4_000, 100, 0, 7]);
        assert!((sample.before_main + 1.0).abs() < 1e-9, "{sample:?}");
    }
}
