//! The packages that a workspace is made of: their READMEs, changelogs and other documents.

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};
use perf_runtime::tracked_phase;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use walkdir::DirEntry;

use super::{
    Source, SourceFile, has_extension, linked_files, output_folder, title_from_name, walk,
};
use crate::Error;
use crate::error::one_line;
use crate::health::Finding;

/// A package and what its manifest declares.
#[derive(Debug, Clone, Default, Serialize, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    /// The licences in its SPDX expression: `MIT OR Apache-2.0` is two.
    pub(crate) licences: Vec<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) homepage: Option<String>,
    pub(crate) repository: Option<Repository>,
    /// Where it is on this machine.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// A web host that shows single files of a package.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub(crate) struct Repository {
    /// `https://github.com/owner/name`, without a slash at its end.
    pub(crate) url: String,
    /// The published commit; `HEAD` if the package does not record it.
    pub(crate) revision: String,
    /// The package's folder in the repository: empty, or ending in a slash.
    pub(crate) folder: String,
}

/// Folders of a package without documents for its users.
const INTERNAL_FOLDERS: [&str; 8] =
    ["benches", "examples", "fuzz", "node_modules", "src", "target", "test", "tests"];

/// Texts that packages ship and their READMEs link to.
const LICENCE_FILES: [&str; 6] =
    ["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"];

const IMAGES: [&str; 8] = ["png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico"];

/// Finds the packages of the workspace around the current folder, and their documents.
pub(super) fn discover(out: &Path) -> Result<Source, Error> {
    let here = env::current_dir().map_err(Error::io("read", Path::new(".")))?;
    let (root, mut packages) = match cargo_metadata() {
        Some(metadata) => from_metadata(metadata),
        None => from_lock_file(&here)?,
    };
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages.dedup_by(|a, b| (&a.name, &a.version) == (&b.name, &b.version));

    let site = output_folder(&root, out)?;
    for package in &packages {
        output_folder(&package.folder, out)?;
    }

    let title = title_from_name(&root.file_name().unwrap_or_default().to_string_lossy());
    let mut source = Source { title: format!("{title} and its packages"), ..Source::default() };
    let root_section = source.add_section("", title, None);
    if !packages.iter().any(|package| package.folder == root) {
        collect(&mut source, root_section, &root, 1);
    }
    let mut versions = HashMap::<String, usize>::new();
    for package in &packages {
        *versions.entry(package.name.clone()).or_default() += 1;
    }
    for package in packages {
        let title = if versions[&package.name] == 1 {
            package.name.clone()
        } else {
            format!("{}-{}", package.name, package.version)
        };
        let folder = package.folder.clone();
        let section = source.add_section(&format!("{title}/"), title, Some(package));
        collect(&mut source, section, &folder, 3);
    }
    linked_files::collect(&mut source, &root, &site);
    Ok(source)
}

/// Adds a package's documents, pictures and licences to the source.
#[tracked_phase("package")]
fn collect(source: &mut Source, section: usize, folder: &Path, max_depth: usize) {
    let is_public = |entry: &DirEntry| {
        let is_internal = INTERNAL_FOLDERS.iter().any(|internal| entry.file_name() == *internal);
        // A folder with a manifest of its own is another package.
        !entry.file_type().is_dir() || !(is_internal || entry.path().join("Cargo.toml").exists())
    };
    let is_licence = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or(name).to_uppercase();
        LICENCE_FILES.iter().any(|licence| file.starts_with(licence))
    };
    let prefix = source.sections[section].prefix.clone();
    for found in walk(folder, max_depth, is_public) {
        match found {
            Ok((path, name)) => {
                let files = if has_extension(&name, &["md", "markdown"]) {
                    &mut source.documents
                } else if has_extension(&name, &IMAGES) || is_licence(&name) {
                    &mut source.assets
                } else {
                    continue;
                };
                files.push(SourceFile { path, name: format!("{prefix}{name}"), section });
            }
            Err(Finding { page, problem }) => {
                source.findings.push(Finding { page: format!("{prefix}{page}"), problem });
            }
        }
    }
}

/// Asks Cargo, which knows path, git and vendored dependencies. `None` if Cargo would need the
/// network: it wants every package of the lock file, including those that were never built.
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
            let facts = ManifestFacts {
                description: package.description,
                license: package.license,
                keywords: package.keywords,
                homepage: package.homepage,
                repository: package.repository,
            };
            Package::new(package.name.to_string(), package.version.to_string(), facts, folder)
        })
        .collect();
    (metadata.workspace_root.into_std_path_buf(), packages)
}

