//! The stacks of the samples: a table of fixed size in static memory.
//!
//! # Implementation
//!
//! A stack is a sequence of words: a header, sums, and its frames. An index with open addressing stores
//! their positions. Any number of threads may add stacks and samples at once. Stacks are only removed all
//! together.

use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};

use super::estimate::{Sum, probability};

/// The number of innermost frames that are kept of a stack. Without optimisation, the standard library has
/// up to some 20 frames between the code of a program and the allocator.
pub(crate) const DEPTH: usize = 40;

/// The number of words, which is enough for some 30,000 stacks of usual depth.
const WORDS: usize = 1 << 20;
/// The number of entries of the index; a power of two.
const INDEX: usize = 1 << 16;
/// The maximum number of stacks in the index.
const MAX_STACKS: u64 = INDEX as u64 / 4 * 3;
/// The maximum number of entries that are searched for a stack.
const PROBES: usize = 64;

// In a program that never samples, the pages of these tables are never mapped.
static STACKS: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
static INDEX_OF_STACKS: [AtomicU64; INDEX] = [const { AtomicU64::new(0) }; INDEX];
/// The number of words in use.
static USED_WORDS: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);

// The positions of the words of a stack.
const OWNER: usize = 0;
const PART_AND_DEPTH: usize = 1;
const BYTES: usize = 2;
const VARIANCE: usize = 3;
const SEEN: usize = 4;
const SAMPLES: usize = 5;
const ALLOCATIONS: usize = 6;
const GROWTHS: usize = 7;
const FRAMES: usize = 8;

/// What a sample is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// The number of a build.
    pub(crate) owner: u64,
    /// The path of a phase of that build.
    pub(crate) part: u32,
}

/// The position of a stack in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StackId(u32);

impl StackId {
    /// A placeholder.
    pub(super) const NONE: Self = Self(0);

    pub(super) fn to_raw(self) -> u64 {
        u64::from(self.0)
    }

    pub(super) fn from_raw(raw: u64) -> Self {
        Self(u32::try_from(raw).unwrap_or(0))
    }

    fn word(self, index: usize) -> Option<&'static AtomicU64> {
        STACKS.get(self.0 as usize + index)
    }

    fn load(self, index: usize) -> u64 {
        self.word(index).map_or(0, |word| word.load(Relaxed))
    }

    fn load_f64(self, index: usize) -> f64 {
        f64::from_bits(self.load(index))
    }

    fn add_f64(self, index: usize, addend: f64) {
        let add = |bits| Some((f64::from_bits(bits) + addend).to_bits());
        if let Some(word) = self.word(index) {
            let _ = word.fetch_update(Relaxed, Relaxed, add);
        }
    }

    fn matches(self, key: Key, frames: &[u64]) -> bool {
        self.load(OWNER) == key.owner
            && self.load(PART_AND_DEPTH) == part_and_depth(key, frames)
            && (FRAMES..).zip(frames).all(|(index, frame)| self.load(index) == *frame)
    }
}

fn part_and_depth(key: Key, frames: &[u64]) -> u64 {
    u64::from(key.part) << 32 | frames.len() as u64
}

/// Finds or adds the stack with these frames, at most [`DEPTH`]. `None` if it is missing and the table is
/// full.
pub(super) fn find_or_add(key: Key, frames: &[u64]) -> Option<StackId> {
    let mut added = None;
    for entry in entries(key, frames) {
        let mut position = entry.load(Acquire);
        if position == 0 {
            let stack = match added {
                Some(stack) => stack,
                None => *added.insert(add_words(key, frames)?),
            };
            match entry.compare_exchange(0, stack.to_raw() + 1, AcqRel, Acquire) {
                Ok(_) => return Some(stack),
                // Another thread was faster, perhaps with the same stack. The words stay unused.
                Err(other) => position = other,
            }
        }
        let stack = StackId::from_raw(position - 1);
        if stack.matches(key, frames) {
            return Some(stack);
        }
    }
    None
}

fn entries(key: Key, frames: &[u64]) -> impl Iterator<Item = &'static AtomicU64> + use<> {
    let words = [key.owner, u64::from(key.part)];
    let hash = words
        .iter()
        .chain(frames)
        .fold(0_u64, |hash, word| (hash.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95));
    // The upper bits are mixed best.
    let first = (hash >> 40) as usize;
    (0..PROBES).filter_map(move |offset| INDEX_OF_STACKS.get((first + offset) & (INDEX - 1)))
}

fn add_words(key: Key, frames: &[u64]) -> Option<StackId> {
    let len = FRAMES + frames.len();
    let first = USED_WORDS
        .fetch_update(Relaxed, Relaxed, |used| used.checked_add(len).filter(|&used| used <= WORDS))
        .ok()?;
    if COUNT.fetch_add(1, Relaxed) >= MAX_STACKS {
        return None;
    }
    let words = STACKS.get(first..first + len)?;
    let header = [key.owner, part_and_depth(key, frames)];
    let sums = [0; FRAMES - BYTES];
    for (word, value) in words.iter().zip(header.iter().chain(&sums).chain(frames)) {
        word.store(*value, Relaxed);
    }
    u32::try_from(first).ok().map(StackId)
}

