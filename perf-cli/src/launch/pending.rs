//! Records that wait beside a history because their builds did not get its lock in time.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use perf_history::{BuildStats, HistoryError};

/// The records in `DIR/pending`, oldest id first. Files that hold no record are left to `doctor`.
pub(super) fn records(dir: &Path) -> Result<Vec<BuildStats>, HistoryError> {
    let pending = dir.join("pending");
    let failed =
        |source: io::Error| HistoryError::Io { action: "read", path: pending.clone(), source };
    let files = match fs::read_dir(&pending) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(failed)?,
    };
    let mut records = Vec::new();
    for file in files {
        let path = file.map_err(failed)?.path();
        // The next writer renames a file to `.adopting` before it appends the record.
        if !path.extension().is_some_and(|end| end == "json" || end == "adopting") {
            continue;
        }
        let text = fs::read(&path).or_else(|error| match error.kind() {
            ErrorKind::NotFound => fs::read(path.with_extension("adopting")),
            _ => Err(error),
        });
        let stats = match text {
            Ok(text) => serde_json::from_slice::<BuildStats>(&text),
            // It was adopted meanwhile, and is in the history.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        records.extend(stats);
    }
    records.sort_by(|a, b| a.build_id.cmp(&b.build_id));
    records.dedup_by(|a, b| a.build_id == b.build_id);
    Ok(records)
}
