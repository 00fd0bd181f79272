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
    /// As long as no other thread publish_count that its level moved, the process's level is the others'
    /// level, which stands still, plus this thread's, which is known exactly. When one does, what
    /// the watch saw counts instead: the level at each time that any thread told.
    #[inline]
    pub(super) fn fold_process_level(&self, frame: &Frame) {
        if process_level::publish_count() == self.seen_publish_count.load(Relaxed) {
            raise(&frame.process_peak, self.quiet_level());
        } else {
            self.fold_published_level(frame);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn fold_published_level(&self, frame: &Frame) {
        let publish_count = process_level::publish_count();
        let watched = self.watch.harvest();
        let others_publish_count = publish_count.wrapping_sub(self.tally.publish_count());
        if others_publish_count == self.others_publish_count.load(Relaxed) {
            raise(&frame.process_peak, self.quiet_level());
        } else {
            let others_level = process_level::level().wrapping_sub(self.tally.published_level());
            raise(&frame.process_peak, watched);
            raise(&frame.process_peak, others_level.wrapping_add(self.tally.live()));
            self.others_level.store(others_level, Relaxed);
            self.others_publish_count.store(others_publish_count, Relaxed);
        }
        self.seen_publish_count.store(publish_count, Relaxed);
    }

    /// The process's highest level since the last entry or exit, as a reader on another thread
    /// can tell it.
    pub(crate) fn process_level_now(&self) -> i64 {
        let publish_count = process_level::publish_count().wrapping_sub(self.tally.publish_count());
        if publish_count == self.others_publish_count.load(Relaxed) {
            self.quiet_level()
        } else {
            let level = process_level::level().wrapping_sub(self.tally.published_level());
            self.watch.highest().max(level.wrapping_add(self.tally.live()))
        }
    }
}
