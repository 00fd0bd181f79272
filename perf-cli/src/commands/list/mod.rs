//! Lists the newest builds, or draws them as a chart.

mod chart;
mod columns;
mod listed;
mod series;

use clap::Args;

use crate::context::Invocation;
use crate::failure::Failure;
use crate::present::style::{DIM, STRONG};
use crate::present::{Block, Json, Report, Span};
use crate::select::Selection;
use listed::Listed;

/// How many builds are listed without a date or a number.
const BUILDS: usize = 20;
/// The median of a series is that of its builds among this many of the newest, or among all listed
/// builds if they are more.
const WINDOW: usize = 100;

/// The options of the list.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The list")]
pub(crate) struct ListArgs {
    /// List the newest N builds [default: 20, or all since the date of --since]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) last: Option<u64>,
    /// Draw a chart of time and memory instead, phases stacked [of the newest 100 builds]
    #[arg(long)]
    pub(crate) chart: bool,
}

impl ListArgs {
    /// The first given option.
    pub(crate) fn given(&self) -> Option<&'static str> {
        self.last.map(|_| "--last").or(self.chart.then_some("--chart"))
    }
}

/// Lists or draws the newest builds.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &ListArgs) -> Result<(), Failure> {
    let last = args.last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
    if args.chart {
        return chart::run(invocation, last);
    }
    let limit = match (last, invocation.common.since) {
        (Some(last), _) => last,
        (None, Some(_)) => usize::MAX,
        (None, None) => BUILDS,
    };
    let mut selection = invocation.selection();
    let listed = Listed::gather(&mut selection, limit, WINDOW);
    invocation.report_unreadable(selection.unreadable());
    let listed = listed?;
    let table = columns::table(&listed, &invocation.console.now);
    if table.is_empty() {
        let report = Report { blocks: vec![Block::Table(table)], json: Json::Rows };
        if invocation.common.format.is_for_programs() {
            invocation.write(&report)?;
        }
        return Err(no_builds(invocation, &selection));
    }
    let title = vec![
        Span::new(listed.tools().join(", "), STRONG),
        Span::new(invocation.history().dir().display().to_string(), DIM),
    ];
    let series = series::facts(&listed, invocation.console.width);
    invocation.write(&Report {
        blocks: vec![Block::Title(title), Block::Table(table), Block::Facts(series)],
        json: Json::Rows,
    })
}

/// The error if there is nothing to list.
fn no_builds(invocation: &Invocation<'_, '_>, selection: &Selection) -> Failure {
    let path = invocation.history().path();
    Failure::NoData(format!("there are no builds{} in {}", selection.filter(), path.display()))
}
