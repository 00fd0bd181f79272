//! Resident memory around phases that last: read about every 10 ms at most.

use std::sync::atomic::Ordering::Relaxed;

use crate::measure::counters::bump;
use crate::measure::resident::resident_bytes;
use crate::measure::ticks::{self, Ticks};
use crate::phase::frame::Frame;
use crate::phase::node::Node;
use crate::phase::threads::Uncounted;

use super::Thread;

/// Stands for resident bytes that the system does not tell.
const UNKNOWN_RESIDENT: u64 = u64::MAX;

impl Thread {
    #[cold]
    #[inline(never)]
    pub(super) fn read_resident(&self) -> Ticks {
        let _uncounted = Uncounted::begin();
        self.resident.store(resident_bytes().unwrap_or(UNKNOWN_RESIDENT), Relaxed);
        let now = ticks::now();
        self.resident_at.store(now.0, Relaxed);
        now
    }

    #[cold]
    #[inline(never)]
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
