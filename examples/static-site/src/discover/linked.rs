//! Files that a document links to and its package does not present: they come along, so that the
//! links lead somewhere.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use perf_runtime::{add_items, tracked_phase};
use pulldown_cmark::html::push_html;

use super::folder::section_of;
use super::{Source, SourceFile, is_markdown};
use crate::document::parse;
use crate::links::{Target, file_of, link};

/// Adds to the source the files that its documents link to, and those that these link to: pages,
/// where they are Markdown, and else assets. Packages whose repository is known need none: what
/// they do not ship is shown there.
///
/// `root` is the workspace's folder, `site` where the site goes.
#[tracked_phase("linked-files")]
pub(super) fn collect(source: &mut Source, root: &Path, site: &Path) {
    let files = source.documents.iter().chain(&source.assets);
    let mut known: HashSet<String> = files.map(|file| file.name.clone()).collect();
    let sections = source.sections.iter().enumerate();
    let mut prefixes: BTreeMap<String, usize> =
        sections.map(|(index, section)| (section.prefix.clone(), index)).collect();
    let mut next = 0;
    while next < source.documents.len() {
        for (name, path) in linked_by(source, next, root, site) {
            if !known.insert(name.clone()) {
                continue;
            }
            add_items(1);
            let linking = source.documents[next].section;
            if !is_markdown(&name) {
                source.assets.push(SourceFile { path, name, section: linking });
                continue;
            }
            let section = match &source.sections[linking].package {
                Some(_) => linking,
                None => section_of(&name, &mut source.sections, &mut prefixes),
            };
            source.documents.push(SourceFile { path, name, section });
        }
        next += 1;
    }
}

/// The files that a document links to: their names, and where they are.
fn linked_by(source: &Source, document: usize, root: &Path, site: &Path) -> Vec<(String, PathBuf)> {
    let dialect = source.dialect(document);
    let document = &source.documents[document];
    let section = &source.sections[document.section];
    let (folder, prefix) = match &section.package {
        Some(package) if package.repository.is_some() => return Vec::new(),
        Some(package) => (package.folder.as_path(), section.prefix.as_str()),
        None => (root, ""),
    };
    // What cannot be read is reported when the source is loaded.
    let (Ok(folder), Ok(text)) = (fs::canonicalize(folder), fs::read_to_string(&document.path))
    else {
        return Vec::new();
    };
    let mut html = String::with_capacity(text.len() * 2);
    push_html(&mut html, parse(&text, dialect).events.into_iter());
    let mut files = Vec::new();
    link(&html, |raw, _| {
        files.extend(file_of(raw, &document.name, section).and_then(|name| {
            let path = presentable(&folder, &name[prefix.len()..])?;
            (!path.starts_with(site)).then_some((name, path))
        }));
        (Target::External, None)
    });
    files
}

/// Where a file of the folder is, if it is one to be shown: neither hidden, nor in a cache, nor
/// elsewhere through a symbolic link.
fn presentable(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = fs::canonicalize(folder.join(name)).ok()?;
    let within = path.strip_prefix(folder).ok()?;
    let is_hidden = within.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
    let mut folders = within.ancestors().skip(1);
    let is_cached = folders.any(|part| folder.join(part).join("CACHEDIR.TAG").is_file());
    (path.is_file() && !is_hidden && !is_cached).then_some(path)
}
