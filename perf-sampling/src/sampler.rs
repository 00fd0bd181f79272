//! Samples of what is allocated, with their stacks: where a build spends memory, in its own code.
//!
//! # Implementation
//!
//! While no build asks for samples, an allocation, a free or a `realloc` pays one comparison of
//! the hook. While one does, each thread counts down the bytes to its next sample ([`gap`](crate::gap)). What
//! a sample needs is done within the allocator, and so keeps its rules: memory comes from tables
//! that are part of the program and never grow ([`stacks`](crate::stacks), [`live`](crate::live)); nothing waits for anything;
//! the stack is walked ([`unwind`](crate::unwind)) by tables that were copied when the build started, without the
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

use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use parking_lot::Mutex;
use perf_core::sampling_hook::{self, SamplingHook};

use crate::live::{self, Part};
use crate::stacks::{self, Key};
use crate::{gap, unwind};

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

/// What the allocator calls while allocations are sampled.
static HOOK: SamplingHook = SamplingHook { allocated, freeing, resizing };

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
        sampling_hook::install(Some(&HOOK));
    }
    *builds += 1;
    true
}

/// Ends what [`begin`] began.
pub(crate) fn end() {
    let mut builds = BUILDS.lock();
    *builds = builds.saturating_sub(1);
    if *builds == 0 {
        sampling_hook::install(None);
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

/// How a block got the bytes that are sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was allocated.
    Allocation,
    /// It was made larger, from this number of bytes.
    Growth { from: usize },
}

/// A block was allocated, if its address is not 0.
fn allocated(address: usize, size: usize) {
    if address != 0 {
        count(address, size, Origin::Allocation);
    }
}

/// Counts down `size` bytes of the block at `address`, and takes a sample where it is time.
#[inline(never)]
fn count(address: usize, size: usize, origin: Origin) {
    if gap::count_down(size, MEAN.load(Relaxed), ROUND.load(Relaxed))
        && let Some((build, path)) = sampling_hook::owner()
    {
        take(address, size, origin, Key { owner: build.get(), part: path.to_raw() });
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

/// The block at `address` is about to be freed.
#[inline(never)]
fn freeing(address: usize) {
    if live::may_hold(address)
        && let Some(_at_work) = AtWork::begin()
    {
        live::remove(address, |_| {});
    }
}

/// The block at `address` is resized from `old` to `new` bytes, by `resize`.
fn resizing(address: usize, old: usize, new: usize, resize: &mut dyn FnMut() -> usize) {
    // Taken out before another thread can have the address.
    let known = take_parts(address);
    let moved = resize();
    if moved == 0 {
        known.put_back(address, old);
        return;
    }
    known.put_back(moved, new);
    if new > old {
        count(moved, new - old, Origin::Growth { from: old });
    }
}

/// The samples of a block while it is resized.
struct Parts {
    parts: [Part; live::PARTS],
    len: usize,
}

/// Takes out the samples of the block at `address`.
fn take_parts(address: usize) -> Parts {
    let mut taken = Parts { parts: [Part::NONE; live::PARTS], len: 0 };
    if live::may_hold(address)
        && let Some(_at_work) = AtWork::begin()
    {
        live::remove(address, |part| {
            if let Some(slot) = taken.parts.get_mut(taken.len) {
                *slot = part;
                taken.len += 1;
            }
        });
    }
    taken
}

impl Parts {
    /// Puts them back for the block that is now at `address` and has `size` bytes.
    fn put_back(&self, address: usize, size: usize) {
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
