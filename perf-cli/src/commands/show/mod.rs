//! One build: its phases, and where time and memory went.

mod columns;
mod header;

use clap::Args;

use crate::failure::Failure;
use crate::present::{Block, Json, Report};
use crate::run::Invocation;
use crate::select::BuildRef;

/// The options of `show`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Own time is that on the thread which started the build: with what is unattributed it adds up to
the build's time. Total time is that on all threads.

Examples (after the program's name):
  show                    the newest build
  show -3                 the third newest
  show 0192b6e4           by the beginning of its id, or of its commit
  show label:nightly      the newest of that label
  show --format json      the record itself")]
pub struct ShowArgs {
    /// latest, -3 (third newest), an id, a commit, label:NAME or branch:NAME
    #[arg(value_name = "BUILD", default_value = "latest", allow_negative_numbers = true)]
    pub build: BuildRef,
}

/// Shows a build.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &ShowArgs) -> Result<(), Failure> {
    let mut selection = invocation.selection();
    let stats = selection.newest(&args.build);
    invocation.report_unreadable(selection.unreadable());
    let stats = stats?;
    let blocks = vec![
        Block::Title(header::title(&stats)),
        Block::Facts(header::facts(&stats, &invocation.console.now)),
        Block::Table(columns::table(&stats)),
    ];
    invocation.write(&Report { blocks, json: Json::Record(Box::new(stats)) })
}
