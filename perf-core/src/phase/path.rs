//! Paths of phases, numbered per build: the same path has the same number on every thread.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::measure::uncounted::Uncounted;

use super::name::{NAMES, NameId};
use super::open_builds::BuildNumber;

/// A path's number within its build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathId(u32);

impl PathId {
    /// The build itself, the parent of all top-level phases.
    pub const ROOT: Self = Self(0);

    /// The plain number.
    #[must_use]
    pub fn to_raw(self) -> u32 {
        self.0
    }

    /// The inverse of [`Self::to_raw`].
    #[must_use]
    pub fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The maximum number of paths of a build. Phases beyond it become `(other)` below their parent, which
/// can at most double the number.
const MAX_PATHS: usize = 16_384;

/// File and line of an annotation.
#[derive(Debug)]
pub(crate) struct Location {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
}

/// The last part of a path.
#[derive(Debug, Clone, Copy)]
struct Step {
    parent: PathId,
    name: NameId,
    /// The first annotation that entered the phase.
    location: Option<&'static Location>,
}

/// The paths of one build.
#[derive(Debug)]
pub struct Paths {
    /// The root comes first.
    steps: Vec<Step>,
    ids: HashMap<(PathId, NameId), PathId>,
}

impl Paths {
    fn new() -> Self {
        let root = Step { parent: PathId::ROOT, name: NameId::OTHER, location: None };
        Self { steps: vec![root], ids: HashMap::new() }
    }

    fn child(
        &mut self,
        parent: PathId,
        name: NameId,
        location: Option<&'static Location>,
    ) -> (PathId, NameId) {
        if let Some(&known) = self.ids.get(&(parent, name)) {
            let step = &mut self.steps[known.index()];
            step.location = step.location.or(location);
            return (known, name);
        }
        if self.steps.len() > MAX_PATHS && name != NameId::OTHER {
            return self.child(parent, NameId::OTHER, None);
        }
        let id = u32::try_from(self.steps.len()).map_or(PathId::ROOT, PathId);
        self.steps.push(Step { parent, name, location });
        self.ids.insert((parent, name), id);
        (id, name)
    }

    /// The number of paths, the root's included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "the root is always there")]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// The parent of a path other than the root.
    #[must_use]
    pub fn parent(&self, path: PathId) -> Option<PathId> {
        if path == PathId::ROOT {
            return None;
        }
        self.steps.get(path.index()).map(|step| step.parent)
    }

    /// The numbers of the names from the root to `path`.
    fn names(&self, path: PathId) -> Vec<NameId> {
        let above = |&path: &PathId| self.parent(path);
        let below_root = std::iter::successors(Some(path), above)
            .take_while(|path| self.parent(*path).is_some());
        let mut names: Vec<_> = below_root.map(|path| self.steps[path.index()].name).collect();
        names.reverse();
        names
    }

    /// The names from the root, joined by `/`.
    #[must_use]
    pub fn text(&self, path: PathId) -> String {
        let names: Vec<_> = self.names(path).into_iter().map(|id| NAMES.resolve(id)).collect();
        names.join("/")
    }

    /// File and line of the annotation that entered the phase first. `None` if its name was made
    /// at run time.
    #[must_use]
    pub fn location(&self, path: PathId) -> Option<(&'static str, u32)> {
        let location = self.steps.get(path.index())?.location?;
        Some((location.file, location.line))
    }
}

/// The paths of the builds that are open.
pub(crate) struct PathTables(Mutex<Vec<(BuildNumber, Paths)>>);

impl PathTables {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Starts the paths of a build.
    pub(crate) fn begin(&self, build: BuildNumber) {
        let _uncounted = Uncounted::begin();
        self.0.lock().push((build, Paths::new()));
    }

    /// Ends the paths of a build and returns them.
    pub(crate) fn end(&self, build: BuildNumber) -> Paths {
        let mut tables = self.0.lock();
        match tables.iter().position(|table| table.0 == build) {
            Some(index) => tables.swap_remove(index).1,
            None => Paths::new(),
        }
    }

    /// The path of a phase below another, and the name that it has there. `None` after the
    /// build's end.
    pub(crate) fn child(
        &self,
        build: BuildNumber,
        parent: PathId,
        name: NameId,
        location: Option<&'static Location>,
    ) -> Option<(PathId, NameId)> {
        let _uncounted = Uncounted::begin();
        let mut tables = self.0.lock();
        let (_, paths) = tables.iter_mut().find(|table| table.0 == build)?;
        Some(paths.child(parent, name, location))
    }

    /// The names of a path from the root. `None` after the build's end.
    pub(crate) fn names(&self, build: BuildNumber, path: PathId) -> Option<Vec<NameId>> {
        let tables = self.0.lock();
        let (_, paths) = tables.iter().find(|table| table.0 == build)?;
        Some(paths.names(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_the_bound_are_one_phase_below_their_parent() {
        let mut paths = Paths::new();
        let (parent, _) = paths.child(PathId::ROOT, NAMES.intern("parent"), None);
        for number in 0..MAX_PATHS {
            paths.child(parent, NAMES.intern(&number.to_string()), None);
        }
        let (first, name) = paths.child(parent, NAMES.intern("late"), None);
        let (second, _) = paths.child(parent, NAMES.intern("later"), None);
        assert_eq!((first, name), (second, NameId::OTHER));
        assert_eq!(paths.text(first), "parent/(other)");
        assert_eq!(paths.text(PathId::ROOT), "");
    }

    #[test]
    fn a_path_is_located_where_it_was_annotated_first() {
        static FIRST: Location = Location { file: "a.rs", line: 1 };
        static SECOND: Location = Location { file: "b.rs", line: 2 };
        let name = NAMES.intern("phase");
        let mut paths = Paths::new();
        let (path, _) = paths.child(PathId::ROOT, name, None);
        assert_eq!(paths.location(path), None);
        for location in [&FIRST, &SECOND] {
            paths.child(PathId::ROOT, name, Some(location));
        }
        assert_eq!(paths.location(path), Some(("a.rs", 1)));
    }
}
