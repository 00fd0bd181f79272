//! What was promised, and whether it is kept.

use serde::Serialize;
use workloads::Workload;

use crate::checks::Checks;
use crate::contenders::{ALLOCATOR_ONLY, BARE, Contender, FULL, OFF};
use crate::rounds::{Figure, figure};

/// A promise, and what was measured of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Budget {
    pub(crate) what: String,
    /// The most that it may be, in `unit`.
    pub(crate) limit: f64,
    /// What it is. Absent where it was not measured.
    pub(crate) measured: Option<f64>,
    pub(crate) unit: String,
}

impl Budget {
    /// Whether it is kept; `None` where it was not measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.measured.map(|it| it <= self.limit)
    }

    fn new(what: impl Into<String>, limit: f64, unit: &str, measured: Option<f64>) -> Self {
        Self { what: what.into(), limit, measured, unit: unit.to_owned() }
    }
}

const READS: &str = "× two counter reads";
const BARE_ALLOCATOR: &str = "× the bare allocator";

/// Resident memory moves by a few pages whatever a program does: what is below, is nothing.
const PAGES: f64 = 128.0 * 1024.0;

/// All promises of the product's own cost.
pub(crate) fn all(figures: &[Figure], checks: &Checks) -> Vec<Budget> {
    let ratio = |it: &Contender, workload| figure(figures, it, workload).map(|it| it.ratio);
    let ns = |it: &Contender, workload| figure(figures, it, workload).map(|it| it.ns);
    let phase = |what: &str, workload| {
        Budget::new(format!("entry + exit, {what}"), 2.0, READS, ratio(&FULL, workload))
    };
    let block = |size: &str, workload, limit| {
        [(&FULL, "in a phase"), (&ALLOCATOR_ONLY, "outside of builds")].map(|(form, where_)| {
            let what = format!("allocation + free of {size}, {where_}");
            Budget::new(what, limit, BARE_ALLOCATOR, ratio(form, workload))
        })
    };
    let off = ns(&OFF, Workload::TightCall)
        .zip(ns(&BARE, Workload::TightCall))
        .map(|(off, bare)| off - bare);
    #[expect(clippy::cast_precision_loss, reason = "figures for readers")]
    let kept = checks
        .kept
        .iter()
        .find(|it| it.contender == FULL.name)
        .map(|it| if it.bytes as f64 <= PAGES { 0.0 } else { it.per_call() });
    #[expect(clippy::cast_precision_loss, reason = "figures for readers")]
    let crates =
        checks.dependencies.iter().find(|it| it.contender == FULL.name).map(|it| it.crates as f64);
    let different = if checks.machine_code.identical { 0.0 } else { 1.0 };

    let mut budgets = vec![
        phase("a tight call", Workload::TightCall),
        phase("ten nested", Workload::TenNested),
        phase("a hundred sites", Workload::HundredSites),
        phase("2 threads", Workload::TwoThreads),
        phase("8 threads", Workload::EightThreads),
        Budget::new("memory kept for each call", 0.0, "bytes", kept),
    ];
    budgets.extend(block("8 B", Workload::Alloc8, 1.3));
    budgets.extend(block("8 B on 2 threads", Workload::Alloc8TwoThreads, 1.3));
    budgets.extend(block("1 KiB", Workload::Alloc1K, 1.15));
    budgets.extend(block("1 KiB on 2 threads", Workload::Alloc1KTwoThreads, 1.15));
    budgets.extend([
        Budget::new("a phase switched off at run time", 2.0, "ns", off),
        Budget::new("compiled out: other machine code", 0.0, "", Some(different)),
        Budget::new(
            "before `main`, and `start_build`",
            100.0,
            "µs",
            checks.start(&FULL).map(|it| it.together.median),
        ),
        Budget::new(
            "`end_build` + `save`, 200 paths × 8 threads",
            2.0,
            "ms",
            Some(checks.end_of_build.together.median),
        ),
        Budget::new(
            "the example site's instructions",
            1.01,
            "× compiled out",
            checks.site.instructions,
        ),
        Budget::new("dependencies", 30.0, "crates", crates),
    ]);
    budgets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_met_up_to_its_limit_and_unknown_where_nothing_was_measured() {
        let of = |measured| Budget::new("", 2.0, READS, measured).is_met();
        assert_eq!(of(Some(2.0)), Some(true));
        assert_eq!(of(Some(2.001)), Some(false));
        assert_eq!(of(None), None);
    }
}
