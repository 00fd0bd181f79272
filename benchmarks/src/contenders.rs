//! Who is compared: one program each, in a package of its own, since each needs its own allocator
//! and its own features of what it is built on.

use workloads::{Kind, Workload};

/// One way of measuring, as a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contender {
    /// Its name in the report.
    pub(crate) name: &'static str,
    /// The package of its program.
    pub(crate) package: &'static str,
    /// The program.
    pub(crate) binary: &'static str,
    /// What is set in its environment.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// What it measures.
    pub(crate) kinds: &'static [Kind],
    /// Workloads of these kinds that it cannot be given, and why.
    pub(crate) lacks: &'static [(Workload, &'static str)],
    /// The packages that a program which measures so depends on.
    pub(crate) libraries: &'static [&'static str],
}

const OURS: &[&str] = &["perf-runtime"];
const EVERYTHING: &[Kind] = &[Kind::Phases, Kind::Allocations, Kind::Program];
const PHASES: &[Kind] = &[Kind::Phases, Kind::Program];
const ALLOCATIONS: &[Kind] = &[Kind::Allocations, Kind::Program];

/// No measuring at all.
pub(crate) const BARE: Contender = Contender {
    name: "bare",
    package: "contender-bare",
    binary: "contender-bare",
    environment: &[],
    kinds: EVERYTHING,
    lacks: &[],
    libraries: &[],
};
/// perf-runtime, all of it.
pub(crate) const FULL: Contender = ours("perf-runtime", "contender-perf-runtime", &[], EVERYTHING);
/// perf-runtime's allocator without phases.
pub(crate) const ALLOCATOR_ONLY: Contender =
    ours("perf-runtime, allocator only", "contender-perf-runtime-allocator", &[], ALLOCATIONS);
/// perf-runtime, switched off at run time.
pub(crate) const OFF: Contender =
    ours("perf-runtime, off", "contender-perf-runtime", &[("BUILD_METRICS", "off")], EVERYTHING);
/// perf-runtime, compiled out.
pub(crate) const COMPILED_OUT: Contender =
    ours("perf-runtime, compiled out", "contender-perf-runtime-compiled-out", &[], EVERYTHING);

/// All of them, in the order of the report.
pub(crate) const ALL: [Contender; 17] = [
    BARE,
    FULL,
    ALLOCATOR_ONLY,
    OFF,
    COMPILED_OUT,
    peer("hotpath, time", "contender-hotpath-time", &["hotpath"], PHASES),
    peer("hotpath, memory", "contender-hotpath-memory", &["hotpath"], EVERYTHING),
    tracing("tracing, no subscriber", "tracing-no-subscriber", &["tracing"]),
    tracing("tracing, registry", "tracing-registry", &["tracing", "tracing-subscriber"]),
    Contender {
        // A thread that closes a span reads a lock that it reads already; where another waits to
        // write, neither goes on.
        lacks: &[(Workload::TwoThreads, "deadlock"), (Workload::EightThreads, "deadlock")],
        ..tracing("tracing-timing", "tracing-timing", &["tracing", "tracing-timing"])
    },
    tracing(
        "tracing-chrome",
        "tracing-chrome",
        &["tracing", "tracing-chrome", "tracing-subscriber"],
    ),
    peer("fastrace", "contender-fastrace", &["fastrace"], PHASES),
    Contender {
        lacks: &[(Workload::ThousandPolls, "not for async")],
        ..peer("puffin", "contender-puffin", &["puffin"], PHASES)
    },
    peer("divan", "contender-divan", &["divan"], ALLOCATIONS),
    peer("stats_alloc", "contender-stats-alloc", &["stats_alloc"], ALLOCATIONS),
    peer(
        "allocation-counter",
        "contender-allocation-counter",
        &["allocation-counter"],
        ALLOCATIONS,
    ),
    peer("dhat", "contender-dhat", &["dhat"], ALLOCATIONS),
];

const fn peer(
    name: &'static str,
    package: &'static str,
    libraries: &'static [&'static str],
    kinds: &'static [Kind],
) -> Contender {
    Contender { name, package, binary: package, kinds, libraries, ..BARE }
}

const fn ours(
    name: &'static str,
    package: &'static str,
    environment: &'static [(&'static str, &'static str)],
    kinds: &'static [Kind],
) -> Contender {
    Contender { environment, ..peer(name, package, OURS, kinds) }
}

const fn tracing(
    name: &'static str,
    binary: &'static str,
    libraries: &'static [&'static str],
) -> Contender {
    Contender { binary, ..peer(name, "contender-tracing", libraries, PHASES) }
}

impl Contender {
    /// Whether it can be given this work.
    pub(crate) fn does(&self, workload: Workload) -> bool {
        self.kinds.contains(&workload.kind()) && self.lack(workload).is_none()
    }

    /// Why it cannot be given this work, where it cannot though it measures such work.
    pub(crate) fn lack(&self, workload: Workload) -> Option<&'static str> {
        self.lacks.iter().find(|it| it.0 == workload).map(|it| it.1)
    }

    /// Whether it is one of the forms of perf-runtime.
    pub(crate) fn is_ours(&self) -> bool {
        self.libraries == OURS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_has_a_name_of_its_own_and_work_to_do() {
        for (index, contender) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|it| it.name != contender.name), "{contender:?}");
            assert!(Workload::ALL.into_iter().any(|it| contender.does(it)), "{contender:?}");
        }
    }

    #[test]
    fn a_contender_is_not_given_what_it_lacks() {
        let puffin = ALL.iter().find(|it| it.name == "puffin").unwrap();
        assert!(puffin.does(Workload::TightCall));
        assert!(!puffin.does(Workload::ThousandPolls));
        assert_eq!(puffin.lack(Workload::ThousandPolls), Some("not for async"));
        assert!(!puffin.does(Workload::Alloc8));
        assert!(BARE.does(Workload::Alloc8) && !BARE.is_ours() && OFF.is_ours());
    }
}
