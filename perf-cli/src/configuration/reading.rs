//! Reads `buildperf.toml`: what is wrong in it is told with its line and key, and what was meant.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::allowed::{self, Allowed, CHANCE, CHANCE_OF_PAIRS, SIGMAS};
use super::thresholds::ThresholdsOf;
use super::{Configuration, PhaseRule};

/// Why the configuration cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// The system refused the file.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}, line {line}: {reason}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, the first being 1.
        line: usize,
        /// What is wrong, with the key.
        reason: String,
    },
}

/// What is wrong, and where in the text.
struct Flaw {
    at: usize,
    reason: String,
}

type Result<T> = std::result::Result<T, Flaw>;
type Entry<'a, 'b> = (&'b str, usize, &'b Spanned<DeValue<'a>>);

/// Names less alike than this, of 1, are others.
const ALIKE: f64 = 0.75;

const TOP: [&str; 4] = ["default-branch", "workload", "thresholds", "phase"];
const THRESHOLDS: [&str; 16] = [
    "time-percent",
    "build-ms",
    "phase-ms",
    "single-build-ms",
    "single-phase-ms",
    "memory-percent",
    "memory-mb",
    "allocations-percent",
    "z",
    "session-p",
    "pairs-p",
    "false-discovery-rate",
    "least-builds",
    "enough-builds",
    "session-builds",
    "baseline-sessions",
];
const PHASE: [&str; 9] = [
    "path",
    "ignore",
    "time-percent",
    "time-ms",
    "memory-percent",
    "memory-mb",
    "allocations-percent",
    "z",
    "session-p",
];

pub(super) fn read(path: &Path) -> std::result::Result<Configuration, ConfigurationError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigurationError::Io { path: path.to_owned(), source })?;
    let read = parse(&text).map_err(|flaw| ConfigurationError::Wrong {
        path: path.to_owned(),
        line: 1 + text.bytes().take(flaw.at).filter(|byte| *byte == b'\n').count(),
        reason: flaw.reason,
    })?;
    Ok(Configuration { path: Some(path.to_owned()), ..read })
}

fn parse(text: &str) -> Result<Configuration> {
    let document = DeTable::parse(text).map_err(|error| Flaw {
        at: error.span().map_or(0, |span| span.start),
        reason: error.message().to_owned(),
    })?;
    let mut read = Configuration::default();
    for (key, at, value) in entries(document.get_ref(), &TOP)? {
        match key {
            "default-branch" => read.default_branches = branches(key, value)?,
            "workload" => read.workload = Some(text_of(key, value)?),
            "thresholds" => {
                let said = table(key, value)?;
                read.thresholds = read.thresholds.with(&thresholds(said)?);
                if let Some(reason) = read.thresholds.contradiction() {
                    // Where it is said at all, it is said by one of the two.
                    let keys = ["enough-builds", "baseline-sessions"];
                    let place = keys.iter().find_map(|key| said.get(*key)).map_or(at, start);
                    return flaw(place, reason);
                }
            }
            _ => {
                let DeValue::Array(rules) = value.get_ref() else {
                    return flaw(at, "phase: write each as a table of its own, [[phase]]");
                };
                for rule in rules {
                    read.phases.push(phase_rule(at, rule)?);
                }
            }
        }
    }
    Ok(read)
}

fn flaw<T>(at: usize, reason: impl Into<String>) -> Result<T> {
    Err(Flaw { at, reason: reason.into() })
}

fn start(value: &Spanned<DeValue<'_>>) -> usize {
    let Range { start, .. } = value.span();
    start
}

/// The keys of a table with their places and values, once it is known that it has no others.
fn entries<'a, 'b>(table: &'b DeTable<'a>, known: &[&str]) -> Result<Vec<Entry<'a, 'b>>> {
    let mut entries = Vec::new();
    for (key, value) in table {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        if !known.contains(&name) {
            return flaw(at, format!("unknown key {name:?}{}", suggestion(name, known)));
        }
        entries.push((name, at, value));
    }
    Ok(entries)
}

/// What may have been meant, or else all that could be.
fn suggestion(name: &str, known: &[&str]) -> String {
    let plain = name.to_lowercase().replace('_', "-");
    let alike = |known: &&&str| strsim::jaro_winkler(&plain, known);
    let nearest = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match nearest.filter(|it| alike(it) >= ALIKE) {
        Some(nearest) => format!("; did you mean {nearest:?}?"),
        None => format!("; there are {}", known.join(", ")),
    }
}

fn table<'a, 'b>(key: &str, value: &'b Spanned<DeValue<'a>>) -> Result<&'b DeTable<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        other => flaw(start(value), format!("{key}: expected a table, not {}", kind(other))),
    }
}

