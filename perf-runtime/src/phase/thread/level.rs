//! The highest level of the process while a phase is open.

use std::sync::atomic::Ordering::Relaxed;

use crate::measure::process_level;
use crate::phase::frame::{Frame, raise};

use super::Thread;

impl Thread {
    /// The highest level of the process since the last entry or exit, where no other thread told
    /// that its own moved.
    #[inline]
    pub(super) fn quiet_level(&self) -> i64 {
        self.others_level.load(Relaxed).wrapping_add(self.tally.peak())
    }

    /// Raises a frame's process peak by what happened since the last entry or exit.
    ///
    /// As long as no other thread tells that its level moved, the process's level is the others'
    /// level, which stands still, plus this thread's, which is known exactly. When one does, what
    /// the watch saw counts instead: the level at each time that any thread told.
    #[inline]
    pub(super) fn fold_process_level(&self, frame: &Frame) {
        if process_level::tells() == self.seen_tells.load(Relaxed) {
            raise(&frame.process_peak, self.quiet_level());
        } else {
            self.fold_told_level(frame);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn fold_told_level(&self, frame: &Frame) {
        let tells = process_level::tells();
        let watched = self.watch.harvest();
        let others_tells = tells.wrapping_sub(self.tally.tells());
        if others_tells == self.others_tells.load(Relaxed) {
            raise(&frame.process_peak, self.quiet_level());
        } else {
            let others_level = process_level::level().wrapping_sub(self.tally.told());
            raise(&frame.process_peak, watched);
            raise(&frame.process_peak, others_level.wrapping_add(self.tally.live()));
            self.others_level.store(others_level, Relaxed);
            self.others_tells.store(others_tells, Relaxed);
        }
        self.seen_tells.store(tells, Relaxed);
    }

    /// The process's highest level since the last entry or exit, as a reader on another thread
    /// can tell it.
    pub(crate) fn process_level_now(&self) -> i64 {
        let tells = process_level::tells().wrapping_sub(self.tally.tells());
        if tells == self.others_tells.load(Relaxed) {
            self.quiet_level()
        } else {
            let level = process_level::level().wrapping_sub(self.tally.told());
            self.watch.highest().max(level.wrapping_add(self.tally.live()))
        }
    }
}
