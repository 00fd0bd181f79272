//! The report as JSON, for programs.

use std::path::Path;

use super::Report;
use crate::error::Error;

/// Writes a report.
pub(crate) fn write(report: &Report, path: &Path) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(report)
        .map_err(|cause| Error::NoReport { path: path.into(), cause })?;
    text.push('\n');
    std::fs::write(path, text).map_err(Error::file("writing", path))
}

/// Reads a report of an earlier run.
pub(crate) fn read(path: &Path) -> Result<Report, Error> {
    let text = std::fs::read(path).map_err(Error::file("reading", path))?;
    serde_json::from_slice(&text).map_err(|cause| Error::NoReport { path: path.into(), cause })
}
