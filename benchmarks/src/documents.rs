//! The READMEs that a real program is given: those of the packages that this workspace builds on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use crate::error::Error;

/// Writes a list of the READMEs of all packages in the dependency graph to `list`, one path a
/// line, and gives their number.
pub(crate) fn write_list(workspace: &Path, list: &Path) -> Result<usize, Error> {
    let metadata = MetadataCommand::new().manifest_path(workspace.join("Cargo.toml")).exec()?;
    let mut readmes: Vec<PathBuf> = metadata
        .packages
        .iter()
        .filter(|it| it.source.is_some())
        .filter_map(|it| it.readme().map(cargo_metadata::camino::Utf8PathBuf::into_std_path_buf))
        .filter(|it| std::fs::read_to_string(it).is_ok())
        .collect();
    readmes.sort();
    let mut text = String::new();
    for readme in &readmes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", readme.display());
    }
    std::fs::write(list, text).map_err(Error::file("writing", list))?;
    Ok(readmes.len())
}
