//! Which builds are open: numbers that every thread checks at each entry and exit of a phase.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Tells the builds of a process apart. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BuildNumber(NonZeroU64);

impl BuildNumber {
    /// A number that no build had before.
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }

    /// As a plain number, 0 for none.
    pub(crate) fn to_raw(this: Option<Self>) -> u64 {
        this.map_or(0, |it| it.0.get())
    }

    /// What [`Self::to_raw`] gave.
    pub(crate) fn from_raw(raw: u64) -> Option<Self> {
        NonZeroU64::new(raw).map(Self)
    }
}

/// How many builds can be open at once.
const MOST: usize = 64;
static OPEN: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
/// Whether the calls of the build in the same place leave intervals.
static TIMED: [AtomicBool; MOST] = [const { AtomicBool::new(false) }; MOST];
/// The one build that is open; 0 where there is none, or several.
static SOLE: AtomicU64 = AtomicU64::new(0);
/// Changes whenever a build starts or ends. Odd while any is open.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// A stretch of time in which no build started or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl Epoch {
    /// The present one.
    #[inline]
    pub(crate) fn now() -> Self {
        Self(EPOCH.load(Ordering::Acquire))
    }

    /// Whether any build is open.
    #[inline]
    pub(crate) fn any_open(self) -> bool {
        self.0 & 1 == 1
    }

    pub(crate) fn to_raw(self) -> u64 {
        self.0
    }
}

/// Whether any build is open.
#[inline]
#[must_use]
pub fn any_build_open() -> bool {
    Epoch::now().any_open()
}

/// Opens `build`, whose calls leave intervals where it is `timed`. `false` where too many are open
/// already. Callers take turns.
pub(crate) fn open(build: BuildNumber, timed: bool) -> bool {
    let mut places = OPEN.iter().zip(&TIMED);
    let Some((free, is_timed)) = places.find(|it| it.0.load(Ordering::Relaxed) == 0) else {
        return false;
    };
    is_timed.store(timed, Ordering::Relaxed);
    free.store(BuildNumber::to_raw(Some(build)), Ordering::Release);
    turn();
    true
}

/// Closes `build`. Callers take turns.
pub(crate) fn close(build: BuildNumber) {
    let raw = BuildNumber::to_raw(Some(build));
    if let Some(place) = OPEN.iter().find(|it| it.load(Ordering::Relaxed) == raw) {
        place.store(0, Ordering::Release);
        turn();
    }
}

fn turn() {
    let open = || OPEN.iter().map(|it| it.load(Ordering::Relaxed)).filter(|&it| it != 0);
    let sole = if open().count() == 1 { open().next().unwrap_or(0) } else { 0 };
    SOLE.store(sole, Ordering::Release);
    let epoch = EPOCH.load(Ordering::Relaxed);
    let any_open = u64::from(open().next().is_some());
    EPOCH.store(((epoch >> 1) + 1) << 1 | any_open, Ordering::Release);
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// Whether `build` is open.
pub(crate) fn is_open(build: BuildNumber) -> bool {
    let raw = BuildNumber::to_raw(Some(build));
    OPEN.iter().any(|it| it.load(Ordering::Acquire) == raw)
}

/// Whether the calls of `build`, which is open, leave intervals.
pub(crate) fn is_timed(build: BuildNumber) -> bool {
    let raw = BuildNumber::to_raw(Some(build));
    let mut places = OPEN.iter().zip(&TIMED);
    let place = places.find(|it| it.0.load(Ordering::Acquire) == raw);
    place.is_some_and(|it| it.1.load(Ordering::Relaxed))
}

/// The build that is open, where it is the only one.
pub(crate) fn sole() -> Option<BuildNumber> {
    BuildNumber::from_raw(SOLE.load(Ordering::Acquire))
}
