//! Memory that stays behind after many calls.

use std::hint::black_box;

use memory_stats::memory_stats;
use serde::{Deserialize, Serialize};

use crate::{Contender, Phases};

/// How many calls one unit of a contender's work holds.
const CALLS: u64 = 1000;

/// Resident memory before and after many calls of one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// How many calls there were between the two.
    pub calls: u64,
    /// Bytes resident after the first tenth of all calls, which touch what is touched once.
    pub before: u64,
    /// Bytes resident after the last.
    pub after: u64,
}

/// Calls a phase `calls` times, rounded up to thousands, and looks at the memory after a tenth of
/// them and at the end.
pub(crate) fn call_often<C: Contender>(calls: u64) -> Growth {
    let thousand = || {
        C::unit(|| {
            for x in 0..CALLS {
                black_box(C::Annotated::call(x));
            }
        });
    };
    let thousands = calls.div_ceil(CALLS);
    let first = thousands / 10;
    for _ in 0..first {
        thousand();
    }
    let before = resident();
    for _ in first..thousands {
        thousand();
    }
    Growth { calls: (thousands - first) * CALLS, before, after: resident() }
}

fn resident() -> u64 {
    memory_stats().map_or(0, |it| it.physical_mem as u64)
}
