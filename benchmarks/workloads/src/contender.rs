//! A contender's program: it is told what to do, does it while measuring, and tells what it took.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use crate::allocations::{allocate_often, time_blocks, time_freed_elsewhere, time_growth};
use crate::batches::{Budget, Pair, summarize};
use crate::documents::{read_all, time_documents};
#[cfg(feature = "see")]
use crate::known_work;
use crate::phases::on_threads;
use crate::{Phases, Seen, Workload, beginning, growth, handed, phases};

/// One way of measuring.
pub trait Contender {
    /// The functions of the workloads with this contender's annotation.
    type Annotated: Phases;

    /// Measures while `work` is done, as a program would over its whole life.
    fn measuring<T>(work: impl FnOnce() -> T) -> T;

    /// What it tells of `work`, which calls [`Phases::call`] and allocates in [`Phases::within`].
    fn seen(work: impl FnOnce()) -> Seen;

    /// Does a piece of the work, about a thousand calls, on any thread. Where the contender has a
    /// notion of such a piece (a frame, a trace), it is one.
    #[inline]
    fn unit(work: impl FnOnce()) {
        work();
    }

    /// A closure that does `work` as part of the phase that is current now, wherever it is called.
    /// Where the contender has nothing of the kind, it is bare.
    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        work
    }

    /// A future whose polls are part of the phase that is current now, wherever they are made. Where
    /// the contender has nothing of the kind, it is bare.
    fn handed_future<F>(future: F) -> impl Future<Output = u64> + Send + 'static
    where
        F: Future<Output = u64> + Send + 'static,
    {
        future
    }
}

/// Why a contender's program fails.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(
        "usage: CONTENDER time WORKLOAD MILLISECONDS MOST_CALLS [LIST] | calls COUNT | blocks COUNT | start | see"
    )]
    Usage,
    #[error("the workload needs a list of the files to read")]
    NoDocuments,
    #[error("reading the files that {} names: {cause}", list.display())]
    Documents { list: PathBuf, cause: io::Error },
    #[error("writing the result: {0}")]
    Output(#[from] io::Error),
}

/// The `main` of a contender: does what the arguments say, and prints what it took as one line of
/// JSON.
///
/// - `time WORKLOAD MILLISECONDS MOST_CALLS [LIST]` times a workload ([`crate::Timing`]), for so long and
///   no longer than it takes to make so many calls;
/// - `calls COUNT` calls a phase so many times ([`crate::Growth`]);
/// - `blocks COUNT` allocates and frees a block of 8 bytes so many times;
/// - `start` tells when the program came to its first line, and how long the contender took to begin
///   measuring ([`crate::Beginning`]);
/// - `see` tells what the contender has seen of work that is known ([`Seen`]), with the feature `see`.
#[must_use]
pub fn main<C: Contender>() -> ExitCode {
    let first_line = beginning::now_ns();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match obey::<C>(&arguments, first_line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell where standard error is gone.
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

fn obey<C: Contender>(arguments: &[OsString], first_line: u64) -> Result<(), Failure> {
    let word = |index: usize| arguments.get(index).and_then(|it| it.to_str());
    match word(0).ok_or(Failure::Usage)? {
        "start" => tell(&beginning::begin::<C>(first_line)),
        #[cfg(feature = "see")]
        "see" => tell(&C::seen(known_work::<C>)),
        "calls" => {
            let calls = word(1).and_then(|it| it.parse().ok()).ok_or(Failure::Usage)?;
            tell(&C::measuring(|| growth::call_often::<C>(calls)))
        }
        "blocks" => {
            let blocks = word(1).and_then(|it| it.parse().ok()).ok_or(Failure::Usage)?;
            tell(&C::measuring(|| allocate_often::<C>(blocks)))
        }
        "time" => {
            let workload = word(1).and_then(Workload::named).ok_or(Failure::Usage)?;
            let time = word(2).and_then(|it| it.parse().ok()).ok_or(Failure::Usage)?;
            let units = word(3).and_then(|it| it.parse().ok()).ok_or(Failure::Usage)?;
            let documents = match (workload, arguments.get(4)) {
                (Workload::Readmes, None) => return Err(Failure::NoDocuments),
                (Workload::Readmes, Some(list)) => read_all(list.as_ref())
                    .map_err(|cause| Failure::Documents { list: list.into(), cause })?,
                _ => Vec::new(),
            };
            let budget = Budget { time: Duration::from_millis(time), units, meeting: None };
            let timed = || summarize(&pairs_of::<C>(workload, budget, &documents));
            let outside = workload == Workload::HandedOutside;
            tell(&if outside { timed() } else { C::measuring(timed) })
        }
        _ => Err(Failure::Usage),
    }
}

fn pairs_of<C: Contender>(
    workload: Workload,
    budget: Budget<'_>,
    documents: &[String],
) -> Vec<Pair> {
    use Workload as W;
    match workload {
        W::TightCall => phases::time_calls::<C>(budget),
        W::TenNested => phases::time_nested::<C>(budget),
        W::HundredSites => phases::time_sites::<C>(budget),
        W::TwoThreads => on_threads(2, budget, phases::time_calls::<C>),
        W::EightThreads => on_threads(8, budget, phases::time_calls::<C>),
        W::ThousandPolls => phases::time_polls::<C>(budget),
        W::HandedOutside => handed::time_outside::<C>(budget),
        W::HandedInItsPhase => handed::time_in_its_phase::<C>(budget),
        W::HandedInAnotherPhase => handed::time_in_another_phase::<C>(budget),
        W::HandedToAnotherThread => handed::time_on_another_thread::<C>(budget),
        W::HandedFuture => handed::time_future::<C>(budget),
        W::Alloc8 => time_blocks::<C>(8, budget),
        W::Alloc8TwoThreads => on_threads(2, budget, |it| time_blocks::<C>(8, it)),
        W::Alloc1K => time_blocks::<C>(1 << 10, budget),
        W::Alloc1KTwoThreads => on_threads(2, budget, |it| time_blocks::<C>(1 << 10, it)),
        W::Alloc64K => time_blocks::<C>(1 << 16, budget),
        W::VecGrowth => time_growth::<C>(budget),
        W::FreedElsewhere => time_freed_elsewhere::<C>(budget),
        W::Readmes => time_documents::<C>(budget, documents),
    }
}

fn tell(result: &impl Serialize) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, result).map_err(io::Error::from)?;
    Ok(output.write_all(b"\n")?)
}
