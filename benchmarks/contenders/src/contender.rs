//! The program of a contender: it does what its arguments say while measuring, and prints the result.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memory_stats::memory_stats;
use serde::{Deserialize, Serialize};

use crate::batches::UNITS;
use crate::work::{allocate, call, time_workload};
use crate::{Phases, Workload};

/// One way of measuring.
pub trait Contender {
    /// The functions of the workloads with this contender's annotation.
    type Annotated: Phases;

    /// Measures while `work` is done, as a program would during its whole life.
    fn measuring<T>(work: impl FnOnce() -> T) -> T;

    /// What it reports about `work`, which calls [`Phases::call`] and allocates in
    /// [`Phases::within`].
    fn seen(work: impl FnOnce()) -> Seen;

    /// Does about a thousand calls, on any thread. Where the contender has a notion of a frame or a
    /// trace, this is one.
    #[inline]
    fn unit(work: impl FnOnce()) {
        work();
    }

    /// A closure that does `work` as part of the current phase, wherever it is called. The closure
    /// itself where the contender offers no hand-off.
    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        work
    }
}

/// What a contender reports about known work: a self-check, so that a contender that measures nothing
/// is not compared. What it does not report is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Calls of the function `leaf`.
    pub calls: Option<u64>,
    /// Blocks that were allocated in the function `within`, or in all.
    pub blocks: Option<u64>,
    /// Bytes of these blocks.
    pub bytes: Option<u64>,
}

/// The known work.
pub const KNOWN: Seen = Seen { calls: Some(1000), blocks: Some(1000), bytes: Some(8000) };

/// Resident memory before and after many calls of one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The number of calls between the two.
    pub calls: u64,
    /// Bytes resident after the first tenth of all calls, which touches what is touched once.
    pub before: u64,
    /// Bytes resident after the last call.
    pub after: u64,
}

/// How a program started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// When `main` reached its first line, by [`now_ns`].
    pub first_line_ns: u64,
    /// Nanoseconds that it took to begin measuring, for the first time in the process.
    pub begin_ns: u64,
}

/// Nanoseconds since the Unix epoch, so that processes can compare their times.
#[must_use]
pub fn now_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

const USAGE: &str = "usage: CONTENDER COMMAND

  time WORKLOAD MILLISECONDS     times a workload while measuring
  outside WORKLOAD MILLISECONDS  times a workload outside a build
  calls COUNT                    calls a phase, and reports resident memory before and after
  start                          reports when the program started, and how long measuring took to begin
  check                          reports what was counted of known work";

/// The `main` of a contender: does what the arguments say, and prints one line of JSON.
#[must_use]
pub fn main<C: Contender>() -> ExitCode {
    let first_line_ns = now_ns();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(result) = run::<C>(first_line_ns, &arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("{result}");
    ExitCode::SUCCESS
}

/// The result as JSON. `None` where the arguments are not understood.
fn run<C: Contender>(first_line_ns: u64, arguments: &[&str]) -> Option<String> {
    let result = match arguments {
        ["time" | "outside", workload, milliseconds] => {
            let workload = Workload::from_name(workload)?;
            let time = Duration::from_millis(milliseconds.parse().ok()?);
            let timed = || time_workload::<C>(workload, time);
            let outside = arguments[0] == "outside";
            serde_json::to_string(&if outside { timed() } else { C::measuring(timed) })
        }
        ["calls", calls] => {
            let calls = calls.parse().ok()?;
            serde_json::to_string(&C::measuring(|| call_often::<C>(calls)))
        }
        ["start"] => {
            let asked = now_ns();
            let begin_ns = C::measuring(|| now_ns().saturating_sub(asked));
            serde_json::to_string(&Start { first_line_ns, begin_ns })
        }
        ["check"] => serde_json::to_string(&C::seen(|| {
            call::<C>();
            allocate::<C>(8);
        })),
        _ => return None,
    };
    Some(result.expect("structs of numbers are valid JSON"))
}

/// Calls a phase `calls` times, rounded up to thousands.
fn call_often<C: Contender>(calls: u64) -> Memory {
    let resident = || memory_stats().map_or(0, |stats| stats.physical_mem as u64);
    let units = calls.div_ceil(UNITS.into());
    for _ in 0..units / 10 {
        call::<C>();
    }
    let before = resident();
    for _ in units / 10..units {
        call::<C>();
    }
    Memory { calls: (units - units / 10) * u64::from(UNITS), before, after: resident() }
}
