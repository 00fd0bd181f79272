//! Commit and branch of the checkout, read from its files as git lays them out; git itself is not run.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Component, Path, PathBuf},
};

use super::{Lookup, recordable};

/// The longest small file (`HEAD`, a loose reference, `commondir`) that is read, and the longest line
/// of `packed-refs`, in bytes.
const LONGEST: u64 = 16 * 1024;

/// How many symbolic references may point at each other before it is taken for a circle; git's own bound.
const MOST_HOPS: usize = 5;

/// Where a checkout keeps what git knows of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GitDirectory {
    /// What belongs to this worktree alone, such as `HEAD`.
    own: PathBuf,
    /// What all worktrees of the repository share, such as branches.
    common: PathBuf,
}

/// What is checked out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Absent on a branch that has no commit yet, and where references are kept in a format
    /// (reftable) that only git reads.
    pub(super) commit: Option<String>,
    /// Absent where `HEAD` is detached.
    pub(super) branch: Option<String>,
}

impl GitDirectory {
    /// Finds the repository of the checkout around `directory` as git does: `GIT_DIR` if it is set,
    /// else the nearest `.git` upwards, a directory or (in worktrees and submodules) a file that
    /// names one.
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
                // A file that leads nowhere is an error to git, not a reason to look further up.
                return Self::at(pointed_at(&candidate)?, common);
            }
            if let Some(found) = Self::at(candidate, common) {
                return Some(found);
            }
        }
        None
    }

    /// `None` where git would not take `own` for a repository.
    fn at(own: PathBuf, common: impl Fn(&Path) -> PathBuf) -> Option<Self> {
        // `HEAD` may be a symbolic link to a branch that has no commit yet.
        own.join("HEAD").symlink_metadata().ok()?;
        let common = common(&own);
        common.join("refs").exists().then_some(Self { own, common })
    }

    /// What is checked out now.
    pub(super) fn head(&self) -> Head {
        let path = self.own.join("HEAD");
        // As git made `HEAD` until 2005, and still reads it.
        let linked = fs::read_link(&path).ok().filter(|target| target.starts_with("refs"));
        let value = match linked {
            Some(target) => Some(Value::Reference(target.as_os_str().as_encoded_bytes().to_vec())),
            None => small_file(&path).and_then(|text| Value::parse(&text)),
        };
        match value {
            None => Head::default(),
            Some(Value::Commit(commit)) => Head { commit: Some(commit), branch: None },
            Some(Value::Reference(name)) if name == b"refs/heads/.invalid" => Head::default(),
            Some(Value::Reference(name)) => Head {
                commit: self.resolve(&name),
                branch: recordable::branch(&String::from_utf8_lossy(&name)),
            },
        }
    }

    /// The commit that the reference `name` stands for.
    fn resolve(&self, name: &[u8]) -> Option<String> {
        let mut name = name.to_vec();
        for _ in 0..MOST_HOPS {
            match self.loose(&name) {
                Some(Value::Commit(commit)) => return Some(commit),
                Some(Value::Reference(next)) => name = next,
                None => return self.packed(&name),
            }
        }
        None
    }

    fn loose(&self, name: &[u8]) -> Option<Value> {
        const OF_ONE_WORKTREE: [&[u8]; 3] =
            [b"refs/bisect/", b"refs/worktree/", b"refs/rewritten/"];
        let of_one_worktree = OF_ONE_WORKTREE.iter().any(|prefix| name.starts_with(prefix));
        let root = if of_one_worktree { &self.own } else { &self.common };
        Value::parse(&small_file(&root.join(reference_path(name)?))?)
    }

    /// Read as a stream: a repository may have hundreds of thousands of references.
    fn packed(&self, name: &[u8]) -> Option<String> {
        let mut lines =
            BufReader::with_capacity(64 * 1024, File::open(self.common.join("packed-refs")).ok()?);
        let mut line = Vec::new();
        loop {
            line.clear();
            if lines.by_ref().take(LONGEST).read_until(b'\n', &mut line).ok()? == 0 {
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

/// What `HEAD` or a loose reference holds.
enum Value {
    Commit(String),
    Reference(Vec<u8>),
}

impl Value {
    fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        match text.strip_prefix(b"ref:") {
            Some(name) => Some(Self::Reference(name.trim_ascii().to_vec())),
            None => recordable::commit(str::from_utf8(text).ok()?).map(Self::Commit),
        }
    }
}

/// The directory that a `.git` file names.
fn pointed_at(file: &Path) -> Option<PathBuf> {
    let text = small_file(file)?;
    let named = bytes_path(text.strip_prefix(b"gitdir:")?.trim_ascii());
    Some(file.parent()?.join(named))
}

/// What the worktree's own directory says of the repository's; itself, where it says nothing.
fn common_directory(own: &Path) -> PathBuf {
    match small_file(&own.join("commondir")) {
        Some(text) => own.join(bytes_path(text.trim_ascii())),
        None => own.to_owned(),
    }
}

/// The path of a reference below the repository, if it is one that stays below it.
fn reference_path(name: &[u8]) -> Option<Cow<'_, Path>> {
    let path = bytes_path(name);
    let stays = name.starts_with(b"refs/")
        && path.components().all(|part| matches!(part, Component::Normal(_)));
    stays.then_some(path)
}

#[cfg(unix)]
fn bytes_path(bytes: &[u8]) -> Cow<'_, Path> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    Path::new(OsStr::from_bytes(bytes)).into()
}

#[cfg(not(unix))]
fn bytes_path(bytes: &[u8]) -> Cow<'_, Path> {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned()).into()
}

/// The content of a regular file of reasonable length. Anything else (a pipe, which would never end)
/// is as good as missing.
fn small_file(path: &Path) -> Option<Vec<u8>> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut content = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut content).ok()?;
    Some(content)
}
