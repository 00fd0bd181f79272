//! Reads `buildperf.toml`. An error names the line with its text, and suggests what was meant.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{Configuration, PhaseRule};
use crate::judge::Thresholds;

/// Why the configuration cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    #[error("cannot read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The first line is 1.
    #[error("{}, line {line}, `{text}`: {reason}", path.display())]
    Invalid { path: PathBuf, line: usize, reason: String, text: String },
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(deserialize_with = "branches")]
    default_branch: Option<Vec<String>>,
    #[serde(deserialize_with = "not_empty")]
    workload: Option<String>,
    thresholds: Thresholds,
    phase: Vec<PhaseRule>,
}

impl Configuration {
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigurationError> {
        let path = path.to_owned();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ConfigurationError::Io { path, source }),
        };
        match parse(&text) {
            Ok(read) => Ok(Self { path: Some(path), ..read }),
            Err((at, reason)) => {
                let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
                let text = text.lines().nth(line).unwrap_or_default().trim().to_owned();
                Err(ConfigurationError::Invalid { path, line: line + 1, reason, text })
            }
        }
    }
}

/// Reads a text; what is wrong with it, and where.
fn parse(text: &str) -> Result<Configuration, (usize, String)> {
    let file: File = toml::from_str(text).map_err(|error: toml::de::Error| {
        (error.span().map_or(0, |span| span.start), described(error.message()))
    })?;
    if let Err(reason) = file.thresholds.validate() {
        // One of these keys is in the file, as the defaults are valid.
        let keys = ["enough-builds", "baseline-sessions"];
        return Err((keys.iter().find_map(|key| text.find(key)).unwrap_or(0), reason));
    }
    let defaults = Configuration::default();
    Ok(Configuration {
        path: None,
        default_branches: file.default_branch.unwrap_or(defaults.default_branches),
        workload: file.workload,
        thresholds: file.thresholds,
        phases: file.phase,
    })
}

/// Names less alike than this, of 1, are not suggested.
const ALIKE: f64 = 0.75;

/// Serde's message in the words of TOML. Of an unknown key, with the one that was probably meant.
fn described(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else {
        return message
            .replace("missing field", "missing key")
            .replace("invalid type: map, expected a sequence", "expected [[phase]] for each");
    };
    let mut names = rest.split('`').skip(1).step_by(2);
    let unknown = names.next().unwrap_or_default();
    let plain = unknown.to_lowercase().replace('_', "-");
    let alike = |known: &str| strsim::jaro_winkler(&plain, known);
    let nearest = names.max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match nearest.filter(|known| alike(known) >= ALIKE) {
        Some(known) => format!("unknown key `{unknown}`, did you mean `{known}`?"),
        None => format!("unknown key {rest}"),
    }
}

fn not_empty<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    match String::deserialize(source)? {
        text if text.is_empty() => Err(D::Error::custom("expected a text that is not empty")),
        text => Ok(Some(text)),
    }
}

fn branches<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Branches {
        One(String),
        Several(Vec<String>),
    }
    let names = match Branches::deserialize(source) {
        Ok(Branches::One(name)) => vec![name],
        Ok(Branches::Several(names)) => names,
        Err(_) => Vec::new(),
    };
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(D::Error::custom("expected a branch, or a list of branches"));
    }
    Ok(Some(names))
}

pub(super) fn pattern<'de, D: Deserializer<'de>>(source: D) -> Result<glob::Pattern, D::Error> {
    glob::Pattern::new(&String::deserialize(source)?)
        .map_err(|error| D::Error::custom(format!("invalid pattern ({})", error.msg)))
}
