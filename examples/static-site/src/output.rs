//! Files of the site: what changed is written, what is gone is removed, nothing else is touched.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use perf_runtime::{in_current_phase, tracked_phase};
use rayon::prelude::*;

use crate::digest::Digest;
use crate::manifest::{CachedOutput, Manifest};
use crate::paths::SitePath;
use crate::{BuildContext, Error};

/// A file of the site.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) path: SitePath,
    /// The digest of everything that it is made from.
    pub(crate) inputs: Digest,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// The file on disk is up to date.
    Unchanged {
        size: u64,
    },
    Bytes(Vec<u8>),
    /// A copy of another file, which has this size.
    CopyOf {
        file: PathBuf,
        size: u64,
    },
}

impl Output {
    /// A file that is cheap to make: it is always made, and written if it differs.
    pub(crate) fn from_bytes(build: BuildContext<'_>, name: &str, bytes: Vec<u8>) -> Self {
        let path = SitePath::from_segments([name]);
        let inputs = Digest::from_bytes(&bytes);
        let content = match build.previous.up_to_date_size(build.out, &path, inputs) {
            Some(size) => Content::Unchanged { size },
            None => Content::Bytes(bytes),
        };
        Self { path, inputs, content }
    }

    pub(crate) fn is_changed(&self) -> bool {
        !matches!(self.content, Content::Unchanged { .. })
    }

    pub(crate) fn to_cached(&self) -> CachedOutput {
        let size = match &self.content {
            Content::Unchanged { size } | Content::CopyOf { size, .. } => *size,
            Content::Bytes(bytes) => bytes.len() as u64,
        };
        CachedOutput { inputs: self.inputs, size }
    }
}

/// Brings the folder `out` from the state of `previous` to `outputs`, and leaves `manifest` in it.
/// Files that no build made stay.
///
/// A build that is interrupted leaves a manifest that lists every file and marks none as up to
/// date: the next build makes them all again.
#[tracked_phase("write", items = outputs.iter().filter(|output| output.is_changed()).count())]
pub(crate) fn write(
    out: &Path,
    outputs: Vec<Output>,
    previous: &Manifest,
    manifest: &Manifest,
) -> Result<(), Error> {
    fs::create_dir_all(out).map_err(Error::io("create", out))?;
    let mut unfinished = Manifest::default();
    unfinished.outputs.clone_from(&previous.outputs);
    unfinished.outputs.extend(manifest.outputs.clone());
    unfinished.invalidate();
    unfinished.save(out)?;
    // Old files are removed first. A file can then become a folder or the reverse; and where the
    // file system ignores case, removing the old name does not remove the new file.
    for path in previous.outputs.keys().filter(|path| !manifest.outputs.contains_key(*path)) {
        remove(out, path)?;
    }
    let changed = outputs.iter().filter(|output| output.is_changed());
    let folders: BTreeSet<PathBuf> =
        changed.filter_map(|output| Some(output.path.below(out).parent()?.to_path_buf())).collect();
    for folder in folders {
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    }
    outputs.into_par_iter().try_for_each(in_current_phase!(|output| write_one(out, output)))?;
    manifest.save(out)
}

#[tracked_phase("write-file")]
fn write_one(out: &Path, output: Output) -> Result<(), Error> {
    let path = output.path.below(out);
    match output.content {
        Content::Unchanged { .. } => Ok(()),
        Content::Bytes(bytes) => fs::write(&path, bytes),
        Content::CopyOf { file, .. } => fs::copy(&file, &path).map(drop),
    }
    .map_err(Error::io("write", &path))
}

/// Removes a file of an earlier build, and the folders that become empty by it.
fn remove(out: &Path, path: &SitePath) -> Result<(), Error> {
    let file = path.below(out);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &file)(error));
        }
        _ => {}
    }
    let folders = file.ancestors().skip(1).take_while(|folder| *folder != out);
    // A folder that is not empty cannot be removed.
    let _ = folders.map(fs::remove_dir).find(Result::is_err);
    Ok(())
}
