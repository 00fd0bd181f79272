//! The stacks that samples were taken at: a bounded table in memory that is part of the program.
//!
//! # Implementation
//!
//! A stack takes a run of words: a header, sums, its frames. Its place goes into an
//! index by open addressing. Stacks are added, and added to, by any number of threads at once; none
//! is removed until all are.

use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed},
};

use super::estimate::{Sum, chance};

/// How many frames of a stack are kept: the innermost. The deepest chains of the standard library
/// between a line of a program and the allocator have some 20, without optimisation.
pub(crate) const DEPTH: usize = 40;

/// Words for stacks: some 30,000 of the usual depth.
const WORDS: usize = 1 << 20;
/// Places in the index; a power of two.
const INDEX: usize = 1 << 16;
/// How many stacks may be in the index.
const MOST: u64 = INDEX as u64 / 4 * 3;
/// How far a place is looked for in the index.
const PROBES: usize = 64;

/// Of a program that never samples, the pages of these are never there.
static STACKS: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
static INDEX_OF_STACKS: [AtomicU64; INDEX] = [const { AtomicU64::new(0) }; INDEX];
/// Words that are taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);

// The words of a stack.
const OWNER: usize = 0;
const PART_AND_DEPTH: usize = 1;
const BYTES: usize = 2;
const VARIANCE: usize = 3;
const SEEN: usize = 4;
const SAMPLES: usize = 5;
const ALLOCATIONS: usize = 6;
const GROWTHS: usize = 7;
const FRAMES: usize = 8;

/// Whom a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// A build.
    pub(crate) owner: u64,
    /// A part of it.
    pub(crate) part: u32,
}

/// A stack's place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StackId(u32);

impl StackId {
    /// No stack in particular.
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
        self.word(index).map_or(0, |it| it.load(Relaxed))
    }

    fn load_f64(self, index: usize) -> f64 {
        f64::from_bits(self.load(index))
    }

    fn add_f64(self, index: usize, by: f64) {
        if let Some(word) = self.word(index) {
            let _ =
                word.fetch_update(Relaxed, Relaxed, |it| Some((f64::from_bits(it) + by).to_bits()));
        }
    }

    fn is(self, key: Key, frames: &[u64]) -> bool {
        self.load(OWNER) == key.owner
            && self.load(PART_AND_DEPTH) == part_and_depth(key, frames)
            && (FRAMES..).zip(frames).all(|(index, it)| self.load(index) == *it)
    }
}

fn part_and_depth(key: Key, frames: &[u64]) -> u64 {
    u64::from(key.part) << 32 | frames.len() as u64
}

/// The stack of these frames, of at most [`DEPTH`], in the table. `None` where it is not there and
/// finds no room.
pub(super) fn find_or_add(key: Key, frames: &[u64]) -> Option<StackId> {
    let mut added = None;
    for place in places(key, frames) {
        let mut there = place.load(Acquire);
        if there == 0 {
            let stack = match added {
                Some(stack) => stack,
                None => *added.insert(add_words(key, frames)?),
            };
            match place.compare_exchange(0, stack.to_raw() + 1, AcqRel, Acquire) {
                Ok(_) => return Some(stack),
                // The words stay unused: another thread was faster, perhaps with the same stack.
                Err(other) => there = other,
            }
        }
        let stack = StackId::from_raw(there - 1);
        if stack.is(key, frames) {
            return Some(stack);
        }
    }
    None
}

fn places(key: Key, frames: &[u64]) -> impl Iterator<Item = &'static AtomicU64> + use<> {
    let words = [key.owner, u64::from(key.part)];
    let hash = words
        .iter()
        .chain(frames)
        .fold(0_u64, |hash, it| (hash.rotate_left(5) ^ it).wrapping_mul(0x517C_C1B7_2722_0A95));
    // The upper bits are the best.
    let first = (hash >> 40) as usize;
    (0..PROBES).filter_map(move |it| INDEX_OF_STACKS.get((first + it) & (INDEX - 1)))
}

