//! Who is compared: one program each, in a package of its own, since each needs its own allocator
//! and its own features of what it is built on.

use workloads::{Kind, Workload};

use crate::sight::Counts;

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
    /// What it counts, as it must show before anything is timed.
    pub(crate) counts: Counts,
    /// How many calls it can measure in one process.
    pub(crate) most_calls: u64,
    /// Workloads of these kinds that it cannot be given, and why.
    pub(crate) lacks: &'static [(Workload, &'static str)],
    /// The packages that a program which measures so depends on.
    pub(crate) libraries: &'static [&'static str],
}

const OURS: &[&str] = &["perf-runtime"];
const EVERYTHING: &[Kind] = &[Kind::Phases, Kind::HandedOff, Kind::Allocations, Kind::Program];
/// All but hand-off, for which it has nothing.
const ALL_BUT_HAND_OFF: &[Kind] = &[Kind::Phases, Kind::Allocations, Kind::Program];
const PHASES: &[Kind] = &[Kind::Phases, Kind::Program];
const PHASES_AND_HAND_OFF: &[Kind] = &[Kind::Phases, Kind::HandedOff, Kind::Program];
const ALLOCATIONS: &[Kind] = &[Kind::Allocations, Kind::Program];

/// No measuring at all.
pub(crate) const BARE: Contender = Contender {
    name: "bare",
    package: "contender-bare",
    binary: "contender-bare",
    environment: &[],
    kinds: EVERYTHING,
    counts: Counts::Nothing,
    most_calls: u64::MAX,
    lacks: &[],
    libraries: &[],
};
/// perf-runtime, all of it.
pub(crate) const FULL: Contender =
    ours("perf-runtime", "contender-perf-runtime", EVERYTHING, Counts::CallsAndMemory);
/// perf-runtime, keeping a timeline too.
pub(crate) const TIMELINE: Contender = Contender {
    environment: &[("BUILD_METRICS_TIMELINE", "1")],
    kinds: PHASES,
    // A timeline holds 1,048,576 calls; of those beyond, it keeps but the number, which costs less. Its
    // program fails where it comes that far.
    most_calls: 1_000_000,
    ..ours("perf-runtime, timeline", FULL.package, PHASES, Counts::CallsAndMemory)
};
/// perf-runtime's allocator without phases.
pub(crate) const ALLOCATOR_ONLY: Contender = ours(
    "perf-runtime, allocator only",
    "contender-perf-runtime-allocator",
    ALLOCATIONS,
    Counts::Memory,
);
/// perf-runtime, switched off at run time.
pub(crate) const OFF: Contender = Contender {
    environment: &[("BUILD_METRICS", "off")],
    ..ours("perf-runtime, off", FULL.package, EVERYTHING, Counts::Nothing)
};
/// perf-runtime's layer for the spans of tracing.
pub(crate) const LAYER: Contender = peer(
    "tracing, perf-runtime's layer",
    "contender-perf-runtime-tracing",
    &["perf-runtime", "tracing", "tracing-subscriber"],
    PHASES_AND_HAND_OFF,
    Counts::CallsAndMemory,
);
/// perf-runtime, compiled out.
pub(crate) const COMPILED_OUT: Contender = ours(
    "perf-runtime, compiled out",
    "contender-perf-runtime-compiled-out",
    EVERYTHING,
    Counts::Nothing,
);

/// All of them, in the order of the report.
pub(crate) const ALL: [Contender; 19] = [
    BARE,
    FULL,
    TIMELINE,
    ALLOCATOR_ONLY,
    OFF,
    COMPILED_OUT,
    peer("hotpath, time", "contender-hotpath-time", &["hotpath"], PHASES, Counts::Calls),
    peer(
        "hotpath, memory",
        "contender-hotpath-memory",
        &["hotpath"],
        ALL_BUT_HAND_OFF,
        Counts::CallsAndBytes,
    ),
    Contender {
        counts: Counts::Nothing,
        ..tracing("tracing, no subscriber", "tracing-no-subscriber", &["tracing"])
    },
    tracing("tracing, registry", "tracing-registry", &["tracing", "tracing-subscriber"]),
    LAYER,
    Contender {
        // A thread that closes a span reads a lock that it reads already; where another waits to
        // write, neither goes on.
        lacks: &[(Workload::TwoThreads, "deadlock"), (Workload::EightThreads, "deadlock")],
        kinds: PHASES,
        ..tracing("tracing-timing", "tracing-timing", &["tracing", "tracing-timing"])
    },
    tracing(
        "tracing-chrome",
        "tracing-chrome",
        &["tracing", "tracing-chrome", "tracing-subscriber"],
    ),
    peer("fastrace", "contender-fastrace", &["fastrace"], PHASES_AND_HAND_OFF, Counts::Calls),
    Contender {
        lacks: &[(Workload::ThousandPolls, "not for async")],
        ..peer("puffin", "contender-puffin", &["puffin"], PHASES, Counts::Calls)
    },
    peer("divan", "contender-divan", &["divan"], ALLOCATIONS, Counts::Memory),
    peer("stats_alloc", "contender-stats-alloc", &["stats_alloc"], ALLOCATIONS, Counts::Memory),
    peer(
        "allocation-counter",
        "contender-allocation-counter",
        &["allocation-counter"],
        ALLOCATIONS,
        Counts::Memory,
    ),
    peer("dhat", "contender-dhat", &["dhat"], ALLOCATIONS, Counts::Memory),
];

const fn peer(
    name: &'static str,
    package: &'static str,
    libraries: &'static [&'static str],
    kinds: &'static [Kind],
    counts: Counts,
) -> Contender {
    Contender { name, package, binary: package, kinds, counts, libraries, ..BARE }
}

const fn ours(
    name: &'static str,
    package: &'static str,
    kinds: &'static [Kind],
    counts: Counts,
) -> Contender {
    peer(name, package, OURS, kinds, counts)
}

const fn tracing(
    name: &'static str,
    binary: &'static str,
    libraries: &'static [&'static str],
) -> Contender {
    Contender {
        binary,
        ..peer(name, "contender-tracing", libraries, PHASES_AND_HAND_OFF, Counts::Calls)
    }
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
        self.libraries.starts_with(OURS)
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
