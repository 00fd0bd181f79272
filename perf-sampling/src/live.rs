//! The sampled blocks that have not been freed, by address: a table of fixed size in static memory.
//!
//! # Implementation
//!
//! The entries of a block are in a window of slots that its address selects. A counter, which the address
//! shares with few others, shows whether there may be any: freeing a block that was never sampled reads
//! only that counter. The address in a slot also serves as a sequence lock: a reader loads it before and
//! after the rest of the slot, and skips the slot if it has changed.

use std::sync::atomic::{
    AtomicU8, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use super::estimate::Sum;
use super::stacks::StackId;

/// The maximum number of entries of a block: one for its allocation, the others for its growth.
pub(crate) const PARTS: usize = 32;

/// Slots; a power of two.
const SLOTS: usize = 1 << 16;
/// The number of slots in which an entry may be.
const WINDOW: usize = 64;
/// The address in a slot that is being filled. No block has this address.
const RESERVED: u64 = 1;

// In a program that never samples, the pages of these tables are never mapped.
static ADDRESSES: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
static PARTS_OF: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];
/// The number of entries whose addresses share this counter. A counter that reached 255 stays there.
static COUNTERS: [AtomicU8; SLOTS] = [const { AtomicU8::new(0) }; SLOTS];
/// The number of entries that were inserted since the table was cleared.
static INSERTED: AtomicU64 = AtomicU64::new(0);

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

/// A sampled part of a block: what was allocated first, or what it grew by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The stack that allocated the part.
    pub(super) stack: StackId,
    /// The offset of the part in the block.
    pub(super) from: u64,
    /// Its size in bytes.
    pub(super) size: u64,
    /// The bytes of it that are still in the block.
    pub(super) live: u64,
}

impl Part {
    pub(super) const NONE: Self = Self { stack: StackId::NONE, from: 0, size: 0, live: 0 };
}

fn hash(address: usize) -> usize {
    let hash = (address as u64 >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // The upper bits are mixed best.
    (hash >> 48) as usize
}

fn window(address: usize) -> impl Iterator<Item = (&'static AtomicU64, &'static Slot)> {
    let first = hash(address);
    let slots = (0..WINDOW).map(move |offset| (first + offset) & (SLOTS - 1));
    slots.filter_map(|index| Some((ADDRESSES.get(index)?, PARTS_OF.get(index)?)))
}

fn counter(address: usize) -> Option<&'static AtomicU8> {
    COUNTERS.get(hash(address))
}

/// Whether there may be an entry for the block at `address`. If it returns `false`, there is none.
#[inline]
pub(super) fn may_contain(address: usize) -> bool {
    counter(address).is_none_or(|count| count.load(Relaxed) != 0)
}

/// Inserts an entry for the block at `address`, which this thread owns. Returns `false` if the table is
/// full there.
pub(super) fn insert(address: usize, part: Part) -> bool {
    let free = window(address).find(|(owner, _)| {
        owner.load(Relaxed) == 0 && owner.compare_exchange(0, RESERVED, Acquire, Relaxed).is_ok()
    });
    let Some((owner, slot)) = free else { return false };
    // A reader that sees any of the writes below also sees that the slot is reserved.
    fence(Release);
    INSERTED.fetch_add(1, Relaxed);
    if let Some(counter) = counter(address) {
        let _ = counter.fetch_update(Relaxed, Relaxed, |count| count.checked_add(1));
    }
    slot.stack.store(part.stack.to_raw(), Relaxed);
    slot.from.store(part.from, Relaxed);
    slot.size.store(part.size, Relaxed);
    slot.live.store(part.live, Relaxed);
    owner.store(address as u64, Release);
    true
}

/// Removes all entries of the block at `address`, which this thread owns, and passes each to `removed`.
pub(super) fn remove(address: usize, mut removed: impl FnMut(Part)) {
    let is_own = |owner: &AtomicU64| owner.load(Relaxed) == address as u64;
    for (owner, slot) in window(address).filter(|(owner, _)| is_own(owner)) {
        removed(slot.load());
        owner.store(0, Release);
        if let Some(counter) = counter(address) {
            let decrement = |count| if count == u8::MAX { None } else { Some(count - 1) };
            let _ = counter.fetch_update(Relaxed, Relaxed, decrement);
        }
    }
}

/// The live bytes of each stack. A block that is freed or resized at the same time may be missing.
pub(crate) fn by_stack(mean: u64) -> Vec<(StackId, Sum)> {
    if INSERTED.load(Relaxed) == 0 {
        return Vec::new();
    }
    let mut sums = Vec::new();
    for (owner, slot) in ADDRESSES.iter().zip(&PARTS_OF) {
        let address = owner.load(Acquire);
        if address > RESERVED {
            let part = slot.load();
            fence(Acquire);
            // Another block may have taken the slot.
            if owner.load(Relaxed) == address && part.live <= part.size && part.size > 0 {
                sums.push((part.stack, Sum::from_sample(part.live, part.size, mean)));
            }
        }
    }
    sums
}

/// Removes all entries. No other thread may use the table at the same time.
pub(super) fn clear() {
    if INSERTED.swap(0, Relaxed) > 0 {
        for (address, counter) in ADDRESSES.iter().zip(&COUNTERS) {
            address.store(0, Relaxed);
            counter.store(0, Relaxed);
        }
    }
}
