//! How fast the processor does ordinary instructions at the moment.
//!
//! Where another program, or another virtual machine, works on the other half of a core, ordinary
//! instructions take up to twice as long, and reads of the counter as long as ever. So what is timed
//! then says nothing of what it costs beside two reads, and nobody tells a program of it: it has to
//! look.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Up to how many times what ordinary instructions take at best, they run at full pace.
pub const FULL_PACE: f64 = 1.05;
/// How often the loop runs: some microseconds, long against the reading of the clock around it.
const TURNS: usize = 3_000;
/// How many words it writes: few enough for the nearest cache.
const WORDS: usize = 64;

/// What a fixed number of loads, additions and stores takes now. They depend on each other so little
/// that a processor does several at once, and so they are what suffers first.
#[inline(never)]
fn pace() -> Duration {
    let mut words = black_box([0_usize; WORDS]);
    let start = Instant::now();
    for turn in 0..TURNS {
        words[turn % WORDS] = black_box(turn).wrapping_add(words[turn * 7 % WORDS]);
    }
    let taken = start.elapsed();
    black_box(words);
    taken
}

/// The pace where nobody looked at it just before: what a first look touches first is in none.
#[must_use]
pub fn settled_pace() -> Duration {
    let _ = pace();
    pace()
}

/// What was timed, and how fast ordinary instructions were around it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timed {
    pub(crate) taken: Duration,
    /// The slower of the paces right before and right after.
    pub(crate) pace: Duration,
}

impl Timed {
    /// This and something that was timed after it or elsewhere, together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { taken: self.taken + other.taken, pace: self.pace.max(other.pace) }
    }
}

/// Times `work` between two looks at the pace, on this thread.
pub(crate) fn timed(work: impl FnOnce()) -> Timed {
    let before = pace();
    let start = Instant::now();
    work();
    let taken = start.elapsed();
    Timed { taken, pace: before.max(pace()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_timed_runs_once_between_two_looks() {
        let mut runs = 0;
        let timed = timed(|| runs += 1);
        assert_eq!(runs, 1);
        assert!(timed.pace > Duration::ZERO);
    }
}
