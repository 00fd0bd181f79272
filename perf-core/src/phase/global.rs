//! What all threads of the process share: the open builds, the paths of their phases, and how to read
//! resident memory. Names are in [`super::name::NAMES`].

use once_cell::sync::OnceCell;

use super::open_builds::OpenBuilds;
use super::path::PathTables;

/// The builds that are open.
pub(crate) static OPEN_BUILDS: OpenBuilds = OpenBuilds::new();

/// The paths of the open builds.
pub(crate) static PATHS: PathTables = PathTables::new();

static RESIDENT_BYTES: OnceCell<fn() -> Option<u64>> = OnceCell::new();

/// Sets the function that reads resident memory, unless an earlier build has.
pub(crate) fn set_resident_bytes(read: fn() -> Option<u64>) {
    let _ = RESIDENT_BYTES.set(read);
}

/// The resident memory of the process in bytes, if the recorder can read it.
pub(crate) fn resident_bytes() -> Option<u64> {
    RESIDENT_BYTES.get().and_then(|read| read())
}

// Not in `open_builds.rs`, which the loom tests compile as well.
#[cfg(test)]
mod tests {
    use crate::phase::open_builds::{BuildNumber, MAX_OPEN, OpenBuilds};

    #[test]
    fn the_epoch_is_odd_while_a_build_is_open_and_one_build_alone_is_the_sole_one() {
        let builds = OpenBuilds::<MAX_OPEN>::new();
        let (first, second) = (BuildNumber::next(), BuildNumber::next());
        assert!(!builds.epoch().any_open());
        assert!(builds.open(first, false));
        assert_eq!((builds.sole(), builds.epoch().any_open()), (Some(first), true));
        assert!(builds.open(second, true));
        assert_eq!(
            (builds.sole(), builds.is_timed(first), builds.is_timed(second)),
            (None, false, true)
        );
        let before = builds.epoch();
        builds.close(first);
        assert_ne!(builds.epoch(), before);
        assert_eq!((builds.sole(), builds.is_open(first)), (Some(second), false));
        builds.close(second);
        assert!(!builds.epoch().any_open());
    }

    #[test]
    fn more_builds_than_can_be_open_at_once_are_refused() {
        let builds = OpenBuilds::<MAX_OPEN>::new();
        let open: Vec<_> = (0..MAX_OPEN).map(|_| BuildNumber::next()).collect();
        assert!(open.iter().all(|&build| builds.open(build, false)));
        assert!(!builds.open(BuildNumber::next(), false));
        builds.close(open[7]);
        assert!(builds.open(BuildNumber::next(), false));
    }
}
