//! Samples of what is allocated, with their stacks: where a build spends memory, in its own code.
//!
//! # Implementation
//!
//! While no build asks for samples, an allocation, a free or a `realloc` pays one comparison of
//! [`is_on`]. While one does, each thread counts down the bytes to its next sample ([`gap`]). What
//! a sample needs is done within the allocator, and so keeps its rules: memory comes from tables
//! that are part of the program and never grow ([`stacks`], [`live`]); nothing waits for anything;
//! the stack is walked ([`unwind`]) by tables that were copied when the build started, without the
//! loader's help; and what a sample itself might allocate is no sample.
//!
//! # Why it is sound to share the tables
//!
//! They are atomics, and written without locks. A stack is published by the one store that puts its
//! place into the index, after all of it was written, and never changed afterwards but for its
//! sums, which are added to atomically. A live block belongs to one thread at a time: the one that
//! has it from the allocator until it gives it back, so that all entries under one address are made
//! and removed by threads of which each happens after the one before it; what threads race for are
//! free slots, by compare-and-exchange. Before the tables are cleared for another round, sampling is
//! off, and [`IN_FLIGHT`] says that nobody is at work on them: a thread announces itself there
//! before it asks once more whether sampling is on, and the clearing thread turns it off before it
//! looks there, all of it sequentially consistent, so one of the two sees the other.

pub(crate) mod estimate;
pub(crate) mod gap;
pub(crate) mod live;
mod modules;
pub(crate) mod stacks;
pub(crate) mod unwind;

use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use parking_lot::Mutex;

use live::Part;
use stacks::Key;

pub(crate) use modules::{LoadedModule, loaded_modules};

/// Whether allocations are sampled.
static ON: AtomicBool = AtomicBool::new(false);
/// One of how many bytes is picked, on average.
static MEAN: AtomicU64 = AtomicU64::new(1);
/// Which round of sampling it is: in each, threads begin anew.
static ROUND: AtomicU32 = AtomicU32::new(0);
/// How many threads are at work on the tables.
static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);
/// Samples that found no room.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many builds ask for samples.
static BUILDS: Mutex<usize> = Mutex::new(0);

/// How many turns are given to threads that are still at work when sampling is to begin anew. Only
/// a thread that is gone without a trace, as in a forked process, takes as many.
const PATIENCE: u32 = 100_000;

/// Whether allocations are sampled.
#[inline(always)]
#[expect(clippy::inline_always, reason = "PERF: one comparison in each allocation")]
pub(crate) fn is_on() -> bool {
    ON.load(Relaxed)
}

/// Begins to sample for a build, or goes on for one more: then the average is that of the first.
/// `false` where that is not possible.
pub(crate) fn begin(sample_bytes: u64, seed: u64) -> bool {
    let mut builds = BUILDS.lock();
    if *builds == 0 {
        let idle = (0..PATIENCE).any(|_| {
            let idle = IN_FLIGHT.load(SeqCst) == 0;
            if !idle {
                std::thread::yield_now();
            }
            idle
        });
        if !idle || !unwind::prepare() {
            return false;
        }
        stacks::clear();
        live::clear();
        DROPPED.store(0, Relaxed);
        let mean = sample_bytes.max(1);
        MEAN.store(mean, Relaxed);
        gap::begin(seed);
        let round = ROUND.fetch_add(1, Relaxed).wrapping_add(1);
        // The build's own thread is the first, whichever thread allocates first.
        gap::begin_on_thread(mean, round);
        ON.store(true, SeqCst);
    }
    *builds += 1;
    true
}

/// Ends what [`begin`] began.
pub(crate) fn end() {
    let mut builds = BUILDS.lock();
    *builds = builds.saturating_sub(1);
    if *builds == 0 {
        ON.store(false, SeqCst);
    }
}

/// One of how many bytes is picked, on average.
pub(crate) fn sample_bytes() -> u64 {
    MEAN.load(Relaxed)
}

/// Samples that found no room since sampling began.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

/// As long as it lives, the tables are not cleared.
struct AtWork;

impl AtWork {
    /// `None` where sampling is off.
    fn begin() -> Option<Self> {
        IN_FLIGHT.fetch_add(1, SeqCst);
        // Dropped again where sampling is off.
        let at_work = Self;
        ON.load(SeqCst).then_some(at_work)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(1, SeqCst);
    }
}

/// What a block came by the bytes that are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was allocated.
    Allocation,
    /// It was made larger, from so many bytes.
    Growth { from: usize },
}

/// Counts down `size` bytes of the block at `address`, and takes a sample where it is time.
/// `owner` tells whom it belongs to: `None` where that is nobody.
#[inline(never)]
pub(crate) fn allocated(
    address: usize,
    size: usize,
    origin: Origin,
    owner: impl FnOnce() -> Option<Key>,
) {
    if gap::count_down(size, MEAN.load(Relaxed), ROUND.load(Relaxed))
        && let Some(key) = owner()
    {
        take(address, size, origin, key);
    }
}

#[inline(never)]
fn take(address: usize, size: usize, origin: Origin, key: Key) {
    let Some(_busy) = unwind::Busy::begin() else { return };
    let Some(_at_work) = AtWork::begin() else { return };
    let mut frames = [0; stacks::DEPTH];
    let depth = unwind::walk(&mut frames);
    let Some(stack) = stacks::find_or_add(key, &frames[..depth]) else {
        DROPPED.fetch_add(1, Relaxed);
        return;
    };
    let sample_bytes = MEAN.load(Relaxed);
    stacks::add(stack, size as u64, sample_bytes, origin == Origin::Allocation);
    let from = if let Origin::Growth { from } = origin { from } else { 0 };
    let part = Part { stack, from: from as u64, size: size as u64, live: size as u64 };
    if !live::insert(address, part) {
        DROPPED.fetch_add(1, Relaxed);
    }
}

/// Notes that the block at `address` is about to be freed.
#[inline(never)]
pub(crate) fn freeing(address: usize) {
    if live::may_hold(address)
        && let Some(_at_work) = AtWork::begin()
    {
        live::remove(address, |_| {});
    }
}

/// What is known of a block while it is resized.
pub(crate) struct Resizing {
    parts: [Part; live::PARTS],
    len: usize,
}

/// Takes out what is known of the block at `address`, which is about to be resized.
pub(crate) fn resizing(address: usize) -> Resizing {
    let mut resizing = Resizing { parts: [Part::NONE; live::PARTS], len: 0 };
    if live::may_hold(address)
        && let Some(_at_work) = AtWork::begin()
    {
        live::remove(address, |part| {
            if let Some(place) = resizing.parts.get_mut(resizing.len) {
                *place = part;
                resizing.len += 1;
            }
        });
    }
    resizing
}

impl Resizing {
    /// Puts it back for the block that is now at `address`, and has `size` bytes.
    pub(crate) fn is_now(&self, address: usize, size: usize) {
        if self.len == 0 {
            return;
        }
        let Some(_at_work) = AtWork::begin() else { return };
        for part in &self.parts[..self.len] {
            let live = part.live.min((size as u64).saturating_sub(part.from));
            if live > 0 && !live::insert(address, Part { live, ..*part }) {
                DROPPED.fetch_add(1, Relaxed);
            }
        }
    }
}
