//! One build: its phases, and where time and memory went.

mod allocators;
mod columns;
mod header;

use clap::Args;
use perf_history::BuildStats;

use crate::context::Invocation;
use crate::failure::Failure;
use crate::present::{Block, Json, Report, Table};
use crate::select::BuildRef;

use allocators::Places;

/// The options of `show`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Own time is that on the build thread. With what is unattributed it adds up to
the build's time. Total time is that on all threads.

Examples (after the program's name):
  show                    the newest build
  show -3                 the third newest
  show 0192b6e4           by the beginning of its id, or of its commit
  show label:nightly      the newest of that label
  show --allocators       where memory was allocated (recorded with BUILD_METRICS_ALLOCATORS=1)
  show --format json      the record itself")]
pub(crate) struct ShowArgs {
    /// latest, -3 (third newest), an id, a commit, label:NAME or branch:NAME
    #[arg(value_name = "BUILD", default_value = "latest", allow_negative_numbers = true)]
    pub(crate) build: BuildRef,
    /// Show only the code locations that allocated most, and all of them
    #[arg(long)]
    pub(crate) allocators: bool,
}

/// The phases of a build as a table.
pub(super) fn phases(stats: &BuildStats) -> Table {
    columns::table(stats)
}

/// Shows a build.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &ShowArgs) -> Result<(), Failure> {
    let mut selection = invocation.selection();
    let stats = selection.newest(&args.build);
    invocation.report_unreadable(selection.unreadable());
    let stats = stats?;
    if args.allocators {
        return show_allocators(invocation, &stats);
    }
    let places = Places::most(&stats);
    let mut blocks = vec![
        Block::Title(header::title(&stats)),
        Block::Facts(header::facts(&stats, &invocation.console.now)),
        Block::Table(phases(&stats)),
    ];
    if !places.is_empty() {
        blocks.push(Block::Table(places.table()));
    }
    blocks.push(Block::Facts(places.facts()));
    invocation.write(&Report { blocks, json: Json::Record(Box::new(stats)) })
}

/// Shows all locations of the record.
fn show_allocators(invocation: &mut Invocation<'_, '_>, stats: &BuildStats) -> Result<(), Failure> {
    let places = Places::all(stats);
    let is_for_programs = invocation.common.format.is_for_programs();
    if is_for_programs || !places.is_empty() {
        let blocks = vec![
            Block::Title(header::title(stats)),
            Block::Table(places.table()),
            Block::Facts(places.facts()),
        ];
        invocation.write(&Report { blocks, json: Json::Rows })?;
    }
    if places.is_empty() {
        return Err(Failure::NoData(match stats.allocators {
            None => "the build sampled no allocations (BUILD_METRICS_ALLOCATORS=1 does)".to_owned(),
            Some(_) => "the build has no samples of allocations".to_owned(),
        }));
    }
    Ok(())
}