/// The used part of `Cargo.lock`.
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

/// The used part of the `Cargo.toml` of a registry package. Cargo has normalised it: nothing in it
/// is inherited.
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

/// The packages of the lock file that Cargo has unpacked. These are all that were ever built.
#[tracked_phase("lock-file")]
fn from_lock_file(here: &Path) -> Result<(PathBuf, Vec<Package>), Error> {
    let root = here
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .ok_or_else(|| Error::NoWorkspace(here.to_path_buf()))?;
    let path = root.join("Cargo.lock");
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let lock: LockFile =
        toml::from_str(&text).map_err(|error| Error::parse(&path, error.message()))?;
    // One folder per registry.
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
        .unwrap_or_default();
    let registries: Vec<PathBuf> = fs::read_dir(home.join("registry/src"))
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    let unpacked = |locked: LockedPackage| {
        let name = format!("{}-{}", locked.name, locked.version);
        let folder = registries
            .iter()
            .map(|registry| registry.join(&name))
            .find(|folder| folder.is_dir())?;
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let facts = toml::from_str::<PackageManifest>(&manifest).ok()?.package;
        Some(Package::new(locked.name, locked.version, facts, folder))
    };
    let locked = lock.package.into_iter().filter(|locked| locked.source.is_some());
    Ok((root.to_path_buf(), locked.filter_map(unpacked).collect()))
}

impl Package {
    fn new(name: String, version: String, facts: ManifestFacts, folder: PathBuf) -> Self {
        // A manifest may have a `javascript:` address.
        let is_safe = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        Self {
            name,
            version,
            description: one_line(facts.description.unwrap_or_default()),
            licences: licences(facts.license.as_deref()),
            keywords: facts.keywords,
            homepage: facts.homepage.filter(is_safe),
            repository: facts.repository.and_then(|url| Repository::new(&url, &folder)),
            folder,
        }
    }
}

/// The licences that an SPDX expression names. Old manifests separate them by `/`.
fn licences(expression: Option<&str>) -> Vec<String> {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '/');
    let names: BTreeSet<&str> = expression
        .unwrap_or("unstated")
        .split(is_separator)
        .filter(|word| !matches!(*word, "" | "OR" | "AND" | "WITH"))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

impl Repository {
    /// Reads the manifest's `repository` and the commit that Cargo recorded at publication. `None`
    /// for hosts whose file addresses are not known.
    fn new(url: &str, folder: &Path) -> Option<Self> {
        let mut parts = url.strip_prefix("https://")?.split('/');
        let (host, owner, name) = (parts.next()?, parts.next()?, parts.next()?);
        if !matches!(host, "github.com" | "gitlab.com") || owner.is_empty() || name.is_empty() {
            return None;
        }
        let info = fs::read(folder.join(".cargo_vcs_info.json")).unwrap_or_default();
        let info: Value = serde_json::from_slice(&info).unwrap_or_default();
        let mut folder = info["path_in_vcs"].as_str().unwrap_or_default().to_owned();
        if !folder.is_empty() && !folder.ends_with('/') {
            folder.push('/');
        }
        Some(Self {
            url: format!("https://{host}/{owner}/{}", name.trim_end_matches(".git")),
            revision: info["git"]["sha1"].as_str().unwrap_or("HEAD").to_owned(),
            folder,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Repository, licences};
    use std::path::Path;

    #[test]
    fn each_licence_of_an_expression_is_listed_once() {
        let expression = Some("(MIT OR Apache-2.0) AND Unicode-3.0 AND MIT");
        assert_eq!(licences(expression), ["Apache-2.0", "MIT", "Unicode-3.0"]);
        assert_eq!(licences(Some("MIT OR Apache-2.0")), ["Apache-2.0", "MIT"]);
        assert_eq!(licences(Some("Unlicense/MIT")), ["MIT", "Unlicense"]);
        assert_eq!(licences(None), ["unstated"]);
    }

    #[test]
    fn a_repository_is_its_host_owner_and_name() {
        let parse = |url: &str| Repository::new(url, Path::new("/nowhere")).map(|found| found.url);
        for suffix in ["", ".git", "/tree/main/c"] {
            let repository = parse(&format!("https://github.com/a/b{suffix}"));
            assert_eq!(repository.as_deref(), Some("https://github.com/a/b"));
        }
        for other in ["https://github.com/a", "https://example.com/a/b", "javascript:alert(1)"] {
            assert_eq!(parse(other), None);
        }
    }
}
