//! Checks that tracking, history and gate work, and says how to fix what does not.

mod checks;
mod history_integrity;

use crate::commands::check;
use crate::context::Invocation;
use crate::failure::Failure;
use crate::present::style::{BAD, GOOD, NOTICE};
use crate::present::{Block, Cell, Column, Json, Kind, Report, Row, Table};
use crate::select::{BuildRef, SelectError};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    /// It works, and could work better.
    Notice,
    /// It does not work.
    Bad,
}

/// A check and its result.
#[derive(Debug)]
struct Check {
    what: &'static str,
    state: State,
    found: String,
    /// What to do about it; empty if it is fine.
    advice: String,
}

impl Check {
    fn fine(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, state: State::Fine, found: found.into(), advice: String::new() }
    }

    fn notice(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Notice, found: found.into(), advice: advice.into() }
    }

    fn bad(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Bad, found: found.into(), advice: advice.into() }
    }
}

/// Checks the environment, the history and the newest build.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>) -> Result<(), Failure> {
    let repair = format!("{} repair{}", invocation.program.name, invocation.dir_option());
    let mut checks = vec![checks::tracking(invocation.program)];
    checks.extend(history_integrity::checks(&invocation.history(), &repair)?);
    let configuration = invocation.configuration();
    checks.push(checks::configuration(configuration.as_ref()));
    let mut selection = invocation.selection();
    match selection.newest(&BuildRef::Latest) {
        Ok(newest) => {
            checks.extend(checks::of_newest(&newest, &invocation.console.now));
            if let Ok(configuration) = &configuration {
                let mut selection = invocation.selection_on_all_branches();
                match check::gate_readiness(&mut selection, configuration) {
                    Ok(readiness) => checks.push(checks::gate(readiness)),
                    // All builds failed, which is reported above.
                    Err(Failure::NoData(_)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Err(SelectError::History(error)) => return Err(error.into()),
        Err(none) => checks.push(Check::bad(
            "newest build",
            none.to_string(),
            "annotate the build with #[tracked_build] and run it",
        )),
    }
    let table = table(&checks);
    invocation.write(&Report { blocks: vec![Block::Table(table)], json: Json::Rows })
}

fn table(checks: &[Check]) -> Table {
    let text = |least| Kind::Text { least };
    let columns = vec![
        Column::new("state", "", text(6), 0),
        Column::new("what", "", text(10), 0),
        Column::new("found", "found", Kind::Prose, 0),
        Column::new("advice", "what to do", Kind::Prose, 1),
    ];
    let row = |check: &Check| {
        let (state, style) = match check.state {
            State::Fine => ("ok", GOOD),
            State::Notice => ("notice", NOTICE),
            State::Bad => ("bad", BAD),
        };
        let advice = match check.advice.as_str() {
            "" => Cell::absent(),
            advice => Cell::text(advice),
        };
        let cells = vec![
            Cell::text(state).styled(style),
            Cell::text(check.what),
            Cell::text(&check.found),
            advice,
        ];
        Row { cells, ..Row::default() }
    };
    Table { columns, rows: checks.iter().map(row).collect() }
}
