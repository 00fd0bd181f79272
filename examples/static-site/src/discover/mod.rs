//! What there is to build a site from: a folder of Markdown, or a workspace's packages.

mod folder;
mod linked;
mod packages;

use std::path::{Path, PathBuf};

use perf_runtime::tracked_phase;
use serde::Serialize;
use walkdir::{DirEntry, WalkDir};

use crate::document::Dialect;
use crate::health::Finding;
use crate::{Error, Options};
pub(crate) use folder::title_of_name;
pub(crate) use packages::{Package, Repository};

/// Everything that goes into a site.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// What the site is called unless its settings say otherwise.
    pub(crate) title: String,
    /// Where the settings are, if there may be any.
    pub(crate) settings: Option<PathBuf>,
    /// Folders or packages. The first is the root.
    pub(crate) sections: Vec<Section>,
    /// In the order of their names.
    pub(crate) documents: Vec<SourceFile>,
    /// In the order of their names.
    pub(crate) assets: Vec<SourceFile>,
    /// What could not be looked at.
    pub(crate) findings: Vec<Finding>,
}

impl Source {
    /// How the document of this index is to be read.
    pub(crate) fn dialect(&self, document: usize) -> Dialect {
        match self.sections[self.documents[document].section].package {
            Some(_) => Dialect::Package,
            None => Dialect::Site,
        }
    }
}

/// Pages that belong together: those of a folder, or of a package.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Section {
    /// The start of the names of its documents: `guide/setup/`, or nothing for the root.
    pub(crate) prefix: String,
    pub(crate) title: String,
    /// The package whose documents these are.
    pub(crate) package: Option<Package>,
}

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// What it is called within the source, `/`-separated: `guide/setup/linux.md`.
    pub(crate) name: String,
    /// An index into [`Source::sections`].
    pub(crate) section: usize,
}

/// Looks for documents and assets where the options say.
#[tracked_phase]
pub(crate) fn discover(options: &Options) -> Result<Source, Error> {
    let mut source = match &options.source {
        Some(folder) => folder::discover(folder, &options.out)?,
        None => packages::discover(&options.out)?,
    };
    source.documents.sort_by(|a, b| a.name.cmp(&b.name));
    source.assets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(source)
}

/// How a folder is walked.
struct Walk<'a> {
    root: &'a Path,
    /// How deep, counting the root's own files as 1.
    depth: usize,
    /// Whether to enter this folder, or to take this file.
    admit: &'a dyn Fn(&DirEntry) -> bool,
}

impl Walk<'_> {
    /// Calls `take` with each file and its name below the root; what cannot be walked becomes a
    /// finding. Links are followed, loops are not.
    fn each(&self, findings: &mut Vec<Finding>, mut take: impl FnMut(PathBuf, String)) {
        let entries = WalkDir::new(self.root)
            .max_depth(self.depth)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry) && (self.admit)(entry));
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_file() => match name_below(self.root, &entry) {
                    Some(name) => take(entry.into_path(), name),
                    None => findings.push(Finding::unreadable(
                        &entry.path().to_string_lossy(),
                        "its name is not UTF-8",
                    )),
                },
                Ok(_) => {}
                Err(error) => {
                    let at = error.path().unwrap_or(self.root);
                    let shown = at.strip_prefix(self.root).unwrap_or(at).to_string_lossy();
                    let reason = if error.loop_ancestor().is_some() {
                        "a symbolic link leads back to a folder above it".to_owned()
                    } else {
                        error.io_error().map_or_else(|| error.to_string(), ToString::to_string)
                    };
                    findings.push(Finding::unreadable(&shown, &reason));
                }
            }
        }
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn name_below(root: &Path, entry: &DirEntry) -> Option<String> {
    let below = entry.path().strip_prefix(root).ok()?;
    let segments: Option<Vec<&str>> = below.iter().map(std::ffi::OsStr::to_str).collect();
    Some(segments?.join("/"))
}

/// What a file is, by its extension.
fn is_markdown(name: &str) -> bool {
    matches!(extension(name).as_deref(), Some("md" | "markdown"))
}

fn is_image(name: &str) -> bool {
    matches!(
        extension(name).as_deref(),
        Some("png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" | "avif" | "ico")
    )
}

/// A text that packages ship and their READMEs link to.
fn is_licence(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name).to_uppercase();
    ["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"]
        .iter()
        .any(|start| file.starts_with(start))
}

fn extension(name: &str) -> Option<String> {
    Some(Path::new(name).extension()?.to_str()?.to_lowercase())
}
