//! The live heap of the whole process: the sum of what its threads last told.
//!
//! A thread publish_count when its own level has moved by more than [`STEP`], so the sum is off by at most
//! that much for each live thread. Those who want the highest level over a stretch of time put a
//! [`PeakWatch`] on it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::leak::Slot;

/// How far a thread's level moves before it publish_count, in bytes.
pub(crate) const STEP: i64 = 64 * 1024;

static LEVEL: AtomicI64 = AtomicI64::new(0);
static PUBLISH_COUNT: AtomicU64 = AtomicU64::new(0);

/// How many watches there can be at once.
const WATCHES: usize = 8;
static WATCHING: [Slot<PeakWatch>; WATCHES] = [const { Slot::empty() }; WATCHES];

/// Adds `by` to the process's level.
pub(crate) fn moved(by: i64) {
    let level = LEVEL.fetch_add(by, Relaxed).wrapping_add(by);
    for watch in WATCHING.iter().filter_map(Slot::get) {
        watch.highest.fetch_max(level, Relaxed);
    }
    PUBLISH_COUNT.fetch_add(1, Relaxed);
}

/// The sum of what all threads told, in bytes.
#[inline]
pub(crate) fn level() -> i64 {
    LEVEL.load(Relaxed)
}

/// How often any thread told.
#[inline]
pub(crate) fn publish_count() -> u64 {
    PUBLISH_COUNT.load(Relaxed)
}

/// Keeps the highest level that the process was told of.
pub(crate) struct PeakWatch {
    highest: AtomicI64,
}

impl PeakWatch {
    pub(crate) const fn new() -> Self {
        Self { highest: AtomicI64::new(i64::MIN) }
    }

    /// Starts watching, unless it does already, or there are as many watches as can be. Callers
    /// take turns.
    pub(crate) fn start(&'static self) {
        if WATCHING.iter().any(|slot| self.is_in(slot)) {
            return;
        }
        self.highest.store(level(), Relaxed);
        if let Some(free) = WATCHING.iter().find(|slot| slot.get().is_none()) {
            free.set(Some(self));
        }
    }

    fn is_in(&self, slot: &Slot<Self>) -> bool {
        slot.get().is_some_and(|it| std::ptr::eq(it, self))
    }

    /// Stops watching. Callers take turns.
    pub(crate) fn stop(&'static self) {
        if let Some(slot) = WATCHING.iter().find(|slot| self.is_in(slot)) {
            slot.set(None);
        }
    }

    /// The highest level since the last harvest; watching goes on from the present one.
    pub(crate) fn harvest(&self) -> i64 {
        let highest = self.highest.swap(i64::MIN, Relaxed);
        self.highest.fetch_max(level(), Relaxed);
        highest
    }

    /// The highest level since the last harvest.
    pub(crate) fn highest(&self) -> i64 {
        self.highest.load(Relaxed)
    }
}
