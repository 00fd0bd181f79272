//! Switches for a program already shipped: variables of the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Once;

use crate::AllocationSampling;

use super::warning::warn;

const SWITCH: &str = "BUILD_METRICS";
const DIR: &str = "BUILD_METRICS_DIR";
const LABELS: &str = "BUILD_METRICS_LABELS";
const TIMELINE: &str = "BUILD_METRICS_TIMELINE";
const ALLOCATORS: &str = "BUILD_METRICS_ALLOCATORS";

/// What the environment says about a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Switches {
    /// `BUILD_METRICS=off` turns it off.
    pub(super) on: bool,
    /// `BUILD_METRICS_LABELS=key=value,…`
    pub(super) labels: BTreeMap<String, String>,
    /// `BUILD_METRICS_TIMELINE=1` keeps an interval of each call.
    pub(super) timeline: bool,
    /// `BUILD_METRICS_ALLOCATORS=1`, or a number of bytes, samples allocations.
    pub(super) allocators: Allocators,
}

/// What the environment says about sampling allocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allocators {
    /// Nothing: it is as the tool has it.
    Unsaid,
    Off,
    On(AllocationSampling),
}

impl Allocators {
    /// How allocations are to be sampled where the tool wants them so.
    pub(super) fn or(self, tool: Option<AllocationSampling>) -> Option<AllocationSampling> {
        match self {
            Self::Unsaid => tool,
            Self::Off => None,
            Self::On(sampling) => Some(sampling),
        }
    }
}

impl Switches {
    /// Reads the switches. One that cannot be read is named in a warning, once in a process, and
    /// ignored.
    pub(super) fn from_env() -> Self {
        static WARNED: Once = Once::new();
        let read = |name| std::env::var_os(name).map(|it| it.to_string_lossy().into_owned());
        let (switches, complaints) = Self::parse(
            read(SWITCH).as_deref(),
            read(LABELS).as_deref(),
            read(TIMELINE).as_deref(),
            read(ALLOCATORS).as_deref(),
        );
        WARNED.call_once(|| complaints.iter().for_each(|it| warn(it)));
        switches
    }

    /// The switches by their values, and a complaint about each that cannot be read.
    fn parse(
        switch: Option<&str>,
        labels: Option<&str>,
        timeline: Option<&str>,
        allocators: Option<&str>,
    ) -> (Self, Vec<String>) {
        let mut complaints = Vec::new();
        let mut is_on = |name, value: Option<&str>, default| {
            on_or_off(value, default).unwrap_or_else(|| {
                let value = value.unwrap_or_default();
                complaints.push(format!("{name}={value:?} is ignored: it is neither on nor off"));
                default
            })
        };
        let on = is_on(SWITCH, switch, true);
        let timeline = is_on(TIMELINE, timeline, false);
        let value = allocators.unwrap_or_default();
        let allocators = sampling(value).unwrap_or_else(|| {
            complaints.push(format!(
                "{ALLOCATORS}={value:?} is ignored: \
                 it is neither on nor off, nor a size such as 64KiB"
            ));
            Allocators::Unsaid
        });
        let mut pairs = BTreeMap::new();
        let mut strays = Vec::new();
        for pair in labels.unwrap_or_default().split(',').filter(|it| !it.trim().is_empty()) {
            match pair.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some((key, value)) if !key.is_empty() => {
                    pairs.insert(key.to_owned(), value.to_owned());
                }
                _ => strays.push(format!("{pair:?}")),
            }
        }
        if !strays.is_empty() {
            let strays = strays.join(", ");
            complaints.push(format!("{LABELS}: ignored {strays}, which is not key=value"));
        }
        (Self { on, labels: pairs, timeline, allocators }, complaints)
    }
}

/// What a switch is turned to. `None` where that cannot be read.
fn on_or_off(value: Option<&str>, default: bool) -> Option<bool> {
    match value.map(|it| it.trim().to_ascii_lowercase()).as_deref() {
        None | Some("") => Some(default),
        Some("on" | "1" | "true" | "yes") => Some(true),
        Some("off" | "0" | "false" | "no") => Some(false),
        Some(_) => None,
    }
}

