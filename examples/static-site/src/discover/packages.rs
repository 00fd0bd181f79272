//! The packages that a workspace is made of: their READMEs, changelogs and other documents.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};
use perf_runtime::tracked_phase;
use serde::{Deserialize, Serialize};
use walkdir::DirEntry;

use super::folder::{site_apart_from, title_of_name};
use super::{Section, Source, SourceFile, Walk, is_image, is_licence, is_markdown, linked};
use crate::Error;
use crate::health::Finding;

/// A package, as its manifest presents it.
#[derive(Debug, Clone, Default, Serialize, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    /// The parts of its SPDX expression: `MIT OR Apache-2.0` is two.
    pub(crate) licences: Vec<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) homepage: Option<String>,
    /// Where its sources can be seen.
    pub(crate) repository: Option<Repository>,
    /// Where it is on this machine.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// A place on the web that shows single files of a package.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub(crate) struct Repository {
    /// `https://github.com/owner/name`, without a slash at its end.
    pub(crate) url: String,
    /// The commit that was published; `HEAD` where the package does not say.
    pub(crate) revision: String,
    /// The package's folder in the repository: empty, or ending in a slash.
    pub(crate) folder: String,
}

/// Folders of a package which hold no documents for its users.
const NOT_DOCUMENTS: [&str; 8] =
    ["benches", "examples", "fuzz", "node_modules", "src", "target", "test", "tests"];

/// Finds the packages of the workspace around the current folder, and what they have to read.
pub(super) fn discover(out: &Path) -> Result<Source, Error> {
    let here = env::current_dir().map_err(Error::io("read", Path::new(".")))?;
    let (root, mut packages) = match cargo_metadata() {
        Some(metadata) => from_metadata(metadata),
        None => from_lock_file(&here)?,
    };
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages.dedup_by(|a, b| (&a.name, &a.version) == (&b.name, &b.version));

    let site = site_apart_from(&root, out)?;
    for package in &packages {
        site_apart_from(&package.folder, out)?;
    }

    let title = root.file_name().unwrap_or_default().to_string_lossy();
    let mut source = Source {
        title: format!("{} and its packages", title_of_name(&title)),
        sections: vec![Section {
            prefix: String::new(),
            title: title_of_name(&title),
            package: None,
        }],
        ..Source::default()
    };
    if !packages.iter().any(|package| package.folder == root) {
        collect(&mut source, 0, &root, 1);
    }
    let mut versions = BTreeMap::<String, usize>::new();
    for package in &packages {
        *versions.entry(package.name.clone()).or_default() += 1;
    }
    for package in packages {
        let prefix = if versions[&package.name] == 1 {
            format!("{}/", package.name)
        } else {
            format!("{}-{}/", package.name, package.version)
        };
        let folder = package.folder.clone();
        source.sections.push(Section {
            title: prefix.trim_end_matches('/').to_owned(),
            prefix,
            package: Some(package),
        });
        let section = source.sections.len() - 1;
        collect(&mut source, section, &folder, 3);
    }
    linked::collect(&mut source, &root, &site);
    Ok(source)
}

/// Adds a package's documents, pictures and licences to the source.
#[tracked_phase("package")]
fn collect(source: &mut Source, section: usize, folder: &Path, depth: usize) {
    let prefix = source.sections[section].prefix.clone();
    let walk = Walk { root: folder, depth, admit: &is_for_users };
    let mut findings = Vec::new();
    walk.each(&mut findings, |path, name| {
        let files = if is_markdown(&name) {
            &mut source.documents
        } else if is_image(&name) || is_licence(&name) {
            &mut source.assets
        } else {
            return;
        };
        files.push(SourceFile { path, name: format!("{prefix}{name}"), section });
    });
    source.findings.extend(
        findings
            .into_iter()
            .map(|finding| Finding { page: format!("{prefix}{}", finding.page), ..finding }),
    );
}

fn is_for_users(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    // A folder with a manifest of its own is another package.
    !entry.file_type().is_dir()
        || !(NOT_DOCUMENTS.iter().any(|no| name == *no) || entry.path().join("Cargo.toml").exists())
}

/// Asks Cargo, which knows path, git and vendored dependencies. `None` where it cannot tell
/// without a network: it wants every package of the lock file, also those that were never built.
#[tracked_phase("cargo-metadata")]
fn cargo_metadata() -> Option<Metadata> {
    let mut command = MetadataCommand::new();
    let flags = ["--frozen", "--filter-platform", "host-tuple"];
    command.other_options(flags.map(str::to_owned));
    command.exec().ok()
}

fn from_metadata(metadata: Metadata) -> (PathBuf, Vec<Package>) {
    let used: Option<BTreeSet<_>> =
        metadata.resolve.map(|resolve| resolve.nodes.into_iter().map(|node| node.id).collect());
    let packages = metadata
        .packages
        .into_iter()
        .filter(|package| used.as_ref().is_none_or(|used| used.contains(&package.id)))
        .map(|package| {
            let mut folder = package.manifest_path.into_std_path_buf();
            folder.pop();
            Package {
                name: package.name.to_string(),
                version: package.version.to_string(),
                description: tidy(package.description),
                licences: licences(package.license.as_deref()),
                keywords: package.keywords,
                homepage: web_address(package.homepage),
                repository: Repository::of(package.repository.as_deref(), &folder),
                folder,
            }
        })
        .collect();
    (metadata.workspace_root.into_std_path_buf(), packages)
}

