//! Commit and branch of the checkout, read from the files of git. Git itself is not run.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Component, Path, PathBuf},
};

use super::{Lookup, recordable};

/// At most this much of a small file (`HEAD`, a loose reference, `commondir`) or of a line of
/// `packed-refs` is read, in bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// The longest chain of symbolic references that is followed, as in git.
const MAX_SYMBOLIC_REFS: usize = 5;

/// The directories of a repository.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GitDirectory {
    /// The files of this worktree, such as `HEAD`.
    own: PathBuf,
    /// The files that all worktrees of the repository share, such as branches.
    common: PathBuf,
}

/// What is checked out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Absent on a branch without commits, and where references are stored in the reftable format.
    pub(super) commit: Option<String>,
    /// Absent where `HEAD` is detached.
    pub(super) branch: Option<String>,
}

impl GitDirectory {
    /// Finds the repository of the checkout around `directory` as git does: `GIT_DIR` if it is set,
    /// else the nearest `.git` in `directory` or above. That is a directory or, in worktrees and
    /// submodules, a file that names one.
    pub(super) fn discover(directory: &Path, environment: Lookup<'_>) -> Option<Self> {
        let common = |own: &Path| match environment("GIT_COMMON_DIR") {
            Some(common) => directory.join(common),
            None => common_directory(own),
        };
        if let Some(own) = environment("GIT_DIR") {
            return Self::at(directory.join(own), common);
        }
        let ceilings = environment("GIT_CEILING_DIRECTORIES").unwrap_or_default();
        for ancestor in directory.ancestors() {
            if ancestor != directory
                && std::env::split_paths(&ceilings).any(|ceiling| ceiling == ancestor)
            {
                return None;
            }
            let candidate = ancestor.join(".git");
            if candidate.is_file() {
                // To git, a file that leads nowhere is an error, not a reason to look further up.
                return Self::at(directory_named_by(&candidate)?, common);
            }
            if let Some(found) = Self::at(candidate, common) {
                return Some(found);
            }
        }
        None
    }

    /// `None` where git would not recognise `own` as a repository.
    fn at(own: PathBuf, common: impl Fn(&Path) -> PathBuf) -> Option<Self> {
        // `HEAD` may be a symbolic link to a branch without commits.
        own.join("HEAD").symlink_metadata().ok()?;
        let common = common(&own);
        common.join("refs").exists().then_some(Self { own, common })
    }

    /// Reads what is checked out now.
    pub(super) fn head(&self) -> Head {
        let path = self.own.join("HEAD");
        // Git created `HEAD` as a link until 2005, and still reads it.
        let link = fs::read_link(&path).ok().filter(|target| target.starts_with("refs"));
        let value = match link {
            Some(target) => Some(Ref::Symbolic(target.as_os_str().as_encoded_bytes().to_vec())),
            None => small_file(&path).and_then(|text| Ref::parse(&text)),
        };
        match value {
            None => Head::default(),
            Some(Ref::Commit(commit)) => Head { commit: Some(commit), branch: None },
            // The placeholder of a repository in the reftable format.
            Some(Ref::Symbolic(name)) if name == b"refs/heads/.invalid" => Head::default(),
            Some(Ref::Symbolic(name)) => Head {
                commit: self.resolve(&name),
                branch: recordable::branch(&String::from_utf8_lossy(&name)),
            },
        }
    }

    /// The commit that the reference `name` points to.
    fn resolve(&self, name: &[u8]) -> Option<String> {
        let mut name = name.to_vec();
        for _ in 0..MAX_SYMBOLIC_REFS {
            match self.loose(&name) {
                Some(Ref::Commit(commit)) => return Some(commit),
                Some(Ref::Symbolic(next)) => name = next,
                None => return self.packed(&name),
            }
        }
        None
    }

    fn loose(&self, name: &[u8]) -> Option<Ref> {
        const PER_WORKTREE: [&[u8]; 3] = [b"refs/bisect/", b"refs/worktree/", b"refs/rewritten/"];
        let is_per_worktree = PER_WORKTREE.iter().any(|prefix| name.starts_with(prefix));
        let root = if is_per_worktree { &self.own } else { &self.common };
        Ref::parse(&small_file(&root.join(reference_path(name)?))?)
    }

    /// Reads line by line: a repository may have hundreds of thousands of references.
    fn packed(&self, name: &[u8]) -> Option<String> {
        let file = File::open(self.common.join("packed-refs")).ok()?;
        let mut lines = BufReader::with_capacity(64 * 1024, file);
        let mut line = Vec::new();
        loop {
            line.clear();
            if lines.by_ref().take(MAX_BYTES).read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            // Comments and the peeled commits of tags match no name.
            let mut words = line.trim_ascii_end().splitn(2, |byte| *byte == b' ');
            if let (Some(commit), Some(packed)) = (words.next(), words.next())
                && packed == name
            {
                return recordable::commit(str::from_utf8(commit).ok()?);
            }
        }
    }
}

/// The content of `HEAD` or of a loose reference.
enum Ref {
    Commit(String),
    /// The name of another reference.
    Symbolic(Vec<u8>),
}

impl Ref {
    fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        match text.strip_prefix(b"ref:") {
            Some(name) => Some(Self::Symbolic(name.trim_ascii().to_vec())),
            None => recordable::commit(str::from_utf8(text).ok()?).map(Self::Commit),
        }
    }
}

/// The directory that a `.git` file names.
fn directory_named_by(file: &Path) -> Option<PathBuf> {
    let text = small_file(file)?;
    let named = bytes_path(text.strip_prefix(b"gitdir:")?.trim_ascii());
    Some(file.parent()?.join(named))
}

/// The directory that the file `commondir` in a worktree's directory names, else that directory.
fn common_directory(own: &Path) -> PathBuf {
    match small_file(&own.join("commondir")) {
        Some(text) => own.join(bytes_path(text.trim_ascii())),
        None => own.to_owned(),
    }
}

/// The path of a reference in the repository. `None` for a name that leads out of it.
fn reference_path(name: &[u8]) -> Option<PathBuf> {
    let path = bytes_path(name);
    let is_inside = name.starts_with(b"refs/")
        && path.components().all(|part| matches!(part, Component::Normal(_)));
    is_inside.then_some(path)
}

#[cfg(unix)]
fn bytes_path(bytes: &[u8]) -> PathBuf {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn bytes_path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// The first [`MAX_BYTES`] of a regular file. `None` for anything else: reading a pipe might never end.
fn small_file(path: &Path) -> Option<Vec<u8>> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut content = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut content).ok()?;
    Some(content)
}
