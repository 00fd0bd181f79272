//! A folder of Markdown: each folder below it is a section, each other file an asset.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::DirEntry;

use super::{Section, Source, SourceFile, Walk, is_markdown};
use crate::Error;
use crate::settings::SETTINGS_FILE;

/// Takes all there is in `folder`, less hidden files and caches, and less the site itself if it is in there.
pub(super) fn discover(folder: &Path, out: &Path) -> Result<Source, Error> {
    let root = fs::canonicalize(folder).map_err(Error::io("read", folder))?;
    if !root.is_dir() {
        return Err(Error::NotAFolder(folder.to_path_buf()));
    }
    let site = site_apart_from(&root, out)?;
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let settings = root.join(SETTINGS_FILE);
    let mut source = Source {
        title: title_of_name(&name),
        sections: vec![Section {
            prefix: String::new(),
            title: title_of_name(&name),
            package: None,
        }],
        ..Source::default()
    };
    let mut known = BTreeMap::from([(String::new(), 0)]);
    let walk = Walk {
        root: &root,
        depth: usize::MAX,
        admit: &|entry| entry.path() != site && entry.path() != settings && !is_cache(entry),
    };
    let mut findings = Vec::new();
    walk.each(&mut findings, |path, name| {
        let file =
            SourceFile { section: section_of(&name, &mut source.sections, &mut known), path, name };
        if is_markdown(&file.name) {
            source.documents.push(file);
        } else {
            source.assets.push(file);
        }
    });
    source.findings = findings;
    source.settings = Some(settings);
    Ok(source)
}

/// The index of the section that holds the file of this name; made if it is the first there.
pub(super) fn section_of(
    name: &str,
    sections: &mut Vec<Section>,
    known: &mut BTreeMap<String, usize>,
) -> usize {
    let prefix = &name[..name.rfind('/').map_or(0, |slash| slash + 1)];
    if let Some(&section) = known.get(prefix) {
        return section;
    }
    sections.push(Section {
        prefix: prefix.to_owned(),
        title: title_of_name(prefix.trim_end_matches('/').rsplit('/').next().unwrap_or("")),
        package: None,
    });
    known.insert(prefix.to_owned(), sections.len() - 1);
    sections.len() - 1
}

/// Where the output folder is, or will be; an error where `root` is in it.
pub(super) fn site_apart_from(root: &Path, out: &Path) -> Result<PathBuf, Error> {
    let site = fs::canonicalize(out)
        .or_else(|_| std::path::absolute(out))
        .map_err(Error::io("find", out))?;
    if root.starts_with(&site) {
        return Err(Error::OutputHoldsSources(out.to_path_buf()));
    }
    Ok(site)
}

/// Whether a folder is tagged as a cache (bford.info/cachedir), as Cargo tags `target`.
fn is_cache(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && entry.path().join("CACHEDIR.TAG").is_file()
}

/// `getting-started` is called `Getting started`.
pub(crate) fn title_of_name(name: &str) -> String {
    let spaced = name.replace(['-', '_'], " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => spaced,
    }
}
