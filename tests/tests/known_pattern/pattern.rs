//! The patterns: what each does in its phase, and how a program of them is made.

use std::hint::black_box;

use perf_runtime::{PhaseHandle, enter};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::crew::{Blocks, Crew};

/// How often a phase runs that runs often.
pub(crate) const OFTEN: usize = 1_000;
/// Has no divisor in common with [`OFTEN`], so that its multiples leave each remainder once.
pub(crate) const STRIDE: usize = 7_919;
/// The most blocks in one pattern.
pub(crate) const BLOCKS: usize = 16;

/// How a phase allocates. Sizes are bytes.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// Calls each of which allocates and frees, and then keeps a block.
    Hidden { calls: usize, size: usize, keep: usize },
    /// A block that is grown by its size some times, and then becomes what it was.
    Grown { steps: usize, size: usize },
    /// Blocks that are made in one phase and freed in another.
    Passed { blocks: usize, size: usize },
    /// A thousand calls, each of another size, in no order.
    Often { size: usize },
    /// A phase in a phase, and blocks before, in and after it.
    Nested { before: usize, inside: usize, after: usize },
    /// What was held falls, and then grows again, more or less than it fell.
    Fallen { held: usize, again: usize },
    /// Blocks that another thread frees.
    FreedElsewhere { blocks: usize, size: usize },
    /// Blocks that another thread allocates and frees, as work of the phase.
    HandedOver { blocks: usize, size: usize },
    /// Other threads that hold blocks meanwhile, as work of no phase.
    Crowd { blocks: usize, size: usize, own: usize },
}

/// Where blocks are kept between phases. There is room for all of them.
pub(crate) struct Rack {
    kept: Blocks,
    passed: Blocks,
}

impl Rack {
    pub(crate) fn new() -> Self {
        Self { kept: Vec::with_capacity(128), passed: Vec::with_capacity(BLOCKS) }
    }
}

fn block(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(size))
}

fn blocks(count: usize, size: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |_| block(size))
}

impl Pattern {
    /// Does what the pattern says, in the phase that is open.
    pub(crate) fn run(&self, rack: &mut Rack, crew: &Crew) {
        match *self {
            Self::Hidden { calls, size, keep } => {
                for _ in 0..calls {
                    let _phase = enter("hidden");
                    drop(block(size));
                    rack.kept.push(block(keep));
                }
            }
            Self::Grown { steps, size } => {
                let mut growing = block(size);
                for step in 2..=steps {
                    growing.reserve_exact(step * size);
                }
                growing.shrink_to(size);
                drop(black_box(growing));
            }
            Self::Passed { blocks: count, size } => {
                {
                    let _phase = enter("made");
                    rack.passed.extend(blocks(count, size));
                }
                let _phase = enter("used");
                rack.passed.clear();
            }
            Self::Often { size } => {
                for call in 0..OFTEN {
                    let _phase = enter("often");
                    drop(block(size + call * STRIDE % OFTEN));
                }
            }
            Self::Nested { before, inside, after } => {
                let before = block(before);
                {
                    let _phase = enter("inner");
                    drop(block(inside));
                }
                drop(block(after));
                drop(before);
            }
            Self::Fallen { held, again } => {
                let held = {
                    let _phase = enter("held");
                    block(held)
                };
                let _phase = enter("fallen");
                drop(held);
                let _phase = enter("again");
                drop(block(again));
            }
            Self::FreedElsewhere { blocks: count, size } => {
                rack.passed.extend(blocks(count, size));
                crew.free(&mut rack.passed);
            }
            Self::HandedOver { blocks, size } => {
                crew.work_in(PhaseHandle::current(), blocks, size);
            }
            Self::Crowd { blocks, size, own } => {
                let _phase = enter("among others");
                let own = block(own);
                crew.all_hold(blocks, size);
                crew.all_release();
                drop(own);
            }
        }
    }
}

/// Programs of these patterns. Some of these have other threads allocate.
pub(crate) fn patterns(with_others: bool) -> impl Strategy<Value = Vec<Pattern>> {
    // Sizes around the step at which threads tell the process of their level, too.
    let size = || prop_oneof![1..2_000_usize, 60_000..70_000_usize, 100_000..300_000_usize];
    let count = || 1..=BLOCKS;
    let alone = prop_oneof![
        (count(), size(), size()).prop_map(|(calls, size, keep)| Pattern::Hidden {
            calls,
            size,
            keep
        }),
        (2..20_usize, size()).prop_map(|(steps, size)| Pattern::Grown { steps, size }),
        (count(), size()).prop_map(|(blocks, size)| Pattern::Passed { blocks, size }),
        size().prop_map(|size| Pattern::Often { size }),
        (size(), size(), size()).prop_map(|(before, inside, after)| Pattern::Nested {
            before,
            inside,
            after
        }),
        (size(), size()).prop_map(|(held, again)| Pattern::Fallen { held, again }),
    ];
    let among_others = prop_oneof![
        (count(), size()).prop_map(|(blocks, size)| Pattern::FreedElsewhere { blocks, size }),
        (count(), size()).prop_map(|(blocks, size)| Pattern::HandedOver { blocks, size }),
        (count(), size(), size()).prop_map(|(blocks, size, own)| Pattern::Crowd {
            blocks,
            size,
            own
        }),
    ];
    let others = u32::from(with_others);
    vec(
        proptest::strategy::Union::new_weighted(
            [(2, alone.boxed()), (others, among_others.boxed())]
                .into_iter()
                .filter(|it| it.0 > 0)
                .collect(),
        ),
        1..=8,
    )
}
