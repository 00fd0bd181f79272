//! The environment variables that switch recording: parsed in one place for the runtime, which
//! obeys them, and for the tools that start builds or explain why one left no record.
//!
//! | variable | value |
//! |---|---|
//! | `BUILD_METRICS` | `off`, `0`, `false` or `no` switches recording off |
//! | `BUILD_METRICS_DIR` | the directory of the history |
//! | `BUILD_METRICS_LABELS` | `key=value,…`; `%2C` is a comma, `%25` a percent sign |
//! | `BUILD_METRICS_TIMELINE` | `1` records a timeline |
//! | `BUILD_METRICS_ALLOCATORS` | `1`, or a size such as `64KiB`, samples allocations |
//! | `BUILD_METRICS_GIT` | `off` leaves the checkout out of the record |
//! | `BUILD_METRICS_COMMIT` | the commit to record: its full name, of 40 or 64 hexadecimal digits |
//! | `BUILD_METRICS_BRANCH` | the branch to record |
//!
//! Case and surrounding blanks do not matter. A value that cannot be read is ignored, and
//! [`complaints`](Switches::complaints) names it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Switches recording on or off.
pub const BUILD_METRICS: &str = "BUILD_METRICS";
/// Names the directory of the history.
pub const DIR: &str = "BUILD_METRICS_DIR";
/// Adds labels to the record.
pub const LABELS: &str = "BUILD_METRICS_LABELS";
/// Switches the timeline on or off.
pub const TIMELINE: &str = "BUILD_METRICS_TIMELINE";
/// Switches sampling of allocations on or off.
pub const ALLOCATORS: &str = "BUILD_METRICS_ALLOCATORS";
/// Switches the facts about the checkout on or off.
pub const GIT: &str = "BUILD_METRICS_GIT";
/// Names the commit to record.
pub const COMMIT: &str = "BUILD_METRICS_COMMIT";
/// Names the branch to record.
pub const BRANCH: &str = "BUILD_METRICS_BRANCH";

/// The environment's settings for a build.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Switches {
    /// Whether to record at all.
    pub on: bool,
    /// The directory of the history; `None` where the tool decides.
    pub dir: Option<PathBuf>,
    /// Labels to add to the record.
    pub labels: BTreeMap<String, String>,
    /// Whether to record a timeline.
    pub timeline: bool,
    /// Whether and how to sample allocations.
    pub allocators: AllocatorSwitch,
    /// Whether to record facts about the checkout.
    pub git: bool,
    /// The commit to record, whatever is checked out.
    pub commit: Option<String>,
    /// The branch to record, whatever is checked out.
    pub branch: Option<String>,
    /// One message for each variable whose value was ignored.
    pub complaints: Vec<String>,
}

/// The setting for sampling allocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AllocatorSwitch {
    /// The variable is not set: the tool decides.
    #[default]
    Unset,
    /// Do not sample.
    Off,
    /// Sample at the default rate.
    On,
    /// Sample one of this many bytes, on average.
    Every(u64),
}

impl Default for Switches {
    /// The settings where no variable is set.
    fn default() -> Self {
        Self {
            on: true,
            dir: None,
            labels: BTreeMap::new(),
            timeline: false,
            allocators: AllocatorSwitch::Unset,
            git: true,
            commit: None,
            branch: None,
            complaints: Vec::new(),
        }
    }
}

impl Switches {
    /// Reads the environment of this process.
    #[must_use]
    pub fn from_env() -> Self {
        Self::parse(|name| std::env::var_os(name))
    }

