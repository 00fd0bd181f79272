//! Compares two sets of builds: the median of each number in both.

use std::collections::{HashMap, HashSet};

use perf_history::{BuildStats, PhaseStats};

use crate::judge::median;
use crate::present::units::float;

/// The median of a number in each of two sets, over the builds that have it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct PairedMedians {
    pub old: Option<f64>,
    pub new: Option<f64>,
}

impl PairedMedians {
    pub(super) fn from_builds(
        old: &[BuildStats],
        new: &[BuildStats],
        number: impl Fn(&BuildStats) -> Option<f64>,
    ) -> Self {
        Self {
            old: median(old.iter().filter_map(&number)),
            new: median(new.iter().filter_map(&number)),
        }
    }

    /// New minus old.
    pub(super) fn difference(&self) -> Option<f64> {
        Some(self.new? - self.old?)
    }

    /// The difference as a share of the old median; `None` if that is 0.
    pub(super) fn change(&self) -> Option<f64> {
        let old = self.old.filter(|old| *old != 0.0)?;
        Some(self.difference()? / old)
    }
}

/// A phase in two sets.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct PhasePair {
    pub path: String,
    /// Its time on the build thread; `None` if it never ran there.
    pub build_thread_ms: PairedMedians,
    /// Its time on all threads.
    pub total_ms: PairedMedians,
    /// The same, without nested phases.
    pub self_ms: PairedMedians,
    pub calls: PairedMedians,
    pub items: PairedMedians,
    pub alloc_bytes: PairedMedians,
    pub peak_bytes: PairedMedians,
}

/// The phases of two sets: children directly below their parents, otherwise in the order of the new
/// builds, and then of the old ones.
pub(super) fn pair_phases(old: &[BuildStats], new: &[BuildStats]) -> Vec<PhasePair> {
    let paths = new.iter().chain(old).flat_map(|stats| &stats.phases);
    let order = in_tree_order(paths.map(|phase| phase.path.as_str()));
    let (old, new) = (by_path(old), by_path(new));
    order
        .into_iter()
        .map(|path| {
            let paired = |number: &dyn Fn(&PhaseStats) -> Option<f64>| {
                let median_of = |phases: &HashMap<&str, Vec<&PhaseStats>>| {
                    median(phases.get(path)?.iter().filter_map(|phase| number(phase)))
                };
                PairedMedians { old: median_of(&old), new: median_of(&new) }
            };
            PhasePair {
                path: path.to_owned(),
                build_thread_ms: paired(&|phase| phase.build_thread_ms),
                total_ms: paired(&|phase| Some(phase.total_ms)),
                self_ms: paired(&|phase| Some(phase.self_ms)),
                calls: paired(&|phase| Some(float(phase.calls))),
                items: paired(&|phase| Some(float(phase.items))),
                alloc_bytes: paired(&|phase| phase.alloc_bytes.map(float)),
                peak_bytes: paired(&|phase| phase.peak_bytes.map(float)),
            }
        })
        .collect()
}

fn by_path(builds: &[BuildStats]) -> HashMap<&str, Vec<&PhaseStats>> {
    let mut by_path: HashMap<&str, Vec<&PhaseStats>> = HashMap::new();
    for phase in builds.iter().flat_map(|stats| &stats.phases) {
        by_path.entry(&phase.path).or_default().push(phase);
    }
    by_path
}

/// Each path once: children directly below their parents, otherwise in the order given.
fn in_tree_order<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = HashSet::new();
    let paths: Vec<&str> = paths.filter(|path| known.insert(*path)).collect();
    let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut roots = Vec::new();
    for &path in &paths {
        match path.rsplit_once('/') {
            Some((parent, _)) if known.contains(parent) => {
                children.entry(parent).or_default().push(path);
            }
            _ => roots.push(path),
        }
    }
    let mut order = Vec::with_capacity(paths.len());
    let mut open: Vec<&str> = roots.into_iter().rev().collect();
    while let Some(path) = open.pop() {
        order.push(path);
        open.extend(children.remove(path).unwrap_or_default().into_iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(time: f64, phases: &[(&str, f64)]) -> BuildStats {
        let phase = |(path, total_ms): &(&str, f64)| {
            let mut phase = PhaseStats::new(*path);
            phase.total_ms = *total_ms;
            phase
        };
        let mut stats = BuildStats::default();
        stats.build_time_ms = time;
        stats.phases = phases.iter().map(phase).collect();
        stats
    }

    #[test]
    fn each_set_has_its_median_and_a_change_is_a_share_of_the_old() {
        let old = [build(10.0, &[]), build(30.0, &[]), build(20.0, &[])];
        let new = [build(25.0, &[])];
        let time = PairedMedians::from_builds(&old, &new, |stats| Some(stats.build_time_ms));
        assert_eq!(time, PairedMedians { old: Some(20.0), new: Some(25.0) });
        assert_eq!(time.difference(), Some(5.0));
        assert_eq!(time.change(), Some(0.25));
        let memory = PairedMedians::from_builds(&old, &new, |stats| stats.memory_peak_mb);
        assert_eq!(memory, PairedMedians::default());
        assert_eq!(memory.change(), None);
        assert_eq!(PairedMedians { old: Some(0.0), new: Some(1.0) }.change(), None);
    }

    #[test]
    fn phases_are_in_the_order_of_the_new_builds_and_removed_ones_below_their_parents() {
        let old = [build(1.0, &[("a", 1.0), ("a/x", 2.0), ("gone", 3.0), ("b", 4.0)])];
        let new = [
            build(1.0, &[("b", 8.0), ("b/y", 5.0), ("a", 6.0)]),
            build(1.0, &[("b", 10.0), ("a", 8.0), ("rare", 1.0)]),
        ];
        let pairs = pair_phases(&old, &new);
        let shown: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.path.as_str(), pair.total_ms.old, pair.total_ms.new))
            .collect();
        assert_eq!(
            shown,
            [
                ("b", Some(4.0), Some(9.0)),
                ("b/y", None, Some(5.0)),
                ("a", Some(1.0), Some(7.0)),
                ("a/x", Some(2.0), None),
                ("rare", None, Some(1.0)),
                ("gone", Some(3.0), None),
            ]
        );
    }

    #[test]
    fn deeply_nested_phases_are_paired() {
        let names: Vec<String> = (1..=2_000).map(|depth| vec!["p"; depth].join("/")).collect();
        let phases: Vec<(&str, f64)> = names.iter().map(|path| (path.as_str(), 1.0)).collect();
        let builds = [build(1.0, &phases)];
        assert_eq!(pair_phases(&builds, &builds).len(), 2_000);
    }
}
