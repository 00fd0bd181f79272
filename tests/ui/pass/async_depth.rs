//! Nested calls of annotated async functions: the compiler has a limit on the depth of types.
use perf_runtime::tracked_phase;

use crate::{Yield, assert_send, block_on};

macro_rules! levels {
    ($first:ident) => {
        #[tracked_phase]
        async fn $first(number: u32) -> u32 {
            Yield::default().await;
            number
        }
    };
    ($outer:ident $inner:ident $($rest:ident)*) => {
        #[tracked_phase]
        async fn $outer(number: u32) -> u32 {
            $inner(number).await + 1
        }

        levels!($inner $($rest)*);
    };
}

levels!(
    level_24 level_23 level_22 level_21 level_20 level_19 level_18 level_17 level_16 level_15
    level_14 level_13 level_12 level_11 level_10 level_9 level_8 level_7 level_6 level_5
    level_4 level_3 level_2 level_1
);

pub(crate) fn run() {
    assert_eq!(block_on(assert_send(level_24(1))), 24);
}
