//! The report as JSON, for programs.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::rounds::Figure;

/// Writes what was found.
pub(crate) fn write(report: &impl Serialize, path: &Path) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(report)
        .map_err(|cause| Error::NoReport { path: path.into(), cause })?;
    text.push('\n');
    std::fs::write(path, text).map_err(Error::file("writing", path))
}

/// What is read of an earlier report; whatever else is in it may have been told in another way then.
#[derive(Debug, Deserialize)]
struct Earlier {
    figures: Vec<Figure>,
}

/// Reads the figures of a report of an earlier run.
pub(crate) fn read_figures(path: &Path) -> Result<Vec<Figure>, Error> {
    let text = std::fs::read(path).map_err(Error::file("reading", path))?;
    let earlier: Earlier = serde_json::from_slice(&text)
        .map_err(|cause| Error::NoReport { path: path.into(), cause })?;
    Ok(earlier.figures)
}
