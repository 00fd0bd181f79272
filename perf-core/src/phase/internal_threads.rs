//! Which new threads may turn out to be the runtime's, whose allocations are not counted.
//!
//! # Implementation
//!
//! The standard library allocates on a new thread before the thread's closure runs, and nothing
//! tells by then who started the thread. So between the start of a thread of the runtime and its
//! first statement, each thread that claims a slot is *uncertain*: readers wait until it is certain,
//! or leave its counters out.

use std::sync::atomic::{AtomicU64, Ordering};

use super::thread::Thread;

/// Low bits: how many threads of the runtime were announced and have not been identified yet. High
/// bits: the round, which starts at 1 and ends whenever that number returns to 0.
static PENDING: AtomicU64 = AtomicU64::new(1 << ROUND_SHIFT);
const ROUND_SHIFT: u32 = 32;
const PENDING_MASK: u64 = (1 << ROUND_SHIFT) - 1;

/// How many times a reader yields to a new thread. Only a thread that is not scheduled at all needs
/// that many.
const MAX_YIELDS: u32 = 100_000;

/// A thread of the runtime is about to be started.
pub(super) fn announce() {
    PENDING.fetch_add(1, Ordering::AcqRel);
}

/// A thread that was announced runs and has made itself known, or could not be started.
pub(super) fn identified() {
    let one_less = |state: u64| {
        let state = state - 1;
        Some(if state & PENDING_MASK == 0 { state + (1 << ROUND_SHIFT) } else { state })
    };
    let _ = PENDING.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
}

/// The round in which a thread that claims a slot now is uncertain; 0 if it is certain.
pub(super) fn current_round() -> u64 {
    let state = PENDING.load(Ordering::Acquire);
    if state & PENDING_MASK == 0 { 0 } else { state >> ROUND_SHIFT }
}

/// Whether the thread that has the slot may turn out to be one of the runtime's.
pub(super) fn is_uncertain(thread: &Thread) -> bool {
    let round = thread.uncertain.load(Ordering::Acquire);
    round != 0 && round == PENDING.load(Ordering::Acquire) >> ROUND_SHIFT
}

/// Waits until the thread that has the slot is certain. Returns `false` if it still is not after
/// [`MAX_YIELDS`].
pub(super) fn wait_until_certain(thread: &Thread) -> bool {
    for _ in 0..MAX_YIELDS {
        if !is_uncertain(thread) {
            return true;
        }
        std::thread::yield_now();
    }
    false
}