fn text_of(key: &str, value: &Spanned<DeValue<'_>>) -> Result<String> {
    match value.get_ref() {
        DeValue::String(text) if text.is_empty() => {
            flaw(start(value), format!("{key}: it is empty"))
        }
        DeValue::String(text) => Ok(text.as_ref().to_owned()),
        other => flaw(start(value), format!("{key}: expected text, not {}", kind(other))),
    }
}

fn branches(key: &str, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>> {
    match value.get_ref() {
        DeValue::Array(names) if !names.is_empty() => {
            names.iter().map(|name| text_of(key, name)).collect()
        }
        DeValue::Array(_) => flaw(start(value), format!("{key}: it names no branch")),
        _ => Ok(vec![text_of(key, value)?]),
    }
}

/// A number as it is written, read by one of [`allowed`].
fn number<T>(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    read: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<Option<T>> {
    let written = match value.get_ref() {
        // In another base it is read as none.
        DeValue::Integer(number) if number.radix() != 10 => "",
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        other => {
            return flaw(start(value), format!("{key}: expected a number, not {}", kind(other)));
        }
    };
    read(written).map(Some).or_else(|expected| flaw(start(value), format!("{key}: {expected}")))
}

/// A number that is said of the build and of phases alike, if that is what the key stands for.
fn common(said: &mut ThresholdsOf, key: &str, value: &Spanned<DeValue<'_>>) -> Result<bool> {
    let any = |text: &str| Allowed::NotNegative.number(text);
    match key {
        "time-percent" => said.time_percent = number(key, value, any)?,
        "memory-percent" => said.memory_percent = number(key, value, any)?,
        "memory-mb" => said.memory_mb = number(key, value, any)?,
        "allocations-percent" => said.allocations_percent = number(key, value, any)?,
        "z" => said.z = number(key, value, |it| SIGMAS.number(it))?,
        "session-p" => said.session_p = number(key, value, |it| CHANCE.number(it))?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn thresholds(table: &DeTable<'_>) -> Result<ThresholdsOf> {
    let mut said = ThresholdsOf::default();
    for (key, _, value) in entries(table, &THRESHOLDS)? {
        if common(&mut said, key, value)? {
            continue;
        }
        let any = |text: &str| Allowed::NotNegative.number(text);
        match key {
            "build-ms" => said.build_ms = number(key, value, any)?,
            "phase-ms" => said.phase_ms = number(key, value, any)?,
            "single-build-ms" => said.single_build_ms = number(key, value, any)?,
            "single-phase-ms" => said.single_phase_ms = number(key, value, any)?,
            "pairs-p" => said.pairs_p = number(key, value, |it| CHANCE_OF_PAIRS.number(it))?,
            "false-discovery-rate" => {
                said.false_discovery_rate = number(key, value, |it| CHANCE.number(it))?;
            }
            "least-builds" => said.least_builds = number(key, value, allowed::builds)?,
            "enough-builds" => said.enough_builds = number(key, value, allowed::builds)?,
            "session-builds" => said.session_builds = number(key, value, allowed::builds)?,
            _ => said.baseline_sessions = number(key, value, allowed::builds)?,
        }
    }
    Ok(said)
}

fn phase_rule(at: usize, rule: &Spanned<DeValue<'_>>) -> Result<PhaseRule> {
    let (mut path, mut ignore, mut said) = (None, None, ThresholdsOf::default());
    for (key, _, value) in entries(table("phase", rule)?, &PHASE)? {
        match key {
            "path" => path = Some(pattern(value)?),
            "ignore" => match value.get_ref() {
                DeValue::Boolean(flag) => ignore = Some(*flag),
                other => {
                    let reason = format!("ignore: expected true or false, not {}", kind(other));
                    return flaw(start(value), reason);
                }
            },
            // A floor that is named for a phase holds however many builds there are.
            "time-ms" => {
                let floor = number(key, value, |it| Allowed::NotNegative.number(it))?;
                (said.phase_ms, said.single_phase_ms) = (floor, floor);
            }
            _ => {
                common(&mut said, key, value)?;
            }
        }
    }
    let Some(path) = path else {
        let place = if rule.span().is_empty() { at } else { rule.span().start };
        return flaw(place, "phase: it has no path; say which phases are meant");
    };
    Ok(PhaseRule { path, ignore, thresholds: said })
}

fn pattern(value: &Spanned<DeValue<'_>>) -> Result<glob::Pattern> {
    let text = text_of("path", value)?;
    glob::Pattern::new(&text)
        .or_else(|error| flaw(start(value), format!("path: {text:?} is no pattern: {}", error.msg)))
}
