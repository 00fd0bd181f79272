//! Resident memory around phases that last: read about every 10 ms at most.

use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::bump;
use crate::measure::ticks::{self, Ticks};
use crate::phase::frame::{Frame, Ticket};
use crate::phase::node::Node;
use crate::phase::threads::Uncounted;
use crate::registry::Registry;

use super::Thread;
use super::fast_path::Entry;

/// Stands for resident bytes that the system does not tell.
const UNKNOWN_RESIDENT: u64 = u64::MAX;

impl Thread {
    /// Whether the last reading of the resident bytes is old at `now`.
    #[inline]
    pub(super) fn resident_is_stale(&self, now: Ticks) -> bool {
        now.since(Ticks(self.resident_at.load(Relaxed))) > self.resident_fresh.load(Relaxed)
    }

    /// Reads the resident bytes, and gives the time after that.
    fn read_resident(&self) -> Ticks {
        let _uncounted = Uncounted::begin();
        // The frames that were entered since the last reading go by that one.
        let (last, at) = (self.resident.load(Relaxed), self.resident_at.load(Relaxed));
        for frame in self.open_frames().take_while(|it| it.start().0 > at) {
            frame.resident.store(last, Relaxed);
        }
        self.resident
            .store(Registry::global().resident_bytes().unwrap_or(UNKNOWN_RESIDENT), Relaxed);
        let now = ticks::now();
        self.resident_at.store(now.0, Relaxed);
        now
    }

    /// As [`Self::publish`], for an entry before which the resident bytes are to be read.
    #[cold]
    #[inline(never)]
    pub(super) fn publish_with_resident(&self, frame: &'static Frame, ticket: Ticket) -> Entry {
        frame.set_start(self.read_resident());
        frame.resident.store(self.resident.load(Relaxed), Relaxed);
        self.publish(frame, ticket)
    }

    pub(super) fn note_resident_delta(&self, frame: &Frame, node: &Node) {
        self.read_resident();
        let (before, after) = (frame.resident.load(Relaxed), self.resident.load(Relaxed));
        if before != UNKNOWN_RESIDENT && after != UNKNOWN_RESIDENT {
            let delta = after.wrapping_sub(before).cast_signed();
            let sum = node.resident_delta.load(Relaxed).wrapping_add(delta);
            node.resident_delta.store(sum, Relaxed);
            bump(&node.resident_calls, 1);
        }
    }
}
