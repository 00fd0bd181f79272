//! Moves unreadable lines out of the history.

use perf_history::Repaired;

use crate::context::Invocation;
use crate::failure::Failure;
use crate::present::{Report, units};

/// Repairs the history, and reports what changed.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>) -> Result<(), Failure> {
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
