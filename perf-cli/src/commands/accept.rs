//! Accepts a change: from a build on, its level is the new normal.

use clap::Args;
use perf_history::{Accepted, BuildStats};

use crate::commands::describe::short_commit;
use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::present::style::STRONG;
use crate::present::{Block, Cell, Column, Json, Kind, Report, Row, Span, Table};
use crate::select::{BuildRef, PassedOver, Selection, is_typical};

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Later builds of its series are then compared with this build and those after it, and no longer with
those before it. accepted.jsonl only grows: accept an older build again to go back to its level.

Examples (after the program's name):
  accept --reason \"new highlighter\"    the newest build, with those that ran together with it
  accept 1f3c9ab                       the builds of a commit, in each of their series
  accept label:after                   a set")]
pub(crate) struct AcceptArgs {
    /// The first build of the new level: latest, -3 (third newest), an id, a commit, label:NAME or
    /// branch:NAME
    #[arg(value_name = "BUILD", allow_negative_numbers = true)]
    pub(crate) build: Option<BuildRef>,
    /// Why the new level is right
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Accepts the selected builds, and lists them.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &AcceptArgs) -> Result {
    let mut selection = invocation.selection();
    let beginnings = beginnings(&mut selection, args.build.as_ref());
    invocation.report_unreadable(selection.unreadable());
    let (beginnings, passed_over) = beginnings?;
    if let Some(flawed) = beginnings.iter().find(|stats| !is_typical(stats)) {
        return Err(Failure::Usage(format!(
            "build {} failed, was skipped or has a suspect clock: it cannot be a new level",
            flawed.build_id
        )));
    }
    for PassedOver { build_id, why } in &passed_over {
        invocation.warn(&format!("build {build_id} is left out: {why}"));
    }
    let now = invocation.console.now.timestamp().to_string();
    let accepted = |stats: &BuildStats| {
        let mut accepted = Accepted::new(stats.build_id.clone(), now.clone(), stats.tool.clone());
        accepted.commit = stats.git.as_ref().and_then(|git| git.commit.clone());
        accepted.reason.clone_from(&args.reason);
        accepted
    };
    let changes: Vec<Accepted> = beginnings.iter().map(accepted).collect();
    invocation.history().accept(&changes)?;
    invocation.write(&report(&changes))
}

/// The first builds of the new level. Without a name, they are those that `check` judges.
fn beginnings(
    selection: &mut Selection,
    build: Option<&BuildRef>,
) -> Result<(Vec<BuildStats>, Vec<PassedOver>)> {
    if let Some(reference) = build {
        return Ok((selection.beginnings(reference)?, Vec::new()));
    }
    let (session, passed_over) = selection.newest_session()?;
    Ok((session.builds.into_iter().take(1).collect(), passed_over))
}

fn report(changes: &[Accepted]) -> Report {
    let text = |least| Kind::Text { least };
    let columns = vec![
        Column::new("build_id", "build", text(13), 0),
        Column::new("commit", "commit", text(9), 1),
        Column::new("tool", "tool", text(8), 3),
        Column::new("timestamp", "accepted", text(20), 4),
        Column::new("reason", "reason", Kind::Prose, 2),
    ];
    let row = |change: &Accepted| {
        let commit = change.commit.as_ref();
        let cells = vec![
            Cell::text(&change.build_id),
            commit.map_or_else(Cell::absent, |commit| Cell::labelled(short_commit(commit), commit)),
            Cell::text(&change.tool),
            Cell::text(&change.timestamp),
            Cell::known(change.reason.as_ref()),
        ];
        Row { cells, ..Row::default() }
    };
    let title = vec![Span::new("this is the new normal from here on", STRONG)];
    let table = Table { columns, rows: changes.iter().map(row).collect() };
    Report { blocks: vec![Block::Title(title), Block::Table(table)], json: Json::Rows }
}
