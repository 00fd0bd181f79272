//! What a program does before it does anything: how it comes to its first line, and how a contender
//! begins to measure.

use std::thread;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::{Contender, settled_pace};

/// When a program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// When `main` came to its first line, by [`now_ns`].
    pub first_line_ns: u64,
    /// Nanoseconds from asking the contender to measure until it did, for the first time in the
    /// process.
    pub begin_ns: u64,
    /// Nanoseconds that it took to start a thread that does nothing, after that: where the contender
    /// started none, the first of the process.
    pub spawn_ns: u64,
    /// How fast ordinary instructions were right after, by [`settled_pace`].
    pub pace_ns: u64,
}

/// Nanoseconds on a clock that all processes of a machine share, so that one may tell when it was
/// started and another when it got somewhere.
#[must_use]
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Begins to measure.
pub(crate) fn begin<C: Contender>(first_line_ns: u64) -> Beginning {
    let asked = now_ns();
    let begin_ns = C::measuring(|| now_ns().saturating_sub(asked));
    let spawn_ns = spawn();
    let pace_ns = u64::try_from(settled_pace().as_nanos()).unwrap_or(u64::MAX);
    Beginning { first_line_ns, begin_ns, spawn_ns, pace_ns }
}

fn spawn() -> u64 {
    let asked = now_ns();
    let thread = thread::spawn(|| ());
    let spawn_ns = now_ns().saturating_sub(asked);
    // It does not panic.
    let _ = thread.join();
    spawn_ns
}
