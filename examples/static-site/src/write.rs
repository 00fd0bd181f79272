//! The site, onto the disk: what changed is written, what is gone is removed, nothing else is
//! touched.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use perf_runtime::{in_current_phase, tracked_phase};
use rayon::prelude::*;

use crate::Error;
use crate::digest::Digest;
use crate::manifest::{KnownOutput, Manifest, place};
use crate::paths::SitePath;
use crate::render::Scene;

/// A file of the site.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) path: SitePath,
    /// Of all that it is made from.
    pub(crate) made_from: Digest,
    pub(crate) content: Content,
}

/// What is to be in a file.
#[derive(Debug)]
pub(crate) enum Content {
    /// What is in it already.
    Unchanged {
        size: u64,
    },
    Bytes(Vec<u8>),
    /// What is in another file, of this size.
    CopyOf {
        file: PathBuf,
        size: u64,
    },
}

impl Output {
    pub(crate) fn unchanged(path: SitePath, made_from: Digest, size: u64) -> Self {
        Self { path, made_from, content: Content::Unchanged { size } }
    }

    /// A file that is cheap to make: it is made, and then found to be as it was or not.
    pub(crate) fn made(scene: Scene<'_>, name: &str, bytes: Vec<u8>) -> Self {
        let path = SitePath::from_segments([name]);
        let made_from = Digest::of(&bytes);
        match scene.previous.keeps(scene.out, &path, made_from) {
            Some(size) => Self::unchanged(path, made_from, size),
            None => Self { path, made_from, content: Content::Bytes(bytes) },
        }
    }

    pub(crate) fn is_changed(&self) -> bool {
        !matches!(self.content, Content::Unchanged { .. })
    }

    /// What the manifest says of it.
    pub(crate) fn known(&self) -> KnownOutput {
        let size = match &self.content {
            Content::Unchanged { size } | Content::CopyOf { size, .. } => *size,
            Content::Bytes(bytes) => bytes.len() as u64,
        };
        KnownOutput { made_from: self.made_from, size }
    }
}

/// Brings the folder `out` from what `previous` says is there to `outputs`, and leaves `manifest`
/// in it. Files that no build made stay.
///
/// A build that is stopped in between leaves a manifest that knows every file, and of none that
/// it is up to date: the next build makes them all again.
#[tracked_phase("write", items = outputs.iter().filter(|output| output.is_changed()).count())]
pub(crate) fn write(
    out: &Path,
    outputs: Vec<Output>,
    previous: &Manifest,
    manifest: &Manifest,
) -> Result<(), Error> {
    fs::create_dir_all(out).map_err(Error::io("make", out))?;
    unfinished(previous, manifest).save(out)?;
    // First, so that what was a file can become a folder, and the other way round; and so that on
    // a file system which knows no case, the old name's end is not the end of the new file.
    for path in previous.stale(manifest) {
        remove(out, path)?;
    }
    let folders: BTreeSet<PathBuf> = outputs
        .iter()
        .filter(|output| output.is_changed())
        .filter_map(|output| Some(place(out, &output.path).parent()?.to_path_buf()))
        .collect();
    for folder in folders {
        fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
    }
    outputs.into_par_iter().try_for_each(in_current_phase!(|output| write_one(out, output)))?;
    manifest.save(out)
}

/// All files of two builds, none of them up to date.
fn unfinished(previous: &Manifest, manifest: &Manifest) -> Manifest {
    let files = previous.outputs.iter().chain(&manifest.outputs);
    let mut all = Manifest {
        outputs: files.map(|(path, known)| (path.clone(), *known)).collect(),
        ..Manifest::default()
    };
    all.forget();
    all
}

#[tracked_phase("write-file")]
fn write_one(out: &Path, output: Output) -> Result<(), Error> {
    let path = place(out, &output.path);
    match output.content {
        Content::Unchanged { .. } => Ok(()),
        Content::Bytes(bytes) => fs::write(&path, bytes).map_err(Error::io("write", &path)),
        Content::CopyOf { file, .. } => {
            fs::copy(&file, &path).map_err(Error::io("write", &path))?;
            Ok(())
        }
    }
}

/// Removes a file of an earlier build, and the folders that it leaves empty.
fn remove(out: &Path, path: &SitePath) -> Result<(), Error> {
    let file = place(out, path);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &file)(error));
        }
        _ => {}
    }
    let folders = file.ancestors().skip(1).take_while(|above| *above != out);
    for folder in folders {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}
