//! Which builds are open. Every thread checks this at each entry and exit of a phase.

use std::num::NonZeroU64;

use crate::sync::{AtomicBool, AtomicU64, Ordering, atomic_array, const_fn, fence};

/// Identifies a build within the process. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildNumber(NonZeroU64);

impl BuildNumber {
    /// A number that no build had before.
    pub(crate) fn next() -> Self {
        static LAST: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }

    /// The plain number; 0 for `None`.
    pub(crate) fn to_raw(number: Option<Self>) -> u64 {
        number.map_or(0, Self::get)
    }

    /// The plain number, never 0.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The inverse of [`Self::to_raw`].
    pub(crate) fn from_raw(raw: u64) -> Option<Self> {
        NonZeroU64::new(raw).map(Self)
    }
}

/// The maximum number of builds that are open at once.
pub(super) const MAX_OPEN: usize = 64;

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

/// The open builds, at most `MAX`.
pub(crate) struct OpenBuilds<const MAX: usize = MAX_OPEN> {
    numbers: [AtomicU64; MAX],
    /// Whether intervals are recorded for the build at the same index.
    timed: [AtomicBool; MAX],
    /// The only open build; 0 if none or several are open.
    sole: AtomicU64,
    /// Changes whenever a build starts or ends. Odd while any build is open.
    epoch: AtomicU64,
}

impl<const MAX: usize> OpenBuilds<MAX> {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                numbers: atomic_array![AtomicU64::new(0); MAX],
                timed: atomic_array![AtomicBool::new(false); MAX],
                sole: AtomicU64::new(0),
                epoch: AtomicU64::new(0),
            }
        }
    }

    /// The current epoch.
    #[inline]
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// Opens `build`. If it is `timed`, its calls are recorded as intervals. Returns `false` if too
    /// many builds are open. Callers hold the registry's lock.
    pub(crate) fn open(&self, build: BuildNumber, timed: bool) -> bool {
        let Some(index) = self.index_of(0, Ordering::Relaxed) else { return false };
        self.timed[index].store(timed, Ordering::Relaxed);
        self.numbers[index].store(build.get(), Ordering::Release);
        self.begin_epoch();
        true
    }

    /// Closes `build`, and then issues a `SeqCst` fence. Callers hold the registry's lock.
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

    /// Whether the calls of `build`, which is open, are recorded as intervals.
    pub(crate) fn is_timed(&self, build: BuildNumber) -> bool {
        let index = self.index_of(build.get(), Ordering::Acquire);
        index.is_some_and(|index| self.timed[index].load(Ordering::Relaxed))
    }

    /// The only open build. `None` if none or several are open.
    pub(crate) fn sole(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.sole.load(Ordering::Acquire))
    }
}
