//! The live heap of the process: the sum of the levels that its threads last published.
//!
//! A thread publishes its level when it has moved by more than [`STEP`], so that the sum is off by at
//! most that much per live thread. A [`PeakWatch`] keeps the highest sum over a period.

use crate::sync::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::leak::SharedRef;

/// How far the level of a thread moves before the thread publishes it, in bytes.
pub(crate) const STEP: i64 = 64 * 1024;

static LEVEL: AtomicI64 = AtomicI64::new(0);
static PUBLISH_COUNT: AtomicU64 = AtomicU64::new(0);

/// The maximum number of watches at once.
const WATCHES: usize = 8;
static WATCHING: [SharedRef<PeakWatch>; WATCHES] = [const { SharedRef::empty() }; WATCHES];

/// Adds `by` bytes to the level of the process.
pub(crate) fn add(by: i64) {
    let level = LEVEL.fetch_add(by, Relaxed).wrapping_add(by);
    for watch in WATCHING.iter().filter_map(SharedRef::get) {
        watch.highest.fetch_max(level, Relaxed);
    }
    PUBLISH_COUNT.fetch_add(1, Relaxed);
}

/// The sum of the published levels, in bytes.
#[inline]
pub(crate) fn level() -> i64 {
    LEVEL.load(Relaxed)
}

/// How often any thread published its level.
#[inline]
pub(crate) fn publish_count() -> u64 {
    PUBLISH_COUNT.load(Relaxed)
}

/// Keeps the highest published level of the process.
pub(crate) struct PeakWatch {
    highest: AtomicI64,
}

impl PeakWatch {
    pub(crate) const fn new() -> Self {
        Self { highest: AtomicI64::new(i64::MIN) }
    }

    /// Starts watching, unless the watch runs already or too many others do. Callers hold the
    /// registry's lock.
    pub(crate) fn start(&'static self) {
        if WATCHING.iter().any(|slot| self.is_in(slot)) {
            return;
        }
        self.highest.store(level(), Relaxed);
        if let Some(free) = WATCHING.iter().find(|slot| slot.get().is_none()) {
            free.set(Some(self));
        }
    }

    fn is_in(&self, slot: &SharedRef<Self>) -> bool {
        slot.get().is_some_and(|watch| std::ptr::eq(watch, self))
    }

    /// Stops watching. Callers hold the registry's lock.
    pub(crate) fn stop(&'static self) {
        if let Some(slot) = WATCHING.iter().find(|slot| self.is_in(slot)) {
            slot.set(None);
        }
    }

    /// Returns the highest level since the last restart, and restarts at the current level.
    pub(crate) fn restart(&self) -> i64 {
        let highest = self.highest.swap(i64::MIN, Relaxed);
        self.highest.fetch_max(level(), Relaxed);
        highest
    }

    /// The highest level since the last restart.
    pub(crate) fn highest(&self) -> i64 {
        self.highest.load(Relaxed)
    }
}
