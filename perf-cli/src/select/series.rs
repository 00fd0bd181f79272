//! Which builds may be compared with each other: those with the same comparability key.

use perf_history::{BuildStats, Profile};

use super::Mode;

/// The facts that must be equal for two builds to be compared. A fact that a record does not contain
/// is `None`, and equal to the same missing fact of another record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesKey {
    pub tool: String,
    /// `debug` or `release`.
    pub profile: Option<&'static str>,
    /// `full` or `incremental`.
    pub mode: Option<&'static str>,
    pub parallel: Option<bool>,
    pub cpu_model: Option<String>,
    /// The number of logical processors.
    pub cores: Option<u64>,
    /// log2 of the memory in MiB, rounded.
    pub memory: Option<u8>,
    pub os: Option<String>,
    pub arch: Option<String>,
    /// The version of the compiler that built the tool, or of the interpreter (Python model).
    pub compiler: Option<String>,
}

/// A difference between two keys, such as the mode: `full` against `incremental`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub what: &'static str,
    pub first: String,
    pub second: String,
}

impl SeriesKey {
    pub(crate) fn from_build(stats: &BuildStats) -> Self {
        let system = stats.system.clone().unwrap_or_default();
        let interpreter =
            || stats.unknown_fields.get("python_version")?.as_str().map(str::to_owned);
        Self {
            tool: stats.tool.clone(),
            profile: stats.profile.map(Profile::name),
            mode: Mode::from_build(stats).map(Mode::name),
            parallel: stats.parallel,
            cpu_model: system.cpu_model,
            cores: system.cores,
            memory: system.memory_mb.and_then(nearest_power),
            os: system.os.or_else(|| stats.platform.clone()),
            arch: system.arch,
            compiler: stats.rust_version.clone().or_else(interpreter),
        }
    }

    /// The differences between this key and another, the most informative first.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let facts = self.facts().into_iter().zip(other.facts());
        let differing = facts.filter(|((_, first), (_, second))| first != second);
        let known = |fact: Option<String>| fact.unwrap_or_else(|| "unknown".to_owned());
        differing
            .map(|((what, first), (_, second))| Difference {
                what,
                first: known(first),
                second: known(second),
            })
            .collect()
    }

    /// Whether a build with this key may belong to a series: none of its known facts differ. A build
    /// that ended before it recorded its mode has fewer known facts.
    pub(crate) fn could_match(&self, series: &Self) -> bool {
        let mut facts = self.facts().into_iter().zip(series.facts());
        facts.all(|((_, own), (_, expected))| own.is_none() || own == expected)
    }

    /// All facts, each with its name, the most informative first.
    pub(crate) fn facts(&self) -> [(&'static str, Option<String>); 10] {
        let parallel = |parallel| if parallel { "parallel" } else { "sequential" };
        [
            ("tool", Some(self.tool.clone())),
            ("mode", self.mode.map(str::to_owned)),
            ("profile", self.profile.map(str::to_owned)),
            ("threads", self.parallel.map(parallel).map(str::to_owned)),
            ("processor", self.cpu_model.clone()),
            ("cores", self.cores.map(|cores| format!("{cores} cores"))),
            ("memory", self.memory.map(power_of_mebibytes)),
            ("system", self.os.clone()),
            ("architecture", self.arch.clone()),
            ("compiler", self.compiler.clone()),
        ]
    }
}

/// The exponent of the nearest power of two, by ratio.
fn nearest_power(mebibytes: f64) -> Option<u8> {
    let exponent = mebibytes.log2().round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
    (0.0..64.0).contains(&exponent).then_some(exponent as u8)
}

fn power_of_mebibytes(exponent: u8) -> String {
    match exponent {
        10.. => format!("{} GiB", 1_u64 << (exponent - 10)),
        _ => format!("{} MiB", 1_u64 << exponent),
    }
}

#[cfg(test)]
mod tests {
    use perf_history::System;

    use super::*;