/// Adds a sample of `size` bytes.
pub(super) fn add(stack: StackId, size: u64, mean: u64, is_allocation: bool) {
    let sum = Sum::from_sample(size, size, mean);
    stack.add_f64(BYTES, sum.bytes);
    stack.add_f64(VARIANCE, sum.variance);
    stack.add_f64(if is_allocation { ALLOCATIONS } else { GROWTHS }, 1.0 / probability(size, mean));
    for (index, addend) in [(SEEN, size), (SAMPLES, 1)] {
        if let Some(word) = stack.word(index) {
            word.fetch_add(addend, Relaxed);
        }
    }
}

/// The samples of one stack.
#[derive(Debug, Clone)]
pub(crate) struct StackSum {
    pub(crate) id: StackId,
    pub(crate) part: u32,
    /// Addresses inside the call instructions, the innermost first.
    pub(crate) frames: Vec<u64>,
    pub(crate) sum: Sum,
    /// The estimated number of allocations.
    pub(crate) allocations: f64,
    /// The estimated number of blocks that grew by `realloc`.
    pub(crate) growths: f64,
}

/// All stacks of an owner.
pub(crate) fn owned_by(owner: u64) -> Vec<StackSum> {
    let positions = INDEX_OF_STACKS.iter().map(|entry| entry.load(Acquire));
    let stacks = positions.filter(|&position| position != 0).map(|raw| StackId::from_raw(raw - 1));
    stacks.filter(|stack| stack.load(OWNER) == owner).map(StackSum::read).collect()
}

impl StackSum {
    fn read(id: StackId) -> Self {
        let packed = id.load(PART_AND_DEPTH);
        let (part, depth) = (packed >> 32, packed & u64::from(u32::MAX));
        let depth = usize::try_from(depth).unwrap_or(0).min(DEPTH);
        Self {
            id,
            part: u32::try_from(part).unwrap_or(u32::MAX),
            frames: (FRAMES..FRAMES + depth).map(|index| id.load(index)).collect(),
            sum: Sum {
                bytes: id.load_f64(BYTES),
                variance: id.load_f64(VARIANCE),
                seen: id.load(SEEN),
                samples: id.load(SAMPLES),
            },
            allocations: id.load_f64(ALLOCATIONS),
            growths: id.load_f64(GROWTHS),
        }
    }
}

/// Removes all stacks. No other thread may use the table at the same time.
pub(super) fn clear() {
    if USED_WORDS.swap(0, Relaxed) > 0 {
        for entry in &INDEX_OF_STACKS {
            entry.store(0, Relaxed);
        }
        COUNT.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live;

    /// One test, as the table is global.
    #[test]
    fn stacks_are_distinguished_summed_up_and_refused_when_the_table_is_full() {
        let key = |owner, part| Key { owner, part };
        let one = find_or_add(key(1, 2), &[10, 20]).unwrap();
        assert_eq!(find_or_add(key(1, 2), &[10, 20]), Some(one));
        for (other, frames) in
            [(key(1, 2), &[10][..]), (key(1, 2), &[20, 10]), (key(1, 3), &[10, 20])]
        {
            assert_ne!(find_or_add(other, frames), Some(one));
        }
        add(one, 100, 1_000, true);
        add(one, 100, 1_000, false);
        let [sum] =
            &owned_by(1).into_iter().filter(|stack| stack.id == one).collect::<Vec<_>>()[..]
        else {
            panic!("expected one stack")
        };
        assert_eq!((sum.part, &sum.frames[..]), (2, &[10, 20][..]));
        assert_eq!((sum.sum.samples, sum.sum.seen), (2, 200));
        assert!((sum.sum.bytes - 2.0 * 1_050.833_194).abs() < 1e-3, "{sum:?}");
        assert!((sum.allocations - 10.508_33).abs() < 1e-3, "{sum:?}");
        assert!((sum.growths - sum.allocations).abs() < 1e-9, "{sum:?}");

        // Threads that add the same stacks get the same ids.
        let add_all = || -> Vec<_> {
            (0..2_000).map(|frame| find_or_add(key(2, 0), &[frame, frame]).unwrap()).collect()
        };
        let ids: Vec<Vec<StackId>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(add_all)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(owned_by(2).len(), 2_000);

        let mut room = 0;
        while find_or_add(key(3, 0), &[room]).is_some() {
            room += 1;
        }
        assert!((20_000..MAX_STACKS).contains(&room), "{room}");
        assert_eq!(owned_by(3).len() as u64, room);
        assert_eq!(find_or_add(key(1, 2), &[10, 20]), Some(one), "existing stacks stay");
        clear();
        assert!(owned_by(1).is_empty() && owned_by(2).is_empty() && owned_by(3).is_empty());
        live::clear();
    }
}
