//! Files that a document links to, and that discovery has not found by itself. They become part of
//! the site, so that the links work.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use perf_runtime::{add_items, tracked_phase};
use pulldown_cmark::html::push_html;

use super::{Source, SourceFile, has_extension};
use crate::document::parse;
use crate::links::{Target, file_name_of, rewrite_links};

/// Adds the files that documents link to, and those that these link to: Markdown as pages, other
/// files as assets. A package with a known repository needs none: there, its other files can be
/// seen.
///
/// `root` is the workspace's folder, `site` the output folder.
#[tracked_phase("linked-files")]
pub(super) fn collect(source: &mut Source, root: &Path, site: &Path) {
    let files = source.documents.iter().chain(&source.assets);
    let mut known: HashSet<String> = files.map(|file| file.name.clone()).collect();
    let mut next = 0;
    while next < source.documents.len() {
        for (name, path) in linked_by(source, next, root, site) {
            if !known.insert(name.clone()) {
                continue;
            }
            add_items(1);
            let mut section = source.documents[next].section;
            if !has_extension(&name, &["md", "markdown"]) {
                source.assets.push(SourceFile { path, name, section });
                continue;
            }
            if source.sections[section].package.is_none() {
                section = source.folder_section(&name);
            }
            source.documents.push(SourceFile { path, name, section });
        }
        next += 1;
    }
}

/// The names and paths of the files that a document links to.
fn linked_by(source: &Source, index: usize, root: &Path, site: &Path) -> Vec<(String, PathBuf)> {
    let document = &source.documents[index];
    let section = source.section_of(index);
    let (folder, prefix) = match &section.package {
        Some(package) if package.repository.is_some() => return Vec::new(),
        Some(package) => (package.folder.as_path(), section.prefix.as_str()),
        None => (root, ""),
    };
    // A document that cannot be read is reported when it is loaded.
    let (Ok(folder), Ok(text)) = (fs::canonicalize(folder), fs::read_to_string(&document.path))
    else {
        return Vec::new();
    };
    let mut html = String::with_capacity(text.len() * 2);
    push_html(&mut html, parse(&text, source.allows_front_matter(index)).events.into_iter());
    let mut files = Vec::new();
    rewrite_links(&html, |raw, _| {
        files.extend(file_name_of(raw, &document.name, section).and_then(|name| {
            let path = publishable(&folder, &name[prefix.len()..])?;
            (!path.starts_with(site)).then_some((name, path))
        }));
        (Target::External, None)
    });
    files
}

/// The path of a file in the folder, unless it is hidden, in a cache, or outside of the folder
/// through a symbolic link.
fn publishable(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = fs::canonicalize(folder.join(name)).ok()?;
    let within = path.strip_prefix(folder).ok()?;
    let is_hidden = within.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
    let mut folders = within.ancestors().skip(1);
    let is_cached = folders.any(|part| folder.join(part).join("CACHEDIR.TAG").is_file());
    (path.is_file() && !is_hidden && !is_cached).then_some(path)
}
