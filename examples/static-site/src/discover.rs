//! What a site is built from: a folder of Markdown, or the packages of a workspace.

mod linked_files;
mod packages;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf, absolute};

use perf_runtime::tracked_phase;
use serde::Serialize;
use walkdir::{DirEntry, WalkDir};

use crate::health::Finding;
use crate::settings::SETTINGS_FILE;
use crate::{Error, Options};
pub(crate) use packages::{Package, Repository};

/// Everything that goes into a site.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// The site's title, unless its settings have one.
    pub(crate) title: String,
    /// Where the settings file may be.
    pub(crate) settings: Option<PathBuf>,
    /// Folders or packages. The first is the root.
    pub(crate) sections: Vec<Section>,
    section_by_prefix: HashMap<String, usize>,
    /// Sorted by name.
    pub(crate) documents: Vec<SourceFile>,
    /// Sorted by name.
    pub(crate) assets: Vec<SourceFile>,
    /// Files and folders that cannot be read.
    pub(crate) findings: Vec<Finding>,
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
    /// Its name within the source, separated by `/`: `guide/setup/linux.md`.
    pub(crate) name: String,
    /// An index into [`Source::sections`].
    pub(crate) section: usize,
}

impl Source {
    pub(crate) fn section_of(&self, document: usize) -> &Section {
        &self.sections[self.documents[document].section]
    }

    /// Whether a document may start with front matter. Packages have READMEs for their
    /// repository: a line of dashes at the top is only that.
    pub(crate) fn allows_front_matter(&self, document: usize) -> bool {
        self.section_of(document).package.is_none()
    }

    fn add_section(&mut self, prefix: &str, title: String, package: Option<Package>) -> usize {
        let index = self.sections.len();
        self.section_by_prefix.insert(prefix.to_owned(), index);
        self.sections.push(Section { prefix: prefix.to_owned(), title, package });
        index
    }

    /// The section of the folder that has the file `name`. Adds it for the first file in it.
    fn folder_section(&mut self, name: &str) -> usize {
        let prefix = &name[..name.rfind('/').map_or(0, |slash| slash + 1)];
        if let Some(&section) = self.section_by_prefix.get(prefix) {
            return section;
        }
        let folder = prefix.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        self.add_section(prefix, title_from_name(folder), None)
    }
}

/// Finds the documents and assets of a site.
#[tracked_phase("discover")]
pub(crate) fn discover(options: &Options) -> Result<Source, Error> {
    let mut source = match &options.source {
        Some(folder) => discover_folder(folder, &options.out)?,
        None => packages::discover(&options.out)?,
    };
    source.documents.sort_by(|a, b| a.name.cmp(&b.name));
    source.assets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(source)
}

/// Takes all files in `folder` except hidden files, caches, and the site itself. Each folder below
/// it is a section, each file that is not Markdown an asset.
fn discover_folder(folder: &Path, out: &Path) -> Result<Source, Error> {
    let root = fs::canonicalize(folder).map_err(Error::io("read", folder))?;
    if !root.is_dir() {
        return Err(Error::NotAFolder(folder.to_path_buf()));
    }
    let site = output_folder(&root, out)?;
    let title = title_from_name(&root.file_name().unwrap_or_default().to_string_lossy());
    let settings = root.join(SETTINGS_FILE);
    let mut source = Source { title: title.clone(), ..Source::default() };
    source.add_section("", title, None);
    let is_cache = |entry: &DirEntry| {
        // bford.info/cachedir; Cargo marks `target` with it.
        entry.file_type().is_dir() && entry.path().join("CACHEDIR.TAG").is_file()
    };
    let is_source =
        |entry: &DirEntry| entry.path() != site && entry.path() != settings && !is_cache(entry);
    for found in walk(&root, usize::MAX, is_source) {
        match found {
            Ok((path, name)) => {
                let section = source.folder_section(&name);
                let is_document = has_extension(&name, &["md", "markdown"]);
                let files = if is_document { &mut source.documents } else { &mut source.assets };
                files.push(SourceFile { path, name, section });
            }
            Err(finding) => source.findings.push(finding),
        }
    }
    source.settings = Some(settings);
    Ok(source)
}

/// The absolute path of the output folder, which need not exist yet. An error if it contains
/// `root`.
fn output_folder(root: &Path, out: &Path) -> Result<PathBuf, Error> {
    let site = fs::canonicalize(out).or_else(|_| absolute(out)).map_err(Error::io("find", out))?;
    if root.starts_with(&site) {
        return Err(Error::OutputContainsSources(out.to_path_buf()));
    }
    Ok(site)
}

/// The paths of the files below `root`, each with its name, and findings for what cannot be read.
/// Follows symbolic links, but not in circles. Leaves out hidden files and what is not `admitted`;
/// the root's own files are at depth 1.
fn walk(
    root: &Path,
    max_depth: usize,
    admitted: impl Fn(&DirEntry) -> bool,
) -> Vec<Result<(PathBuf, String), Finding>> {
    let is_hidden = |entry: &DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let below_root = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
    WalkDir::new(root)
        .max_depth(max_depth)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry) && admitted(entry))
        .filter(|entry| entry.as_ref().map_or(true, |entry| entry.file_type().is_file()))
        .map(|entry| match entry {
            Ok(entry) => {
                let name = below_root(entry.path());
                let segments: Option<Vec<&str>> = name.iter().map(OsStr::to_str).collect();
                match segments {
                    Some(segments) => Ok((entry.into_path(), segments.join("/"))),
                    None => {
                        Err(Finding::unreadable(&name.to_string_lossy(), "its name is not UTF-8"))
                    }
                }
            }
            Err(error) => {
                let name = below_root(error.path().unwrap_or(root));
                let reason = if error.loop_ancestor().is_some() {
                    "a symbolic link leads back to a folder above it".to_owned()
                } else {
                    error.io_error().map_or_else(|| error.to_string(), ToString::to_string)
                };
                Err(Finding::unreadable(&name.to_string_lossy(), &reason))
            }
        })
        .collect()
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str).unwrap_or_default();
    extensions.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The title of a folder or file: `getting-started` becomes `Getting started`.
pub(crate) fn title_from_name(name: &str) -> String {
    let name = name.replace(['-', '_'], " ");
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
