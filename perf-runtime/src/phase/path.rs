//! Paths of phases, numbered for each build: the same path has the same number on every thread.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::name::{self, NameId};
use super::open_builds::BuildNumber;
use super::threads::Uncounted;

/// A path's number within its build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PathId(u32);

impl PathId {
    /// The build itself, the parent of all top-level phases.
    pub(crate) const ROOT: Self = Self(0);

    pub(crate) fn to_raw(self) -> u32 {
        self.0
    }

    pub(crate) fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How many paths a build keeps apart. Phases beyond them are `(other)` below their parent, which
/// can at most double the number.
const MOST: usize = 16_384;

/// The paths of one build.
#[derive(Debug)]
pub(crate) struct Paths {
    /// Parent and name; the root first.
    steps: Vec<(PathId, NameId)>,
    ids: HashMap<(PathId, NameId), PathId>,
}

impl Paths {
    fn new() -> Self {
        Self { steps: vec![(PathId::ROOT, NameId::OTHER)], ids: HashMap::new() }
    }

    fn child(&mut self, parent: PathId, name: NameId) -> (PathId, NameId) {
        if let Some(&known) = self.ids.get(&(parent, name)) {
            return (known, name);
        }
        if self.steps.len() > MOST && name != NameId::OTHER {
            return self.child(parent, NameId::OTHER);
        }
        let id = u32::try_from(self.steps.len()).map_or(PathId::ROOT, PathId);
        self.steps.push((parent, name));
        self.ids.insert((parent, name), id);
        (id, name)
    }

    /// The number of paths, the root's included.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The parent of a path other than the root.
    pub(crate) fn parent(&self, path: PathId) -> Option<PathId> {
        if path == PathId::ROOT {
            return None;
        }
        self.steps.get(path.index()).map(|it| it.0)
    }

    /// The names from the root, joined by `/`.
    pub(crate) fn text(&self, path: PathId) -> String {
        let mut names = Vec::new();
        let mut at = path;
        while let Some(parent) = self.parent(at) {
            names.push(name::resolve(self.steps[at.index()].1));
            at = parent;
        }
        names.reverse();
        names.join("/")
    }
}

static TABLES: Mutex<Vec<(BuildNumber, Paths)>> = Mutex::new(Vec::new());

/// Starts the paths of a build.
pub(crate) fn begin(build: BuildNumber) {
    let _uncounted = Uncounted::begin();
    TABLES.lock().push((build, Paths::new()));
}

/// Ends the paths of a build, and hands them out.
pub(crate) fn end(build: BuildNumber) -> Paths {
    let mut tables = TABLES.lock();
    match tables.iter().position(|it| it.0 == build) {
        Some(index) => tables.swap_remove(index).1,
        None => Paths::new(),
    }
}

/// The path of a phase below another, and the name that it goes by there. `None` after the
/// build's end.
pub(crate) fn child(build: BuildNumber, parent: PathId, name: NameId) -> Option<(PathId, NameId)> {
    let _uncounted = Uncounted::begin();
    let mut tables = TABLES.lock();
    let (_, paths) = tables.iter_mut().find(|it| it.0 == build)?;
    Some(paths.child(parent, name))
}

/// The names of a path from the root. `None` after the build's end.
pub(crate) fn steps(build: BuildNumber, path: PathId) -> Option<Vec<NameId>> {
    let tables = TABLES.lock();
    let (_, paths) = tables.iter().find(|it| it.0 == build)?;
    let mut names = Vec::new();
    let mut at = path;
    while let Some(parent) = paths.parent(at) {
        names.push(paths.steps[at.index()].1);
        at = parent;
    }
    names.reverse();
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_the_bound_are_one_phase_below_their_parent() {
        let mut paths = Paths::new();
        let (parent, _) = paths.child(PathId::ROOT, name::intern("path::parent"));
        for number in 0..MOST {
            paths.child(parent, name::intern(&format!("path::{number}")));
        }
        let (first, name) = paths.child(parent, name::intern("path::late"));
        let (second, _) = paths.child(parent, name::intern("path::later"));
        assert_eq!((first, name), (second, NameId::OTHER));
        assert_eq!(paths.text(first), "path::parent/(other)");
        assert_eq!(paths.text(PathId::ROOT), "");
    }
}