    /// Parses the values that `variable` returns for the names of the variables.
    ///
    /// ```
    /// use perf_history::switches::{LABELS, Switches};
    ///
    /// let switches = Switches::parse(|name| (name == LABELS).then(|| "run=1%2C2".into()));
    /// assert_eq!(switches.labels["run"], "1,2");
    /// assert!(switches.on);
    /// ```
    #[must_use]
    pub fn parse(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut switches = Self::default();
        let text = |name| variable(name).unwrap_or_default().to_string_lossy().into_owned();
        for (name, switch) in [
            (BUILD_METRICS, &mut switches.on),
            (TIMELINE, &mut switches.timeline),
            (GIT, &mut switches.git),
        ] {
            let value = text(name);
            match on_or_off(&value) {
                Some(on) => *switch = on,
                None if value.trim().is_empty() => {}
                None => switches
                    .complaints
                    .push(format!("{name}={value:?} is ignored: expected `on` or `off`")),
            }
        }
        let value = text(ALLOCATORS);
        switches.allocators = match on_or_off(&value) {
            Some(true) => AllocatorSwitch::On,
            Some(false) => AllocatorSwitch::Off,
            None if value.trim().is_empty() => AllocatorSwitch::Unset,
            None => size(&value).map_or_else(
                || {
                    switches.complaints.push(format!(
                        "{ALLOCATORS}={value:?} is ignored: expected `on`, `off` or a size such \
                         as `64KiB`"
                    ));
                    AllocatorSwitch::Unset
                },
                AllocatorSwitch::Every,
            ),
        };
        let is_commit = |value: &str| {
            matches!(value.len(), 40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        // Whitespace, and the characters that `git check-ref-format` rejects.
        let is_branch = |value: &str| {
            value.len() <= 256
                && !value.contains(|c: char| c.is_whitespace() || c.is_control())
                && !value.contains(['~', '^', ':', '?', '*', '[', '\\'])
        };
        let commit = text(COMMIT).trim().to_ascii_lowercase();
        let branch = text(BRANCH).trim().to_owned();
        for (name, value, is_valid, expected, target) in [
            (
                COMMIT,
                &commit,
                is_commit(&commit),
                "the full name of a commit",
                &mut switches.commit,
            ),
            (BRANCH, &branch, is_branch(&branch), "the name of a branch", &mut switches.branch),
        ] {
            if is_valid && !value.is_empty() {
                *target = Some(value.clone());
            } else if !value.is_empty() {
                let complaint = format!("{name}={value:?} is ignored: expected {expected}");
                switches.complaints.push(complaint);
            }
        }
        switches.parse_labels(&text(LABELS));
        switches.dir = variable(DIR).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        switches
    }

    fn parse_labels(&mut self, text: &str) {
        let mut ignored = Vec::new();
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            match pair.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some((key, value)) if !key.is_empty() => {
                    self.labels.insert(decode(key), decode(value));
                }
                _ => ignored.push(format!("{pair:?}")),
            }
        }
        if !ignored.is_empty() {
            let ignored = ignored.join(", ");
            self.complaints.push(format!("{LABELS}: ignored {ignored}: expected `key=value`"));
        }
    }
}

/// The value of a switch; `None` where it is empty or cannot be read.
fn on_or_off(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "on" | "1" | "true" | "yes" => Some(true),
        "off" | "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// A number of bytes, such as `65536`, `64KiB` or `1 MiB`; `None` where it cannot be read, or is 0.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|&bytes| bytes > 0)
}

