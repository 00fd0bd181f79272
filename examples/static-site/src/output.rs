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
    /// What the manifest has about it.
    pub(crate) cached: CachedOutput,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// The file on disk is up to date.
    Unchanged,
    Bytes(Vec<u8>),
    CopyOf(PathBuf),
}

impl Output {
    /// A file with this content, which need not be written if it was made from the same inputs.
    pub(crate) fn new(
        build: BuildContext<'_>,
        path: SitePath,
        inputs: Digest,
        size: u64,
        content: Content,
    ) -> Self {
        let is_up_to_date = build.previous.up_to_date(build.out, &path, inputs).is_some();
        let content = if is_up_to_date { Content::Unchanged } else { content };
        let cached = CachedOutput { inputs, size, ..CachedOutput::default() };
        Self { path, cached, content }
    }

    pub(crate) fn from_bytes(build: BuildContext<'_>, name: &str, bytes: Vec<u8>) -> Self {
        let path = SitePath::from_segments([name]);
        let (inputs, size) = (Digest::from_bytes(&bytes), bytes.len() as u64);
        Self::new(build, path, inputs, size, Content::Bytes(bytes))
    }

    pub(crate) fn is_changed(&self) -> bool {
        !matches!(self.content, Content::Unchanged)
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
    let files = previous.outputs.keys().chain(manifest.outputs.keys());
    let outputs_of_both = files.map(|path| (path.clone(), CachedOutput::out_of_date())).collect();
    let unfinished = Manifest { outputs: outputs_of_both, ..Manifest::default() };
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
        Content::Unchanged => Ok(()),
        Content::Bytes(bytes) => fs::write(&path, bytes),
        Content::CopyOf(file) => fs::copy(&file, &path).map(drop),
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