    fn key(change: impl FnOnce(&mut BuildStats)) -> SeriesKey {
        let mut stats = BuildStats::default();
        stats.tool = "site".into();
        stats.incremental = Some(false);
        stats.parallel = Some(true);
        stats.profile = Some(Profile::Release);
        stats.rust_version = Some("1.95.0".to_owned());
        let mut system = System::default();
        system.os = Some("linux".to_owned());
        system.arch = Some("x86_64".to_owned());
        system.cpu_model = Some("AMD EPYC".to_owned());
        system.cores = Some(2);
        system.memory_mb = Some(24_103.9);
        stats.system = Some(system);
        change(&mut stats);
        SeriesKey::from_build(&stats)
    }

    fn system(change: impl FnOnce(&mut System)) -> SeriesKey {
        key(|stats| change(stats.system.as_mut().unwrap()))
    }

    #[test]
    fn each_part_of_the_key_makes_a_separate_series_and_is_reported_as_the_difference() {
        let base = key(|_| ());
        for (other, what, first, second) in [
            (key(|stats| stats.tool = "other".into()), "tool", "site", "other"),
            (key(|stats| stats.incremental = Some(true)), "mode", "full", "incremental"),
            (key(|stats| stats.profile = Some(Profile::Debug)), "profile", "release", "debug"),
            (key(|stats| stats.parallel = Some(false)), "threads", "parallel", "sequential"),
            (system(|system| system.cpu_model = Some("M4".into())), "processor", "AMD EPYC", "M4"),
            (system(|system| system.cores = Some(8)), "cores", "2 cores", "8 cores"),
            (system(|system| system.memory_mb = Some(8192.0)), "memory", "32 GiB", "8 GiB"),
            (system(|system| system.os = Some("macos".into())), "system", "linux", "macos"),
            (system(|system| system.arch = None), "architecture", "x86_64", "unknown"),
            (key(|stats| stats.rust_version = None), "compiler", "1.95.0", "unknown"),
        ] {
            let difference =
                Difference { what, first: first.to_owned(), second: second.to_owned() };
            assert_eq!(base.differences(&other), [difference]);
        }
    }

    #[test]
    fn a_fact_that_a_build_did_not_record_excludes_it_from_no_series() {
        let series = key(|_| ());
        let ended_early = key(|stats| (stats.incremental, stats.parallel) = (None, None));
        assert!(series.could_match(&series) && ended_early.could_match(&series));
        assert!(!series.could_match(&ended_early), "the series has a known mode");
        let incremental = key(|stats| (stats.incremental, stats.parallel) = (Some(true), None));
        assert!(!incremental.could_match(&series));
    }

    #[test]
    fn facts_that_do_not_affect_comparability_are_not_part_of_the_key() {
        let other = key(|stats| {
            stats.build_time_ms = 5.0;
            stats.tool_version = Some("2".to_owned());
            stats.labels.insert("run".to_owned(), "x".to_owned());
            stats.system.as_mut().unwrap().os_version = Some("13".to_owned());
        });
        assert_eq!(other, key(|_| ()));
    }

    #[test]
    fn memory_that_the_system_partly_reserves_is_the_same_memory() {
        let all = system(|system| system.memory_mb = Some(32_768.0));
        assert_eq!(system(|system| system.memory_mb = Some(31_900.5)), all);
        assert_ne!(system(|system| system.memory_mb = Some(15_800.0)), all);
        assert_eq!(system(|system| system.memory_mb = Some(0.0)).memory, None);
        assert_eq!(system(|system| system.memory_mb = Some(f64::NAN)).memory, None);
    }

    #[test]
    fn records_of_the_python_model_are_kept_apart_by_their_interpreter_and_platform() {
        let read = |version: &str, platform: &str| {
            let line = format!(
                r#"{{"timestamp":"2025-10-09T21:51:25","python_version":"{version}","platform":"{platform}","build_time_ms":1}}"#
            );
            SeriesKey::from_build(&serde_json::from_str(&line).unwrap())
        };
        let differences = read("3.10.2", "darwin").differences(&read("3.14.0", "linux"));
        let what: Vec<_> = differences.iter().map(|difference| difference.what).collect();
        assert_eq!(what, ["system", "compiler"]);
    }
}
