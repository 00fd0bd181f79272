//! Who has a slot: a thread, or nobody. A thread that ends gives its slot to others, except while a
//! build that it started is open. Then the end of that build does it.

use crate::sync::{
    AtomicBool,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

pub(crate) struct SlotState {
    /// Whether other threads must not claim the slot.
    in_use: AtomicBool,
    /// Whether the thread that has the slot has ended.
    vacant: AtomicBool,
}

impl SlotState {
    /// The state of a slot that belongs to the current thread.
    pub(crate) fn claimed() -> Self {
        Self { in_use: AtomicBool::new(true), vacant: AtomicBool::new(false) }
    }

    /// Claims the slot for the current thread. Returns `false` if another thread has it.
    pub(crate) fn try_claim(&self) -> bool {
        !self.in_use.load(Relaxed)
            && self.in_use.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    /// The thread ends. Releases the slot, after `reset`, unless `has_open_build`.
    ///
    /// This thread sets `vacant`, then checks for open builds. The end of a build closes the build,
    /// then takes `vacant`. Both access `vacant` by one read-modify-write operation, so one comes
    /// first. If this one does, the other sees it and releases the slot. If the other does, this one
    /// synchronizes with it and sees that the build is closed. (With a plain store in its place, the
    /// processor may run the check before the store. Both sides may then miss each other, and the
    /// slot is lost.)
    pub(crate) fn vacate(&self, has_open_build: impl FnOnce() -> bool, reset: impl FnOnce()) {
        self.vacant.swap(true, AcqRel);
        if !has_open_build() {
            self.release_if_vacant(reset);
        }
    }

    /// Releases the slot, after `reset`, if its thread has ended. To be called after a build was
    /// closed.
    pub(crate) fn release_if_vacant(&self, reset: impl FnOnce()) {
        if self.vacant.swap(false, AcqRel) {
            reset();
            self.in_use.store(false, Release);
        }
    }
}
