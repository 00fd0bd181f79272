//! The builds of base and head so far, pair by pair.

use perf_history::{BuildStats, Clock, Outcome};

use crate::judge::median;
use crate::labels::{BASE, HEAD};
use crate::launch::{BuildCommand, Label, LaunchError};
use crate::present::units;
use crate::select::SeriesKey;

/// One of the two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Base = 0,
    Head = 1,
}

impl Half {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Base => BASE,
            Self::Head => HEAD,
        }
    }

    pub(super) fn label(self) -> Label {
        Label::new(self.name())
    }
}

/// The builds of both, each oldest first.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    builds: [Vec<BuildStats>; 2],
}

impl Pairs {
    pub(super) fn of(&self, half: Half) -> &[BuildStats] {
        &self.builds[half as usize]
    }

    /// The number of complete pairs.
    pub(super) fn len(&self) -> usize {
        self.builds.iter().map(Vec::len).min().unwrap_or_default()
    }

    /// Base and head, then head and base, so that a slow drift affects both equally.
    pub(super) fn next_order(&self) -> [Half; 2] {
        match self.len() % 2 {
            0 => [Half::Base, Half::Head],
            _ => [Half::Head, Half::Base],
        }
    }

    /// Adds the record of one run, if it is representative.
    pub(super) fn take(
        &mut self,
        half: Half,
        command: &BuildCommand,
        mut records: Vec<BuildStats>,
    ) -> Result<(), LaunchError> {
        let refused = |why: &str| Err(LaunchError::Refused(format!("{command} {why}")));
        let (1, Some(stats)) = (records.len(), records.pop()) else {
            return refused("leaves several records per run: use --tool NAME to select one tool");
        };
        match stats.outcome {
            Outcome::Failed => return refused("recorded that its build failed"),
            Outcome::Panicked => return refused("recorded that its build panicked"),
            Outcome::Success if stats.skipped == Some(true) => {
                return refused("had nothing to build: make it remove the previous output first");
            }
            Outcome::Success if stats.clock == Some(Clock::Suspect) => {
                return refused(
                    "recorded useless times: the machine was suspended during the build",
                );
            }
            Outcome::Success => {}
            outcome => return refused(&format!("recorded the outcome `{}`", outcome.name())),
        }
        self.builds[half as usize].push(stats);
        Ok(())
    }

    /// Whether all are of one series.
    pub(super) fn are_comparable(&self) -> bool {
        let mut keys = self.builds.iter().flatten().map(SeriesKey::from_build);
        let first = keys.next();
        keys.all(|key| Some(&key) == first.as_ref())
    }

    /// The medians in a few words.
    pub(super) fn medians(&self) -> String {
        let medians = [Half::Base, Half::Head].into_iter().filter_map(|half| {
            let median = median(self.of(half).iter().map(|stats| stats.build_time_ms))?;
            Some(format!("{} {}", half.name(), units::time(median)))
        });
        medians.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_pair_begins_with_the_head() {
        let mut pairs = Pairs::default();
        let command = BuildCommand::of_shell("true");
        let mut order = Vec::new();
        for _ in 0..4 {
            for half in pairs.next_order() {
                order.push(half.name());
                pairs.take(half, &command, vec![BuildStats::default()]).unwrap();
            }
        }
        assert_eq!(order, ["base", "head", "head", "base", "base", "head", "head", "base"]);
    }

    #[test]
    fn unrepresentative_builds_are_refused_with_the_reason() {
        let command = BuildCommand::of_shell("make");
        let stats = BuildStats::default;
        let changed = |change: fn(&mut BuildStats)| {
            let mut stats = stats();
            change(&mut stats);
            vec![stats]
        };
        for (records, reason) in [
            (vec![stats(), stats()], "leaves several records"),
            (changed(|stats| stats.outcome = Outcome::Failed), "its build failed"),
            (changed(|stats| stats.outcome = Outcome::Panicked), "its build panicked"),
            (changed(|stats| stats.skipped = Some(true)), "nothing to build"),
            (changed(|stats| stats.clock = Some(Clock::Suspect)), "suspended"),
        ] {
            let mut pairs = Pairs::default();
            let error = pairs.take(Half::Base, &command, records).unwrap_err().to_string();
            assert!(error.starts_with("`make` ") && error.contains(reason), "{error}");
            assert_eq!(pairs.of(Half::Base).len(), 0);
        }
    }
}
