//! The runtime's own threads: what they allocate is counted nowhere.
//!
//! # Implementation
//!
//! The standard library allocates on a new thread before the thread's work begins. Whose thread it
//! is can not be told by then. So each thread that takes its place while one of the runtime's own
//! has been started, and has not silenced itself yet, is uncertain: it is not read before that one
//! has, and what it counted until then is forgotten if it was the one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::thread::Thread;
use super::threads::{self, Uncounted};

/// Below, how many threads were started and have not silenced themselves; above, how often that
/// number came to 0, counted from 1.
static PENDING: AtomicU64 = AtomicU64::new(1 << ROUND_SHIFT);
const ROUND_SHIFT: u32 = 32;
const PENDING_MASK: u64 = (1 << ROUND_SHIFT) - 1;

/// How many turns a reader gives a new thread to say whose it is. Only where a thread does not get
/// to run at all are as many needed.
const PATIENCE: u32 = 100_000;

/// Runs `work` on a thread of the runtime's own.
pub fn spawn_uncounted(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let _uncounted = Uncounted::begin();
    PENDING.fetch_add(1, Ordering::AcqRel);
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        threads::silence_present();
        no_longer_pending();
        work();
    });
    if thread.is_err() {
        no_longer_pending();
    }
    thread.map(drop)
}

fn no_longer_pending() {
    let one_less = |state: u64| {
        let state = state - 1;
        Some(if state & PENDING_MASK == 0 { state + (1 << ROUND_SHIFT) } else { state })
    };
    let _ = PENDING.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
}

/// What a thread that takes its place now is to remember: 0 where it is certain whose it is, else
/// the round in which it is not.
pub(super) fn uncertainty_at_birth() -> u64 {
    let state = PENDING.load(Ordering::Acquire);
    if state & PENDING_MASK == 0 { 0 } else { state >> ROUND_SHIFT }
}

/// Whether the thread that has the place may turn out to be one of the runtime's own.
pub(super) fn is_uncertain(thread: &Thread) -> bool {
    let round = thread.uncertain.load(Ordering::Acquire);
    round != 0 && round == PENDING.load(Ordering::Acquire) >> ROUND_SHIFT
}

/// Waits until it is certain whose thread has the place, or patience is at its end. Gives whether
/// it is certain.
pub(super) fn wait_until_certain(thread: &Thread) -> bool {
    for _ in 0..PATIENCE {
        if !is_uncertain(thread) {
            return true;
        }
        std::thread::yield_now();
    }
    false
}
