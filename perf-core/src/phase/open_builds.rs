//! Which builds are open: numbers that every thread checks at each entry and exit of a phase.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// Identifies a build within the process. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildNumber(NonZeroU64);

impl BuildNumber {
    /// A number that no build had before.
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }

    /// The plain number, 0 for none.
    pub(crate) fn to_raw(this: Option<Self>) -> u64 {
        this.map_or(0, |number| number.get())
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The inverse of [`Self::to_raw`].
    pub(crate) fn from_raw(raw: u64) -> Option<Self> {
        NonZeroU64::new(raw).map(Self)
    }
}

/// How many builds can be open at once.
const MAX_OPEN: usize = 64;

/// A period in which no build started or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Epoch {
    /// Whether any build is open.
    #[inline]
    pub(crate) fn any_open(self) -> bool {
        self.0 & 1 == 1
    }

    pub(crate) fn to_raw(self) -> u64 {
        self.0
    }
}

/// The builds that are open.
pub(crate) struct OpenBuilds {
    numbers: [AtomicU64; MAX_OPEN],
    /// Whether the calls of the build at the same index leave intervals.
    timed: [AtomicBool; MAX_OPEN],
    /// The build that is open, if it is the only one; else 0.
    sole: AtomicU64,
    /// Changes whenever a build starts or ends. Odd while any is open.
    epoch: AtomicU64,
}

impl OpenBuilds {
    pub(crate) const fn new() -> Self {
        Self {
            numbers: [const { AtomicU64::new(0) }; MAX_OPEN],
            timed: [const { AtomicBool::new(false) }; MAX_OPEN],
            sole: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
        }
    }

    /// The current epoch.
    #[inline]
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// Opens `build`, whose calls leave intervals if it is `timed`. `false` if too many are open
    /// already. Callers hold the registry's lock.
    pub(crate) fn open(&self, build: BuildNumber, timed: bool) -> bool {
        let Some(index) = self.index_of(0, Ordering::Relaxed) else { return false };
        self.timed[index].store(timed, Ordering::Relaxed);
        self.numbers[index].store(build.get(), Ordering::Release);
        self.begin_epoch();
        true
    }

    /// Closes `build`. Callers hold the registry's lock.
    pub(crate) fn close(&self, build: BuildNumber) {
        if let Some(index) = self.index_of(build.get(), Ordering::Relaxed) {
            self.numbers[index].store(0, Ordering::Release);
            self.begin_epoch();
        }
    }

    fn begin_epoch(&self) {
        let mut open = self.numbers.iter().map(|number| number.load(Ordering::Relaxed));
        let first = open.find(|&number| number != 0).unwrap_or(0);
        let others = open.any(|number| number != 0);
        self.sole.store(if others { 0 } else { first }, Ordering::Release);
        let epoch = self.epoch.load(Ordering::Relaxed);
        self.epoch.store(((epoch >> 1) + 1) << 1 | u64::from(first != 0), Ordering::Release);
        fence(Ordering::SeqCst);
    }

    fn index_of(&self, raw: u64, ordering: Ordering) -> Option<usize> {
        self.numbers.iter().position(|number| number.load(ordering) == raw)
    }

    /// Whether `build` is open.
    pub(crate) fn is_open(&self, build: BuildNumber) -> bool {
        self.index_of(build.get(), Ordering::Acquire).is_some()
    }

    /// Whether the calls of `build`, which is open, leave intervals.
    pub(crate) fn is_timed(&self, build: BuildNumber) -> bool {
        let index = self.index_of(build.get(), Ordering::Acquire);
        index.is_some_and(|index| self.timed[index].load(Ordering::Relaxed))
    }

    /// The build that is open, if it is the only one.
    pub(crate) fn sole(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.sole.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_odd_while_a_build_is_open_and_one_build_alone_is_the_sole_one() {
        let builds = OpenBuilds::new();
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
        let builds = OpenBuilds::new();
        let open: Vec<_> = (0..MAX_OPEN).map(|_| BuildNumber::next()).collect();
        assert!(open.iter().all(|&build| builds.open(build, false)));
        assert!(!builds.open(BuildNumber::next(), false));
        builds.close(open[7]);
        assert!(builds.open(BuildNumber::next(), false));
    }
}
