//! Work of which it is known what there is to measure, so that a contender that measures nothing is
//! found out.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use crate::allocations::allocate_often;
use crate::{Contender, Phases};

/// What a contender tells of [`KNOWN`]. What it says nothing of is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Calls of the function `leaf`.
    pub calls: Option<u64>,
    /// Blocks that were allocated in the function `within`, or in all.
    pub blocks: Option<u64>,
    /// Bytes of these.
    pub bytes: Option<u64>,
}

/// What there is to see.
pub const KNOWN: Seen = Seen { calls: Some(1000), blocks: Some(1000), bytes: Some(8000) };

/// Calls a phase a thousand times, and then allocates a thousand blocks of 8 bytes in another, each
/// a unit of the contender's work.
pub fn known_work<C: Contender>() {
    C::unit(|| {
        for x in 0..1000 {
            black_box(C::Annotated::call(x));
        }
    });
    black_box(allocate_often::<C>(1000));
}
