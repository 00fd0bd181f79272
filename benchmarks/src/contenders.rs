//! The contenders that are compared, and the self-check that each of them measures what it should.

use anyhow::{Result, ensure};
use workloads::{KNOWN, Kind, Seen, Workload};

use crate::programs::{Programs, json_of};

/// One way of measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contender {
    /// Its name in the report.
    pub(crate) name: &'static str,
    /// Its program, and the features that the program is built with.
    pub(crate) program: &'static str,
    pub(crate) features: &'static str,
    /// Whether perf-runtime is switched off by its environment variable.
    pub(crate) off: bool,
    /// Whether the work is done outside a build.
    pub(crate) outside: bool,
    /// What it measures.
    pub(crate) kinds: &'static [Kind],
    /// What it should report about known work.
    pub(crate) counts: Seen,
}

const NOTHING: Seen = Seen { calls: None, blocks: None, bytes: None };
const CALLS: Seen = Seen { calls: KNOWN.calls, ..NOTHING };
const BLOCKS: Seen = Seen { calls: None, ..KNOWN };

const ALL_KINDS: &[Kind] = &[Kind::Phases, Kind::Polls, Kind::HandOff, Kind::Allocations];
const SPANS: &[Kind] = &[Kind::Phases, Kind::Polls, Kind::HandOff];
const ALLOCATIONS: &[Kind] = &[Kind::Allocations];

/// No measuring at all.
pub(crate) const BARE: Contender = contender("bare", "bare", "", ALL_KINDS, NOTHING);
/// perf-runtime with everything that it measures by default.
pub(crate) const FULL: Contender = contender("perf-runtime", "tracked", "track", ALL_KINDS, KNOWN);
/// The same program before any build starts.
pub(crate) const OUTSIDE: Contender =
    Contender { name: "perf-runtime, outside a build", outside: true, ..FULL };
/// The same program, switched off at run time.
pub(crate) const OFF: Contender =
    Contender { name: "perf-runtime, off", off: true, counts: NOTHING, ..FULL };
/// The same program with measuring compiled out.
pub(crate) const COMPILED_OUT: Contender =
    contender("perf-runtime, compiled out", "tracked", "perf-runtime", ALL_KINDS, NOTHING);
/// Spans of tracing, kept in a registry that nothing reads.
pub(crate) const REGISTRY: Contender =
    contender("tracing, registry", "tracing", "tracing-registry", SPANS, CALLS);
/// Spans of tracing that perf-runtime's layer turns into phases.
pub(crate) const LAYER: Contender =
    contender("tracing, perf-runtime's layer", "tracing", "phase-layer", SPANS, KNOWN);

/// All contenders, in the order of the report.
pub(crate) const ALL: [Contender; 14] = [
    BARE,
    FULL,
    OUTSIDE,
    OFF,
    COMPILED_OUT,
    contender("hotpath, time", "hotpath", "hotpath", &[Kind::Phases, Kind::Polls], CALLS),
    contender(
        "hotpath, memory",
        "hotpath",
        "hotpath-memory",
        &[Kind::Phases, Kind::Polls, Kind::Allocations],
        Seen { blocks: None, ..KNOWN },
    ),
    contender("tracing, no subscriber", "tracing", "tracing", SPANS, NOTHING),
    REGISTRY,
    LAYER,
    contender("fastrace", "fastrace", "fastrace", &[Kind::Phases, Kind::Polls], CALLS),
    contender("puffin", "puffin", "puffin", &[Kind::Phases], CALLS),
    contender("stats_alloc", "stats-alloc", "stats_alloc", ALLOCATIONS, BLOCKS),
    contender("dhat", "dhat", "dhat", ALLOCATIONS, BLOCKS),
];

const fn contender(
    name: &'static str,
    program: &'static str,
    features: &'static str,
    kinds: &'static [Kind],
    counts: Seen,
) -> Contender {
    Contender { name, program, features, off: false, outside: false, kinds, counts }
}

impl Contender {
    /// Whether it does this workload.
    pub(crate) fn does(&self, workload: Workload) -> bool {
        self.kinds.contains(&workload.kind())
    }

    /// Whether it is perf-runtime in one of its forms.
    pub(crate) fn is_ours(&self) -> bool {
        self.name.contains("perf-runtime")
    }

    /// Whether it is another tool.
    pub(crate) fn is_peer(&self) -> bool {
        !self.is_ours() && *self != BARE
    }
}

/// Checks that each contender counts known work as it should. One that measured anything else would be
/// compared under a false name.
pub(crate) fn check(programs: &Programs) -> Result<()> {
    for contender in &ALL {
        let seen: Seen = json_of(programs.command(contender)?.arg("check"))?;
        ensure!(
            agrees(seen, contender.counts),
            "{} should report {:?} and reports {seen:?}: it does not measure what it should",
            contender.name,
            contender.counts,
        );
    }
    Ok(())
}

/// Whether the counts agree. Calls are exact. Allocators also count what the program does around the
/// work, and hotpath prints thousands of bytes with one decimal.
fn agrees(seen: Seen, expected: Seen) -> bool {
    let near = |seen: Option<u64>, expected: Option<u64>| match (seen, expected) {
        (None | Some(0), None) => true,
        (Some(seen), Some(expected)) => {
            (expected - expected / 50..=expected + expected / 10).contains(&seen)
        }
        _ => false,
    };
    seen.calls.unwrap_or(0) == expected.calls.unwrap_or(0)
        && near(seen.blocks, expected.blocks)
        && near(seen.bytes, expected.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_has_a_name_of_its_own_and_work_to_do() {
        for (index, contender) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != contender.name), "{contender:?}");
            assert!(Workload::ALL.into_iter().any(|workload| contender.does(workload)));
        }
    }

    #[test]
    fn a_contender_gets_only_the_work_that_it_can_measure() {
        let named = |name| ALL.into_iter().find(|contender| contender.name == name).unwrap();
        assert!(named("puffin").does(Workload::TightCall));
        assert!(!named("puffin").does(Workload::ThousandPolls));
        assert!(!named("puffin").does(Workload::Alloc8));
        assert!(!named("hotpath, time").does(Workload::HandedToAnotherThread));
        assert!(BARE.does(Workload::Alloc8) && !BARE.is_peer() && !BARE.is_ours());
        assert!(OFF.is_ours() && LAYER.is_ours() && REGISTRY.is_peer());
    }

    #[test]
    fn a_contender_that_counts_nothing_too_little_or_too_much_fails_the_check() {
        let with = |blocks, bytes| Seen { blocks, bytes, ..KNOWN };
        assert!(agrees(KNOWN, KNOWN));
        assert!(agrees(with(Some(1003), Some(8100)), KNOWN));
        assert!(agrees(with(None, Some(7900)), Seen { blocks: None, ..KNOWN }));
        assert!(agrees(NOTHING, NOTHING) && agrees(with(Some(0), Some(0)), CALLS));
        for seen in [
            NOTHING,
            Seen { calls: Some(999), ..KNOWN },
            Seen { calls: Some(1001), ..KNOWN },
            with(Some(0), Some(0)),
            with(None, None),
            with(Some(1000), None),
            with(Some(500), Some(4000)),
            with(Some(2000), Some(16_000)),
        ] {
            assert!(!agrees(seen, KNOWN), "{seen:?}");
        }
        assert!(!agrees(KNOWN, NOTHING));
    }
}
