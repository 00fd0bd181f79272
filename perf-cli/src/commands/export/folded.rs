//! Stacks of phases: as text for other programs, and drawn as a flame graph.

use clap::{Args, ValueEnum};
use perf_history::BuildStats;

use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::present::export::Stacks;
use crate::present::export::folded::{Titles, write_flamegraph, write_folded};

use super::{BuildArgs, name_of, sums};

#[derive(Debug, Clone, Args)]
pub(crate) struct StacksArgs {
    #[command(flatten)]
    pub(crate) build: BuildArgs,
    /// The value of each phase
    #[arg(long, value_enum, default_value_t, value_name = "VALUE")]
    pub(crate) value: Value,
}

/// The values of a phase, without its callees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Value {
    /// Self time on all threads, in nanoseconds
    #[default]
    Time,
    /// Self time on the build thread, in nanoseconds: adds up to the build's time
    BuildThread,
    /// Bytes allocated
    Alloc,
    /// Number of allocations
    AllocCount,
    /// Bytes allocated, by code location, estimated from samples
    /// (`BUILD_METRICS_ALLOCATORS=1`)
    AllocPlaces,
    /// Bytes still live at the end of the build, by code location, estimated from samples
    Retained,
}

impl Value {
    fn stacks(self, stats: &BuildStats) -> Stacks {
        match self {
            Self::Time => sums::time(stats),
            Self::BuildThread => sums::build_thread_time(stats),
            Self::Alloc => sums::allocated(stats),
            Self::AllocCount => sums::allocations(stats),
            Self::AllocPlaces => sums::allocated_by_place(stats),
            Self::Retained => sums::retained_by_place(stats),
        }
    }
}

/// Writes the stacks as text.
pub(super) fn folded(invocation: &mut Invocation<'_, '_>, args: &StacksArgs) -> Result {
    let (_, stacks) = stacks(invocation, args)?;
    super::write_to(invocation, &args.build.output, |target| write_folded(target, &stacks))
}

pub(super) fn flamegraph(invocation: &mut Invocation<'_, '_>, args: &StacksArgs) -> Result {
    let (stats, stacks) = stacks(invocation, args)?;
    let titles = Titles {
        title: format!("{}: {}", stats.tool, stacks.name),
        subtitle: format!("{} · {}", stats.timestamp, stats.build_id),
    };
    super::write_to(invocation, &args.build.output, |target| {
        write_flamegraph(target, &titles, &stacks)
    })
}

/// The build, and its stacks: at least one.
fn stacks(invocation: &mut Invocation<'_, '_>, args: &StacksArgs) -> Result<(BuildStats, Stacks)> {
    let stats = super::build(invocation, &args.build.build)?;
    let stacks = args.value.stacks(&stats);
    if stacks.total() > 0 {
        return Ok((stats, stacks));
    }
    let why = match args.value {
        Value::Alloc | Value::AllocCount if stats.alloc_count.is_none() => {
            ": the tracking allocator is not in the program"
        }
        Value::AllocPlaces | Value::Retained if stats.allocators.is_none() => {
            ": it sampled no allocations (BUILD_METRICS_ALLOCATORS=1 does)"
        }
        _ => "",
    };
    Err(Failure::NoData(format!("the build {} has no {}{why}", name_of(&stats), stacks.name)))
}
