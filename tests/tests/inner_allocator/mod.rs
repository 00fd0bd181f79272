//! What must hold over any allocator: it still works, and each number follows from the requests.
//!
//! Each test binary with this module puts another allocator below the tracking one.

pub(crate) mod block;

use std::alloc::Layout;
use std::thread;

use contract_tests::one_build::{measure, on_a_thread, phase_of};
use perf_runtime::{PhaseStats, enter, in_current_phase};

use block::Block;

/// The largest requested alignment: more than any page that is not huge.
const LARGEST_ALIGNMENT: usize = 1 << 20;
/// The largest valid size for that alignment, which no machine has.
const ENDLESS: usize = isize::MAX as usize - LARGEST_ALIGNMENT;

/// The memory of a phase without children.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) allocations: usize,
    pub(crate) allocated: usize,
    pub(crate) frees: usize,
    pub(crate) freed: usize,
    pub(crate) reallocations: usize,
    pub(crate) peak: usize,
}

impl Memory {
    /// Blocks that are allocated and freed, their bytes, and the largest number of bytes at once.
    pub(crate) fn freed(blocks: usize, bytes: usize, peak: usize) -> Self {
        let memory = Self { allocations: blocks, frees: blocks, peak, ..Self::default() };
        Self { allocated: bytes, freed: bytes, ..memory }
    }

    fn from_phase(phase: &PhaseStats) -> Self {
        let number = |field: Option<u64>| usize::try_from(field.unwrap()).unwrap();
        let memory = Self {
            allocations: number(phase.alloc_count),
            allocated: number(phase.alloc_bytes),
            frees: number(phase.freed_count),
            freed: number(phase.freed_bytes),
            reallocations: number(phase.realloc_count),
            peak: number(phase.peak_bytes),
        };
        let net = i64::try_from(memory.allocated).unwrap() - i64::try_from(memory.freed).unwrap();
        assert_eq!(phase.net_bytes, Some(net));
        assert_eq!(phase.self_alloc_count, phase.alloc_count);
        assert_eq!(phase.self_alloc_bytes, phase.alloc_bytes);
        memory
    }
}