/// What `BUILD_METRICS_ALLOCATORS` says. `None` where that cannot be read.
fn sampling(value: &str) -> Option<Allocators> {
    if value.trim().is_empty() {
        return Some(Allocators::Unsaid);
    }
    match on_or_off(Some(value), false) {
        Some(true) => Some(Allocators::On(AllocationSampling::default())),
        Some(false) => Some(Allocators::Off),
        None => size(value).map(|it| Allocators::On(AllocationSampling::every(it))),
    }
}

/// A number of bytes, such as `65536`, `64KiB` or `1 MiB`. `None` where it is none, or 0.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|&it| it > 0)
}

/// Where `BUILD_METRICS_DIR` says that records go.
pub(super) fn dir() -> Option<PathBuf> {
    std::env::var_os(DIR).filter(|it| !it.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn off_turns_measuring_off_in_any_spelling() {
        for off in ["off", "OFF", "0", "false", " no "] {
            assert!(!Switches::parse(Some(off), None, None, None).0.on, "{off}");
        }
        for on in [None, Some(""), Some("on"), Some("1")] {
            assert!(Switches::parse(on, None, None, None).0.on, "{on:?}");
        }
    }

    #[test]
    fn a_timeline_is_kept_only_where_it_is_asked_for() {
        for (value, kept) in [(None, false), (Some("0"), false), (Some("1"), true)] {
            assert_eq!(Switches::parse(None, None, value, None).0.timeline, kept, "{value:?}");
        }
    }

    #[test]
    fn allocations_are_sampled_by_the_bytes_that_are_asked_for() {
        let every = |bytes| Allocators::On(AllocationSampling::every(bytes));
        for (value, asked) in [
            ("", Allocators::Unsaid),
            ("0", Allocators::Off),
            ("off", Allocators::Off),
            ("1", every(256 << 10)),
            (" ON ", every(256 << 10)),
            ("2", every(2)),
            ("64KiB", every(65_536)),
            ("1 mib", every(1 << 20)),
            ("2G", every(2 << 30)),
        ] {
            let (switches, complaints) = Switches::parse(None, None, None, Some(value));
            assert_eq!((switches.allocators, complaints), (asked, vec![]), "{value:?}");
        }
        for odd in ["00 KiB", "-1", "KiB", "1.5MiB", "64KB?", "99999999999GiB"] {
            let (switches, complaints) = Switches::parse(None, None, None, Some(odd));
            assert_eq!((switches.allocators, complaints.len()), (Allocators::Unsaid, 1), "{odd:?}");
        }
    }

    #[test]
    fn labels_are_pairs_and_values_may_hold_an_equals_sign() {
        let (switches, complaints) = Switches::parse(None, Some("run=a, x = b=c ,"), None, None);
        assert_eq!(switches.labels, labels(&[("run", "a"), ("x", "b=c")]));
        assert!(complaints.is_empty(), "{complaints:?}");
    }

    #[test]
    fn what_cannot_be_read_is_named_once_a_switch_and_ignored() {
        let (switches, complaints) =
            Switches::parse(Some("maybe"), Some("novalue,=x,k=v"), Some("2"), Some("64 parsecs"));
        assert!(switches.on);
        assert_eq!(switches.labels, labels(&[("k", "v")]));
        assert_eq!(
            complaints,
            [
                "BUILD_METRICS=\"maybe\" is ignored: it is neither on nor off",
                "BUILD_METRICS_TIMELINE=\"2\" is ignored: it is neither on nor off",
                "BUILD_METRICS_ALLOCATORS=\"64 parsecs\" is ignored: \
                 it is neither on nor off, nor a size such as 64KiB",
                "BUILD_METRICS_LABELS: ignored \"novalue\", \"=x\", which is not key=value",
            ]
        );
    }
}
