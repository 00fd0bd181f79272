//! Reads `buildperf.toml`: what is wrong in it is told with its line and key, and what was meant.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::thresholds::ThresholdsOf;
use super::{Configuration, PhaseRule};

/// Why the configuration cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The system refused the file.
    #[error("cannot read {}: {source}", path.display())]
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
const THRESHOLDS: [&str; 8] = [
    "time-percent",
    "build-ms",
    "phase-ms",
    "single-build-ms",
    "single-phase-ms",
    "memory-percent",
    "memory-mb",
    "allocations-percent",
];
const PHASE: [&str; 7] = [
    "path",
    "ignore",
    "time-percent",
    "time-ms",
    "memory-percent",
    "memory-mb",
    "allocations-percent",
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
                let said = thresholds(table(key, value)?)?;
                read.thresholds = read.thresholds.with(&said);
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

fn number(key: &str, value: &Spanned<DeValue<'_>>) -> Result<f64> {
    let number: Option<f64> = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
        DeValue::Float(number) => number.as_str().parse().ok(),
        other => {
            return flaw(start(value), format!("{key}: expected a number, not {}", kind(other)));
        }
    };
    match number.filter(|number| number.is_finite() && *number >= 0.0) {
        Some(number) => Ok(number),
        None => flaw(start(value), format!("{key}: expected a number that is not negative")),
    }
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
        let number = Some(number(key, value)?);
        match key {
            "time-percent" => said.time_percent = number,
            "build-ms" => said.build_ms = number,
            "phase-ms" => said.phase_ms = number,
            "single-build-ms" => said.single_build_ms = number,
            "single-phase-ms" => said.single_phase_ms = number,
            "memory-percent" => said.memory_percent = number,
            "memory-mb" => said.memory_mb = number,
            _ => said.allocations_percent = number,
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
            _ => {
                let number = Some(number(key, value)?);
                match key {
                    "time-percent" => said.time_percent = number,
                    // A floor that is named for a phase holds however many builds there are.
                    "time-ms" => {
                        (said.phase_ms, said.single_phase_ms) = (number, number);
                    }
                    "memory-percent" => said.memory_percent = number,
                    "memory-mb" => said.memory_mb = number,
                    _ => said.allocations_percent = number,
                }
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