fn add_words(key: Key, frames: &[u64]) -> Option<StackId> {
    let len = FRAMES + frames.len();
    let first = TAKEN
        .fetch_update(Relaxed, Relaxed, |it| it.checked_add(len).filter(|&it| it <= WORDS))
        .ok()?;
    if COUNT.fetch_add(1, Relaxed) >= MOST {
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
    let sum = Sum::of(size, size, mean);
    stack.add_f64(BYTES, sum.bytes);
    stack.add_f64(VARIANCE, sum.variance);
    stack.add_f64(if is_allocation { ALLOCATIONS } else { GROWTHS }, 1.0 / chance(size, mean));
    for (index, by) in [(SEEN, size), (SAMPLES, 1)] {
        if let Some(word) = stack.word(index) {
            word.fetch_add(by, Relaxed);
        }
    }
}

/// What was sampled at one stack.
#[derive(Debug, Clone)]
pub(crate) struct StackSum {
    pub(crate) id: StackId,
    pub(crate) part: u32,
    /// Addresses within the calls, the innermost first.
    pub(crate) frames: Vec<u64>,
    pub(crate) sum: Sum,
    /// Allocations, estimated.
    pub(crate) allocations: f64,
    /// Growths by `realloc`, estimated.
    pub(crate) growths: f64,
}

/// All stacks of an owner.
pub(crate) fn of(owner: u64) -> Vec<StackSum> {
    let there = INDEX_OF_STACKS.iter().map(|it| it.load(Acquire)).filter(|&it| it != 0);
    let all = there.map(|it| StackId::from_raw(it - 1));
    all.filter(|it| it.load(OWNER) == owner).map(StackSum::read).collect()
}

impl StackSum {
    fn read(id: StackId) -> Self {
        let [part, depth] = {
            let packed = id.load(PART_AND_DEPTH);
            [packed >> 32, packed & u64::from(u32::MAX)]
        };
        let depth = usize::try_from(depth).unwrap_or(0).min(DEPTH);
        Self {
            id,
            part: u32::try_from(part).unwrap_or(u32::MAX),
            frames: (FRAMES..FRAMES + depth).map(|it| id.load(it)).collect(),
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

/// Removes all stacks. Nobody else may be at work on them.
pub(super) fn clear() {
    if TAKEN.swap(0, Relaxed) > 0 {
        for place in &INDEX_OF_STACKS {
            place.store(0, Relaxed);
        }
        COUNT.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live;

    /// The table is the process's: one test at a time may use it.
    #[test]
    fn stacks_are_told_apart_added_up_and_refused_when_there_is_no_room() {
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
        let [sum] = &of(1).into_iter().filter(|it| it.id == one).collect::<Vec<_>>()[..] else {
            panic!("not one")
        };
        assert_eq!((sum.part, &sum.frames[..]), (2, &[10, 20][..]));
        assert_eq!((sum.sum.samples, sum.sum.seen), (2, 200));
        assert!((sum.sum.bytes - 2.0 * 1_050.833_194).abs() < 1e-3, "{sum:?}");
        assert!((sum.allocations - 10.508_33).abs() < 1e-3, "{sum:?}");
        assert!((sum.growths - sum.allocations).abs() < 1e-9, "{sum:?}");

        // Threads that add the same stacks agree which they are.
        let all = |_| -> Vec<_> {
            (0..2_000).map(|it| find_or_add(key(2, 0), &[it, it]).unwrap()).collect()
        };
        let ids: Vec<Vec<StackId>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|it| scope.spawn(move || all(it))).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|it| it[0] == it[1]));
        assert_eq!(of(2).len(), 2_000);

        let mut room = 0;
        while find_or_add(key(3, 0), &[room]).is_some() {
            room += 1;
        }
        assert!((20_000..MOST).contains(&room), "{room}");
        assert_eq!(of(3).len() as u64, room);
        assert_eq!(find_or_add(key(1, 2), &[10, 20]), Some(one), "what is there stays");
        clear();
        assert!(of(1).is_empty() && of(2).is_empty() && of(3).is_empty());
        live::clear();
    }
}
