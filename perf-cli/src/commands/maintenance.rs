//! Removes old records for good, and moves unreadable lines out of the history.

use clap::Args;
use perf_history::{Pruned, Repaired, Retention};

use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::present::{Report, units};

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Records that are removed are gone, and so are their timelines. Lines that cannot be read stay.

Examples (after the program's name):
  prune --keep 1000      keep the newest 1000 records
  prune --since 1y       keep those of the last year")]
pub(crate) struct PruneArgs {
    /// Keep the newest N records; with --since, those since then
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<usize>,
}

/// Prunes the history, and reports what was removed.
pub(crate) fn prune(invocation: &mut Invocation<'_, '_>, args: &PruneArgs) -> Result {
    invocation.refuse_filters(false)?;
    let since = invocation.common.since.map(|since| since.instant(&invocation.console.now));
    let keep = match (args.keep, since) {
        (Some(newest), None) => Retention::Newest(newest),
        (None, Some(since)) => Retention::Since(since),
        (None, None) => {
            return Err(Failure::Usage(
                "nothing to prune by: give --keep N or --since WHEN".to_owned(),
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Failure::Usage("--keep and --since exclude each other".to_owned()));
        }
    };
    let Pruned { kept, removed, unreadable, adopted, timelines, .. } =
        invocation.history().prune(keep)?;
    invocation.write(&Report::from_counts(&[
        ("kept", kept),
        ("removed", removed),
        ("timelines", timelines),
        ("adopted", adopted),
        ("unreadable", unreadable),
    ]))?;
    if unreadable > 0 {
        let lines = units::counted(unreadable, "line");
        let (program, dir) = (&invocation.program.name, invocation.dir_option());
        let text = format!(
            "{lines} that cannot be read stayed; `{program} repair{dir}` moves them to history.rejected.jsonl"
        );
        invocation.warn(&text);
    }
    Ok(())
}

/// Repairs the history, and reports what changed.
pub(crate) fn repair(invocation: &mut Invocation<'_, '_>) -> Result {
    invocation.refuse_filters(true)?;
    let history = invocation.history();
    let Repaired { records, rejected, adopted, .. } = history.repair()?;
    let counts = [("records", records), ("rejected", rejected), ("adopted", adopted)];
    invocation.write(&Report::from_counts(&counts))?;
    if rejected > 0 {
        let (lines, to) = (units::counted(rejected, "line"), history.dir());
        let to = to.join("history.rejected.jsonl");
        invocation.note(&format!("{lines} that cannot be read: moved to {}", to.display()));
    }
    Ok(())
}