/// The memory of the only phase of a build, which does `work`.
#[track_caller]
pub(crate) fn memory_of(work: impl FnOnce()) -> Memory {
    let stats = measure(|| {
        let _phase = enter("work");
        work();
    });
    Memory::from_phase(phase_of(&stats, "work"))
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

fn alignments() -> impl Iterator<Item = usize> {
    (0..=LARGEST_ALIGNMENT.ilog2()).map(|exponent| 1 << exponent)
}

/// Layouts of sizes around each alignment.
fn layouts() -> Vec<Layout> {
    let sizes = |align: usize| [1, align.div_ceil(2), align, align + 1, 3 * align];
    alignments().flat_map(|align| sizes(align).map(|size| layout(size, align))).collect()
}

#[test]
fn blocks_are_aligned_as_requested_and_counted_without_padding() {
    let layouts = layouts();
    let sum: usize = layouts.iter().map(Layout::size).sum();
    let largest = layouts.iter().map(Layout::size).max().unwrap();
    let count = layouts.len();
    let check = |layout: &Layout| {
        let block = Block::filled(*layout, 0xA5).unwrap();
        assert_eq!(block.address() % layout.align(), 0, "{layout:?}");
        assert!(block.bytes().iter().all(|byte| *byte == 0xA5), "{layout:?}");
        block
    };
    let one_by_one = memory_of(|| layouts.iter().for_each(|layout| drop(check(layout))));
    assert_eq!(one_by_one, Memory::freed(count, sum, largest));

    let mut kept = Vec::with_capacity(count);
    let all_at_once = memory_of(|| {
        kept.extend(layouts.iter().map(check));
        kept.clear();
    });
    assert_eq!(all_at_once, Memory::freed(count, sum, sum));
}

#[test]
fn zeroed_blocks_are_zero_even_in_memory_that_was_used_before() {
    const ROUNDS: usize = 4;
    let layouts = layouts();
    let sum: usize = layouts.iter().map(Layout::size).sum();
    let largest = layouts.iter().map(Layout::size).max().unwrap();
    let measured = memory_of(|| {
        for _ in 0..ROUNDS {
            for layout in &layouts {
                drop(Block::filled(*layout, 0xA5));
                let block = Block::zeroed(*layout).unwrap();
                assert_eq!(block.address() % layout.align(), 0, "{layout:?}");
                assert!(block.bytes().iter().all(|byte| *byte == 0), "{layout:?}");
            }
        }
    });
    let blocks = 2 * ROUNDS * layouts.len();
    assert_eq!(measured, Memory::freed(blocks, 2 * ROUNDS * sum, largest));
}

#[test]
fn resized_blocks_keep_their_bytes_and_alignment_and_the_difference_is_counted() {
    // Growth within the size class of an allocator, beyond it, and into sizes that it may map;
    // shrinking, no change, and changes by one byte.
    let sizes: [usize; 13] =
        [24, 25, 32, 33, 5_000, 70_000, 3_000_000, 3_000_001, 2_999_999, 100, 100, 1, 2];
    let steps = || sizes.into_iter().zip(sizes.into_iter().skip(1));
    let grown: usize = steps().map(|(old, new)| new.saturating_sub(old)).sum();
    let shrunk: usize = steps().map(|(old, new)| old.saturating_sub(new)).sum();
    let expected = Memory {
        allocations: 1,
        allocated: sizes[0] + grown,
        frees: 1,
        freed: shrunk + sizes.last().unwrap(),
        reallocations: sizes.len() - 1,
        peak: 3_000_001,
    };
    for align in [1, 8, 16, 64, 4_096, 65_536] {
        // Allocated before, so that it is not part of the work.
        let mut bytes = Vec::with_capacity(3_000_001);
        let measured = memory_of(|| {
            let mut block = Block::filled(layout(sizes[0], align), 1).unwrap();
            bytes.resize(sizes[0], 1);
            for (size, fill) in sizes.into_iter().zip(1_u8..).skip(1) {
                assert!(block.resize(size, fill));
                assert_eq!(block.address() % align, 0, "{align}");
                bytes.resize(size, fill);
                assert!(block.bytes() == bytes, "to {size}, aligned to {align}");
            }
        });
        assert_eq!(measured, expected, "aligned to {align}");
    }
}

#[test]
fn values_without_a_size_are_not_allocated() {
    let measured = memory_of(|| {
        let units: Vec<()> = std::iter::repeat_n((), 1_000).collect();
        let boxed: Box<[u64; 0]> = Box::new([]);
        let text = String::new();
        let mut growing: Vec<u64> = Vec::new();
        growing.reserve_exact(0);
        growing.shrink_to_fit();
        let slice: Box<[u8]> = Vec::new().into_boxed_slice();
        assert_eq!((units.len(), boxed.len(), text.len(), slice.len()), (1_000, 0, 0, 0));
    });
    assert_eq!(measured, Memory::default());
}

#[test]
fn a_request_that_is_refused_is_not_counted_and_leaves_the_block_as_it_was() {
    let measured = memory_of(|| {
        assert!(Block::filled(layout(ENDLESS, 1), 0).is_none());
        assert!(Block::zeroed(layout(ENDLESS, 1)).is_none());
        assert!(Block::zeroed(layout(ENDLESS, 4_096)).is_none());
        let mut block = Block::filled(layout(1_000, 16), 7).unwrap();
        assert!(!block.resize(ENDLESS, 8));
        assert_eq!(block.bytes(), [7; 1_000]);
        assert!(block.resize(1_010, 7));
        let mut bytes: Vec<u8> = Vec::new();
        bytes.try_reserve_exact(ENDLESS).unwrap_err();
        bytes.try_reserve_exact(100).unwrap();
        bytes.try_reserve_exact(ENDLESS).unwrap_err();
        assert_eq!(bytes.capacity(), 100);
    });
    let expected = Memory { reallocations: 1, ..Memory::freed(2, 1_000 + 10 + 100, 1_110) };
    assert_eq!(measured, expected);
}

#[test]
fn blocks_can_be_allocated_on_one_thread_and_freed_on_another() {
    const BLOCKS: usize = 500;
    const SIZE: usize = 3_000;
    let mut blocks = Vec::with_capacity(BLOCKS);
    let stats = measure(|| {
        {
            let _phase = enter("here");
            blocks.extend((0..BLOCKS).map(|_| Block::filled(layout(SIZE, 8), 1).unwrap()));
        }
        on_a_thread(move || {
            let _phase = enter("there");
            blocks.clear();
        });
    });
    let sum = BLOCKS * SIZE;
    assert_eq!(
        Memory::from_phase(phase_of(&stats, "here")),
        Memory { allocations: BLOCKS, allocated: sum, peak: sum, ..Memory::default() }
    );
    assert_eq!(
        Memory::from_phase(phase_of(&stats, "there")),
        Memory { frees: BLOCKS, freed: sum, ..Memory::default() }
    );
}

#[test]
fn the_work_of_threads_at_once_adds_up_to_the_byte() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 200;
    let layouts: Vec<_> = layouts().into_iter().filter(|layout| layout.size() < 70_000).collect();
    let sum: usize = layouts.iter().map(Layout::size).sum();
    let stats = measure(|| {
        let _phase = enter("all");
        thread::scope(|scope| {
            for _ in 0..THREADS {
                let work = in_current_phase!(|| {
                    let _phase = enter("each");
                    for _ in 0..ROUNDS {
                        for layout in &layouts {
                            drop(Block::filled(*layout, 3));
                        }
                    }
                });
                scope.spawn(work);
            }
        });
    });
    let each = Memory::from_phase(phase_of(&stats, "all/each"));
    let blocks = THREADS * ROUNDS * layouts.len();
    let largest = layouts.iter().map(Layout::size).max().unwrap();
    assert_eq!(each, Memory::freed(blocks, THREADS * ROUNDS * sum, largest));
}
