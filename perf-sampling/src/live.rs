//! The sampled blocks that have not been freed, by their addresses: a bounded table in memory that
//! is part of the program.
//!
//! # Implementation
//!
//! A block's entries are within a window of slots that its address chooses. Whether there may be
//! any, a counter tells that the address shares with few others: that is all that a free of a block
//! that was never sampled looks at. An address tells a reader whether what is in its slot belongs
//! together: see [`crate::measure::version`].

use std::sync::atomic::{
    AtomicU8, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use super::estimate::Sum;
use super::stacks::StackId;

/// How many entries a block may have: one for its allocation, others for its growth.
pub(crate) const PARTS: usize = 32;

/// Slots; a power of two.
const SLOTS: usize = 1 << 16;
/// How many slots an entry may be in.
const WINDOW: usize = 64;
/// The address in a slot that is taken and not filled yet. No block is there.
const RESERVED: u64 = 1;

/// Of a program that never samples, the pages of these are never there.
static ADDRESSES: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
static PARTS_OF: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];
/// How many entries there are whose addresses share this counter. One that came to 255 stays there.
static COUNTERS: [AtomicU8; SLOTS] = [const { AtomicU8::new(0) }; SLOTS];
/// How many entries were made since the table was cleared.
static MADE: AtomicU64 = AtomicU64::new(0);

struct Slot {
    stack: AtomicU64,
    from: AtomicU64,
    size: AtomicU64,
    live: AtomicU64,
}

impl Slot {
    const fn new() -> Self {
        Self {
            stack: AtomicU64::new(0),
            from: AtomicU64::new(0),
            size: AtomicU64::new(0),
            live: AtomicU64::new(0),
        }
    }

    fn load(&self) -> Part {
        Part {
            stack: StackId::from_raw(self.stack.load(Relaxed)),
            from: self.from.load(Relaxed),
            size: self.size.load(Relaxed),
            live: self.live.load(Relaxed),
        }
    }
}

/// A part of a block that was sampled: what it was allocated with, or grew by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where that was.
    pub(super) stack: StackId,
    /// Where in the block it begins.
    pub(super) from: u64,
    /// Its bytes.
    pub(super) size: u64,
    /// Those that were not given back since.
    pub(super) live: u64,
}

impl Part {
    pub(super) const NONE: Self = Self { stack: StackId::NONE, from: 0, size: 0, live: 0 };
}

fn hash(address: usize) -> usize {
    let hash = (address as u64 >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // The upper bits are the best.
    (hash >> 48) as usize
}

fn window(address: usize) -> impl Iterator<Item = (&'static AtomicU64, &'static Slot)> {
    let first = hash(address);
    let slots = (0..WINDOW).map(move |it| (first + it) & (SLOTS - 1));
    slots.filter_map(|it| Some((ADDRESSES.get(it)?, PARTS_OF.get(it)?)))
}

fn counter(address: usize) -> Option<&'static AtomicU8> {
    COUNTERS.get(hash(address))
}

/// Whether there may be an entry for the block at `address`: `false` is certain.
#[inline]
pub(super) fn may_hold(address: usize) -> bool {
    counter(address).is_none_or(|it| it.load(Relaxed) != 0)
}

/// Makes an entry for the block at `address`, which the present thread has. `false` where there is
/// no room.
pub(super) fn insert(address: usize, part: Part) -> bool {
    let taken = window(address).find(|(place, _)| {
        place.load(Relaxed) == 0 && place.compare_exchange(0, RESERVED, Acquire, Relaxed).is_ok()
    });
    let Some((place, slot)) = taken else { return false };
    // Who sees what is written to the slot from here on sees that it is reserved.
    fence(Release);
    MADE.fetch_add(1, Relaxed);
    if let Some(counter) = counter(address) {
        let _ = counter.fetch_update(Relaxed, Relaxed, |it| it.checked_add(1));
    }
    slot.stack.store(part.stack.to_raw(), Relaxed);
    slot.from.store(part.from, Relaxed);
    slot.size.store(part.size, Relaxed);
    slot.live.store(part.live, Relaxed);
    place.store(address as u64, Release);
    true
}

/// Removes all entries of the block at `address`, which the present thread has, and gives each.
pub(super) fn remove(address: usize, mut removed: impl FnMut(Part)) {
    for (place, slot) in window(address).filter(|it| it.0.load(Relaxed) == address as u64) {
        removed(slot.load());
        place.store(0, Release);
        if let Some(counter) = counter(address) {
            let less = |it| if it == u8::MAX { None } else { Some(it - 1) };
            let _ = counter.fetch_update(Relaxed, Relaxed, less);
        }
    }
}

/// What is live of each stack. A block that is freed or resized meanwhile may or may not be in it.
pub(crate) fn by_stack(mean: u64) -> Vec<(StackId, Sum)> {
    if MADE.load(Relaxed) == 0 {
        return Vec::new();
    }
    let mut sums = Vec::new();
    for (place, slot) in ADDRESSES.iter().zip(&PARTS_OF) {
        let address = place.load(Acquire);
        if address > RESERVED {
            let part = slot.load();
            fence(Acquire);
            // What took the slot meanwhile is another block's.
            if place.load(Relaxed) == address && part.live <= part.size && part.size > 0 {
                sums.push((part.stack, Sum::of(part.live, part.size, mean)));
            }
        }
    }
    sums
}

/// Removes all entries. Nobody else may be at work on them.
pub(super) fn clear() {
    if MADE.swap(0, Relaxed) > 0 {
        for (address, counter) in ADDRESSES.iter().zip(&COUNTERS) {
            address.store(0, Relaxed);
            counter.store(0, Relaxed);
        }
    }
}