/// The part of `Cargo.lock` that matters here.
#[derive(Deserialize)]
struct LockFile {
    #[serde(default)]
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    source: Option<String>,
}

/// The part of a registry package's `Cargo.toml` that matters here. Cargo has written it, so that
/// nothing in it is inherited.
#[derive(Deserialize)]
struct PackageManifest {
    package: ManifestFacts,
}

#[derive(Deserialize)]
struct ManifestFacts {
    description: Option<String>,
    license: Option<String>,
    #[serde(default)]
    keywords: Vec<String>,
    homepage: Option<String>,
    repository: Option<String>,
}

/// What Cargo has unpacked of the packages in the lock file: all that were built, so all that
/// this program is made of.
#[tracked_phase("lock-file")]
fn from_lock_file(here: &Path) -> Result<(PathBuf, Vec<Package>), Error> {
    let root = here
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .ok_or_else(|| Error::NoWorkspace(here.to_path_buf()))?;
    let path = root.join("Cargo.lock");
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let lock: LockFile =
        toml::from_str(&text).map_err(|error| Error::settings(&path, &error.message()))?;
    let registries = unpacked_registries();
    let packages = lock
        .package
        .into_iter()
        .filter(|locked| locked.source.is_some())
        .filter_map(|locked| {
            let name = format!("{}-{}", locked.name, locked.version);
            let folder = registries
                .iter()
                .map(|registry| registry.join(&name))
                .find(|folder| folder.is_dir())?;
            let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
            let facts = toml::from_str::<PackageManifest>(&manifest).ok()?.package;
            Some(Package {
                name: locked.name,
                version: locked.version,
                description: tidy(facts.description),
                licences: licences(facts.license.as_deref()),
                keywords: facts.keywords,
                homepage: web_address(facts.homepage),
                repository: Repository::of(facts.repository.as_deref(), &folder),
                folder,
            })
        })
        .collect();
    Ok((root.to_path_buf(), packages))
}

/// The folders below which Cargo unpacks packages, one for each registry.
fn unpacked_registries() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")));
    let Some(Ok(entries)) = home.map(|home| fs::read_dir(home.join("registry/src"))) else {
        return Vec::new();
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

impl Repository {
    /// From the manifest's `repository`, and from what Cargo noted when the package was
    /// published. Only for hosts whose addresses of files are known.
    fn of(url: Option<&str>, folder: &Path) -> Option<Self> {
        let url = url?;
        let rest = url.strip_prefix("https://")?;
        let mut parts = rest.split('/');
        let (host, owner, name) = (parts.next()?, parts.next()?, parts.next()?);
        if !matches!(host, "github.com" | "gitlab.com") || owner.is_empty() || name.is_empty() {
            return None;
        }
        let published = Published::read(folder).unwrap_or_default();
        let mut folder = published.path_in_vcs;
        if !folder.is_empty() && !folder.ends_with('/') {
            folder.push('/');
        }
        Some(Self {
            url: format!("https://{host}/{owner}/{}", name.trim_end_matches(".git")),
            revision: published.git.map_or_else(|| "HEAD".to_owned(), |git| git.sha1),
            folder,
        })
    }
}

/// `.cargo_vcs_info.json`: which commit a package was published from.
#[derive(Default, Deserialize)]
struct Published {
    git: Option<PublishedCommit>,
    #[serde(default)]
    path_in_vcs: String,
}

#[derive(Deserialize)]
struct PublishedCommit {
    sha1: String,
}

impl Published {
    fn read(folder: &Path) -> Option<Self> {
        let text = fs::read(folder.join(".cargo_vcs_info.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// A description on one line.
fn tidy(description: Option<String>) -> String {
    description.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An address that is safe to link to: a manifest may say `javascript:`.
fn web_address(address: Option<String>) -> Option<String> {
    address.filter(|address| address.starts_with("https://") || address.starts_with("http://"))
}

/// The licences that an SPDX expression names; `/` is how it was written before SPDX.
fn licences(expression: Option<&str>) -> Vec<String> {
    let mut named: Vec<String> = expression
        .unwrap_or("unstated")
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '/'))
        .filter(|word| !matches!(*word, "" | "OR" | "AND" | "WITH"))
        .map(str::to_owned)
        .collect();
    named.sort_unstable();
    named.dedup();
    named
}

#[cfg(test)]
mod tests {
    use super::{Repository, licences};
    use std::path::Path;

    #[test]
    fn an_expression_names_each_licence_once() {
        assert_eq!(licences(Some("MIT OR Apache-2.0")), ["Apache-2.0", "MIT"]);
        assert_eq!(
            licences(Some("(MIT OR Apache-2.0) AND Unicode-3.0")),
            ["Apache-2.0", "MIT", "Unicode-3.0"]
        );
        assert_eq!(licences(Some("Unlicense/MIT")), ["MIT", "Unlicense"]);
        assert_eq!(licences(None), ["unstated"]);
    }

    #[test]
    fn a_repository_is_its_host_owner_and_name() {
        let url = |url| Repository::of(Some(url), Path::new("/nowhere")).map(|r| r.url);
        let same = Some("https://github.com/a/b".to_owned());
        assert_eq!(url("https://github.com/a/b"), same);
        assert_eq!(url("https://github.com/a/b.git"), same);
        assert_eq!(url("https://github.com/a/b/tree/main/c"), same);
        assert_eq!(url("https://github.com/a"), None);
        assert_eq!(url("https://example.com/a/b"), None);
        assert_eq!(url("javascript:alert(1)"), None);
    }
}