/// Replaces the escapes of a comma and of a percent sign. Any other percent sign stays.
fn decode(text: &str) -> String {
    // Commas first would turn `%252C`, an escaped `%2C`, into a comma: split at `%25` instead.
    let parts = text.split("%25").map(|part| part.replace("%2C", ",").replace("%2c", ","));
    parts.collect::<Vec<_>>().join("%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(variables: &[(&str, &str)]) -> Switches {
        Switches::parse(|name| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).into())
        })
    }

    #[test]
    fn a_switch_takes_every_spelling_of_on_and_off() {
        for off in ["off", "OFF", "0", "false", " no "] {
            let switches = parse(&[(BUILD_METRICS, off), (GIT, off), (TIMELINE, off)]);
            assert_eq!(
                (switches.on, switches.git, switches.timeline),
                (false, false, false),
                "{off}"
            );
            assert!(switches.complaints.is_empty(), "{off}");
        }
        for on in ["on", "1", " True", "yes"] {
            let switches = parse(&[(BUILD_METRICS, on), (GIT, on), (TIMELINE, on)]);
            assert_eq!((switches.on, switches.git, switches.timeline), (true, true, true), "{on}");
        }
        assert_eq!(parse(&[]), Switches::default());
        assert_eq!(parse(&[(BUILD_METRICS, ""), (TIMELINE, " "), (DIR, "")]), Switches::default());
    }

    #[test]
    fn allocations_are_sampled_at_the_rate_that_was_given() {
        for (value, expected) in [
            ("", AllocatorSwitch::Unset),
            ("0", AllocatorSwitch::Off),
            ("off", AllocatorSwitch::Off),
            ("1", AllocatorSwitch::On),
            (" ON ", AllocatorSwitch::On),
            ("2", AllocatorSwitch::Every(2)),
            ("64KiB", AllocatorSwitch::Every(65_536)),
            ("1 mib", AllocatorSwitch::Every(1 << 20)),
            ("2G", AllocatorSwitch::Every(2 << 30)),
        ] {
            let switches = parse(&[(ALLOCATORS, value)]);
            assert_eq!((switches.allocators, switches.complaints), (expected, vec![]), "{value:?}");
        }
        for odd in ["00 KiB", "-1", "KiB", "1.5MiB", "64KB?", "99999999999GiB"] {
            let switches = parse(&[(ALLOCATORS, odd)]);
            assert_eq!(switches.allocators, AllocatorSwitch::Unset, "{odd:?}");
            assert_eq!(switches.complaints.len(), 1, "{odd:?}");
        }
    }

    #[test]
    fn labels_are_pairs_whose_values_may_contain_an_equals_sign_and_an_escaped_comma() {
        let switches =
            parse(&[(LABELS, "run=a, x = b=c ,l=1%2C2%2c3,p=5%25,q=%252C,r=%zz"), (DIR, "m")]);
        let expected =
            [("run", "a"), ("x", "b=c"), ("l", "1,2,3"), ("p", "5%"), ("q", "%2C"), ("r", "%zz")];
        let labels: Vec<_> =
            switches.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(labels, expected);
        assert!(switches.complaints.is_empty(), "{:?}", switches.complaints);
        assert_eq!(switches.dir, Some(PathBuf::from("m")));
    }

    #[test]
    fn commit_and_branch_are_names_that_git_allows() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let switches = parse(&[(COMMIT, &commit.to_uppercase()), (BRANCH, " topic/a ")]);
        assert_eq!(switches.commit.as_deref(), Some(commit));
        assert_eq!(switches.branch.as_deref(), Some("topic/a"));
        assert!(switches.complaints.is_empty(), "{:?}", switches.complaints);
        assert_eq!(parse(&[(COMMIT, " "), (BRANCH, "")]), Switches::default());
        for (odd_commit, odd_branch) in [("HEAD", "a b"), ("abc1234", "https://user:x@host/")] {
            let switches = parse(&[(COMMIT, odd_commit), (BRANCH, odd_branch)]);
            assert_eq!((switches.commit, switches.branch), (None, None));
            assert_eq!(
                switches.complaints,
                [
                    format!(
                        "{COMMIT}={:?} is ignored: expected the full name of a commit",
                        odd_commit.to_lowercase()
                    ),
                    format!("{BRANCH}={odd_branch:?} is ignored: expected the name of a branch"),
                ]
            );
        }
    }

    #[test]
    fn a_value_that_cannot_be_read_is_ignored_and_named_once_per_variable() {
        let switches = parse(&[
            (BUILD_METRICS, "maybe"),
            (LABELS, "novalue,=x,k=v"),
            (TIMELINE, "2"),
            (ALLOCATORS, "64 parsecs"),
        ]);
        assert!(switches.on);
        assert_eq!(switches.labels, BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        assert_eq!(
            switches.complaints,
            [
                "BUILD_METRICS=\"maybe\" is ignored: expected `on` or `off`",
                "BUILD_METRICS_TIMELINE=\"2\" is ignored: expected `on` or `off`",
                "BUILD_METRICS_ALLOCATORS=\"64 parsecs\" is ignored: expected `on`, `off` or a \
                 size such as `64KiB`",
                "BUILD_METRICS_LABELS: ignored \"novalue\", \"=x\": expected `key=value`",
            ]
        );
    }
}
