//! The phases of builds for spreadsheets: a row for each phase of each build.

use clap::Args;
use perf_history::BuildStats;

use crate::commands::show;
use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::present::{Cell, Column, Kind, Row, Table};
use crate::select::{BuildRef, Mode};

use super::OutputArgs;

#[derive(Debug, Clone, Args)]
pub(crate) struct CsvArgs {
    /// Any number of: latest, -3 (third newest), an id, a commit, label:NAME or branch:NAME; the
    /// last three select all of their builds [default: latest]
    #[arg(value_name = "BUILD", allow_negative_numbers = true)]
    pub(crate) builds: Vec<BuildRef>,
    /// The newest N builds
    #[arg(long, value_name = "N", conflicts_with = "builds")]
    pub(crate) last: Option<usize>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Writes the phases of the builds.
pub(super) fn run(invocation: &mut Invocation<'_, '_>, args: &CsvArgs) -> Result {
    let builds = builds(invocation, args)?;
    super::write_to(invocation, &args.output, |target| {
        for (number, stats) in builds.iter().enumerate() {
            let table = table(stats);
            if number == 0 {
                table.write_csv_head(target)?;
            }
            table.write_csv_rows(target)?;
        }
        Ok(())
    })
}

/// The builds in the order of their names; those of one name newest first.
fn builds(invocation: &mut Invocation<'_, '_>, args: &CsvArgs) -> Result<Vec<BuildStats>> {
    let mut selection = invocation.selection();
    let found = match (args.last, args.builds.as_slice()) {
        (Some(last), _) => {
            let found: Result<Vec<BuildStats>, _> = selection.builds().take(last).collect();
            found.map_err(Failure::from)
        }
        (None, []) => {
            selection.newest(&BuildRef::Latest).map(|build| vec![build]).map_err(Failure::from)
        }
        (None, named) => named.iter().try_fold(Vec::new(), |mut all, name| {
            all.extend(selection.set(name)?);
            Ok(all)
        }),
    };
    invocation.report_unreadable(selection.unreadable());
    let found = found?;
    if found.is_empty() {
        let filter = selection.filter();
        return Err(Failure::NoData(format!("there are no builds{filter}")));
    }
    Ok(found)
}

/// The phases of a build, each with the facts of the build.
fn table(stats: &BuildStats) -> Table {
    let text = Kind::Text { least: 0 };
    let git = stats.git.clone().unwrap_or_default();
    let of_build = [
        (Column::data("build_id", text), Cell::text(&stats.build_id)),
        (Column::data("timestamp", text), Cell::text(&stats.timestamp)),
        (Column::data("tool", text), Cell::text(&stats.tool)),
        (Column::data("outcome", text), Cell::text(stats.outcome.name())),
        (Column::data("mode", text), Cell::known(Mode::from_build(stats).map(Mode::name))),
        (Column::data("commit", text), Cell::known(git.commit)),
        (Column::data("branch", text), Cell::known(git.branch)),
        (Column::data("label", text), Cell::known(stats.labels.get("run"))),
        (Column::data("build_time_ms", Kind::Time), Cell::number(stats.build_time_ms)),
    ];
    let (columns, cells): (Vec<Column>, Vec<Cell>) = of_build.into_iter().unzip();
    let phases = show::phases(stats);
    let rows = phases
        .rows
        .into_iter()
        .map(|row| Row { cells: cells.iter().cloned().chain(row.cells).collect(), ..row });
    Table { columns: columns.into_iter().chain(phases.columns).collect(), rows: rows.collect() }
}
