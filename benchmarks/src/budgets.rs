//! The budgets of perf-runtime's own cost, and whether they are met.

use serde::{Deserialize, Serialize};
use workloads::Workload;

use crate::checks::{APPLICATION, Checks, LIBRARY, TRACING};
use crate::contenders::{BARE, Contender, FULL, LAYER, OFF, OUTSIDE};
use crate::rounds::{Figure, figure};

/// A budget, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    pub(crate) what: String,
    /// The most that it may cost, in `unit`.
    pub(crate) limit: f64,
    pub(crate) unit: String,
    /// The cost. Absent where it was not measured.
    pub(crate) measured: Option<f64>,
}

impl Budget {
    /// Whether it is met. `None` where it was not measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.measured.map(|measured| measured <= self.limit)
    }
}

const READS: &str = "× two counter reads";
const ALLOCATOR: &str = "× the bare allocator";
const WITHOUT: &str = "× compiled out";

/// All budgets.
pub(crate) fn all(figures: &[Figure], checks: &Checks) -> Vec<Budget> {
    let ratio =
        |contender, workload| figure(figures, contender, workload).map(|figure| figure.ratio);
    let ns = |contender: &Contender| Some(figure(figures, contender, Workload::TightCall)?.ns);
    // What the loop and the call take is in the bare program too.
    let ns_more = |contender: &Contender| Some(ns(contender)? - ns(&BARE)?);
    let compile = |name: &str| {
        let seconds = |name: &str| {
            checks.dependencies.iter().find(|dependency| dependency.name == name)?.compile_s
        };
        Some(seconds(name)? / seconds(TRACING)?)
    };
    let application = checks.dependencies.iter().find(|dependency| dependency.name == APPLICATION);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let number = |number: usize| number as f64;

    let mut budgets = Vec::new();
    let mut add = |what: &str, limit: f64, unit: &str, measured: Option<f64>| {
        budgets.push(Budget { what: what.to_owned(), limit, unit: unit.to_owned(), measured });
    };
    for (what, workload) in [
        ("entry + exit of a phase, a tight call", Workload::TightCall),
        ("entry + exit, ten nested", Workload::TenNested),
        ("entry + exit, a hundred sites", Workload::HundredSites),
        ("entry + exit, 2 threads", Workload::TwoThreads),
        ("entry + exit, 8 threads", Workload::EightThreads),
    ] {
        add(what, 1.6, READS, ratio(&FULL, workload));
    }
    add("hand-off to another thread", 1.8, READS, ratio(&FULL, Workload::HandedToAnotherThread));
    add("a span of `tracing` through `PhaseLayer`", 7.0, READS, ratio(&LAYER, Workload::TightCall));
    let bytes = checks.ours().and_then(|process| process.bytes_per_call);
    add("memory kept for each call", 0.0, "bytes", bytes);
    for (size, limit, workload) in [
        ("8 B", 1.15, Workload::Alloc8),
        ("8 B on 2 threads", 1.15, Workload::Alloc8TwoThreads),
        ("1 KiB", 1.1, Workload::Alloc1K),
        ("1 KiB on 2 threads", 1.1, Workload::Alloc1KTwoThreads),
    ] {
        for (contender, place) in [(&FULL, "in a phase"), (&OUTSIDE, "outside a build")] {
            let what = format!("allocation + free of {size}, {place}");
            add(&what, limit, ALLOCATOR, ratio(contender, workload));
        }
    }
    let mdbook = &checks.mdbook;
    add("mdBook: instructions of the process", 1.02, WITHOUT, mdbook.instructions);
    let cpu = "mdBook: processor time of the process and its children";
    add(&format!("{cpu}, in a checkout"), 1.02, WITHOUT, Some(mdbook.cpu_in_checkout));
    add(&format!("{cpu}, outside of one"), 1.02, WITHOUT, Some(mdbook.cpu_outside));
    add("a phase, switched off at run time", 1.0, "ns", ns_more(&OFF));
    add("a phase, outside a build", 1.0, "ns", ns_more(&OUTSIDE));
    let other = number(checks.other_machine_code);
    add("compiled out: functions with other machine code", 0.0, "", Some(other));
    add(
        "`start_build`, first in a process",
        50.0,
        "µs",
        checks.ours().map(|process| process.begin_us),
    );
    add("before `main`", 30.0, "µs", checks.ours().map(|process| process.before_main_us));
    let end_of_build = checks.end_of_build_ms;
    add("`end_build` + `save`, 200 paths × 8 threads", 2.0, "ms", Some(end_of_build));
    add("processor time to compile, library", 1.0, "× tracing", compile(LIBRARY));
    add("processor time to compile, application", 3.0, "× tracing", compile(APPLICATION));
    let history = checks.history.as_ref();
    add("`list --last 20` on 1,000,000 records", 20.0, "ms", history.map(|times| times.list_ms));
    add("`check` on 1,000,000 records", 50.0, "ms", history.map(|times| times.check_ms));
    add(
        "crates below perf-runtime",
        25.0,
        "crates",
        application.map(|application| number(application.crates)),
    );
    budgets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{Dependency, MdBook, Process};

    #[test]
    fn a_budget_is_met_up_to_its_limit_and_unknown_where_nothing_was_measured() {
        let is_met = |measured| {
            Budget { what: String::new(), limit: 2.0, unit: String::new(), measured }.is_met()
        };
        assert_eq!(is_met(Some(2.0)), Some(true));
        assert_eq!(is_met(Some(2.001)), Some(false));
        assert_eq!(is_met(None), None);
    }

    #[test]
    fn each_budget_gets_the_figure_that_it_is_about() {
        let figure = |contender: &Contender, workload, ns, ratio| Figure {
            contender: contender.name.to_owned(),
            workload,
            ns,
            ratio,
        };
        let figures = [
            figure(&BARE, Workload::TightCall, 1.5, 0.1),
            figure(&FULL, Workload::TightCall, 30.0, 1.5),
            figure(&OFF, Workload::TightCall, 2.0, 0.2),
            figure(&LAYER, Workload::TightCall, 140.0, 7.5),
            figure(&OUTSIDE, Workload::Alloc1K, 10.0, 1.05),
        ];
        let dependency = |name: &str, crates, compile_s| Dependency {
            name: name.to_owned(),
            crates,
            compile_s: Some(compile_s),
        };
        let checks = Checks {
            other_machine_code: 0,
            processes: vec![Process {
                contender: FULL.name.to_owned(),
                before_main_us: 40.0,
                begin_us: 45.0,
                bytes_per_call: Some(0.0),
            }],
            end_of_build_ms: 1.2,
            mdbook: MdBook { cpu_in_checkout: 1.03, cpu_outside: 1.01, instructions: None },
            dependencies: vec![
                dependency(TRACING, 8, 6.0),
                dependency(LIBRARY, 6, 5.4),
                dependency(APPLICATION, 25, 24.0),
            ],
            history: None,
        };
        let budgets = all(&figures, &checks);
        let expected = [
            ("entry + exit of a phase, a tight call", Some(1.5), Some(true)),
            ("entry + exit, ten nested", None, None),
            ("a span of `tracing` through `PhaseLayer`", Some(7.5), Some(false)),
            ("memory kept for each call", Some(0.0), Some(true)),
            ("allocation + free of 1 KiB, outside a build", Some(1.05), Some(true)),
            ("mdBook: instructions of the process", None, None),
            ("a phase, switched off at run time", Some(0.5), Some(true)),
            ("compiled out: functions with other machine code", Some(0.0), Some(true)),
            ("`start_build`, first in a process", Some(45.0), Some(true)),
            ("before `main`", Some(40.0), Some(false)),
            ("`end_build` + `save`, 200 paths × 8 threads", Some(1.2), Some(true)),
            ("processor time to compile, library", Some(0.9), Some(true)),
            ("processor time to compile, application", Some(4.0), Some(false)),
            ("`check` on 1,000,000 records", None, None),
            ("crates below perf-runtime", Some(25.0), Some(true)),
        ];
        for (what, measured, is_met) in expected {
            let budget = budgets.iter().find(|budget| budget.what == what).unwrap();
            let near = budget.measured.zip(measured).map(|(a, b)| (a - b).abs() < 1e-9);
            assert!(near.unwrap_or(budget.measured == measured), "{budget:?}");
            assert_eq!(budget.is_met(), is_met, "{budget:?}");
        }
    }
}
