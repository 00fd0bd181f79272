//! Takes samples of allocations, with their stacks, from inside the allocator.
//!
//! # Implementation
//!
//! While no build is sampled, an allocation, a free or a `realloc` costs one comparison with the hook.
//! While one is, each thread counts the bytes to its next sample ([`gap`](crate::gap)). A sample is taken
//! inside the allocator, so it must not allocate or wait. Memory comes from static tables of fixed size
//! ([`stacks`](crate::stacks), [`live`](crate::live)). The stack is walked ([`unwind`](crate::unwind)) with
//! unwind tables that were copied when the build started, without calling the loader. Allocations while a
//! sample is taken are not sampled.
//!
//! # Why the tables can be shared
//!
//! They are atomics, written without locks. A stack is published by a single store of its position in the
//! index, after all of its words were written. Afterwards only its sums change, by atomic additions. A
//! live block has one owner at a time: the thread that got it from the allocator, until it frees the block.
//! So the accesses to the entries of one address are ordered, and threads compete only for free slots, by
//! compare-and-exchange.
//!
//! The tables are cleared for the next round only while sampling is off and [`IN_FLIGHT`] is 0. A thread
//! increments that counter before it checks that sampling is on; the clearing thread switches sampling off
//! before it reads the counter. All of these are sequentially consistent, so one of the two sees the other.

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
/// The average gap between two samples, in bytes.
static MEAN: AtomicU64 = AtomicU64::new(1);
/// The number of the round of sampling. In each round, threads start with new random numbers.
static ROUND: AtomicU32 = AtomicU32::new(0);
/// The number of threads that use the tables.
static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);
/// The number of samples for which the tables were full.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The number of open builds that are sampled.
static BUILDS: Mutex<usize> = Mutex::new(0);

/// How often to yield to threads that still use the tables when a round is to start. Only a thread that
/// vanished, as in a forked process, takes so long.
const MAX_YIELDS: u32 = 100_000;

/// The functions that the allocator calls while allocations are sampled.
static HOOK: SamplingHook = SamplingHook { allocated, freeing, resizing };

/// Starts to sample a build. If another build is sampled already, its average gap stays. Returns `false` if
/// sampling is not possible.
pub(crate) fn start(sample_bytes: u64, seed: u64) -> bool {
    let mut builds = BUILDS.lock();
    if *builds == 0 {
        let idle = (0..MAX_YIELDS).any(|_| {
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
        gap::start(seed);
        let round = ROUND.fetch_add(1, Relaxed).wrapping_add(1);
        // The build thread is the first of the round, whichever thread allocates first.
        gap::start_on_thread(mean, round);
        ON.store(true, SeqCst);
        sampling_hook::install(Some(&HOOK));
    }
    *builds += 1;
    true
}

/// Ends the sampling of a build.
pub(crate) fn end() {
    let mut builds = BUILDS.lock();
    *builds = builds.saturating_sub(1);
    if *builds == 0 {
        sampling_hook::install(None);
        ON.store(false, SeqCst);
    }
}

/// The average gap between two samples, in bytes.
pub(crate) fn sample_bytes() -> u64 {
    MEAN.load(Relaxed)
}

/// The number of samples that were dropped in this round, as the tables were full.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

/// A guard that keeps the tables from being cleared.
struct TableAccess;

impl TableAccess {
    /// `None` if sampling is off.
    fn acquire() -> Option<Self> {
        IN_FLIGHT.fetch_add(1, SeqCst);
        let access = Self;
        ON.load(SeqCst).then_some(access)
    }
}

impl Drop for TableAccess {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(1, SeqCst);
    }
}

/// How a block got its sampled bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The block was allocated.
    Allocation,
    /// The block grew from this size in bytes.
    Growth { from: usize },
}

/// Called after an allocation. The address is 0 if it failed.
fn allocated(address: usize, size: usize) {
    if address != 0 {
        count(address, size, Origin::Allocation);
    }
}

/// Counts `size` bytes of the block at `address`, and takes a sample if the next one is among them.
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
    let Some(_busy) = unwind::Busy::acquire() else { return };
    let Some(_access) = TableAccess::acquire() else { return };
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

/// Called before the block at `address` is freed.
#[inline(never)]
fn freeing(address: usize) {
    if live::may_contain(address)
        && let Some(_access) = TableAccess::acquire()
    {
        live::remove(address, |_| {});
    }
}

/// Called to resize the block at `address` from `old` to `new` bytes, by `resize`. That returns the new
/// address, or 0 if it failed.
fn resizing(address: usize, old: usize, new: usize, resize: &mut dyn FnMut() -> usize) {
    // Removed before another thread can get the address.
    let known = remove_parts(address);
    let moved = resize();
    if moved == 0 {
        known.insert(address, old);
        return;
    }
    known.insert(moved, new);
    if new > old {
        count(moved, new - old, Origin::Growth { from: old });
    }
}

/// The sampled parts of a block while it is resized.
struct Parts {
    parts: [Part; live::PARTS],
    len: usize,
}

/// Removes the sampled parts of the block at `address`.
fn remove_parts(address: usize) -> Parts {
    let mut removed = Parts { parts: [Part::NONE; live::PARTS], len: 0 };
    if live::may_contain(address)
        && let Some(_access) = TableAccess::acquire()
    {
        live::remove(address, |part| {
            if let Some(slot) = removed.parts.get_mut(removed.len) {
                *slot = part;
                removed.len += 1;
            }
        });
    }
    removed
}

impl Parts {
    /// Inserts the parts for the block, which is now at `address` and has `size` bytes.
    fn insert(&self, address: usize, size: usize) {
        if self.len == 0 {
            return;
        }
        let Some(_access) = TableAccess::acquire() else { return };
        for part in &self.parts[..self.len] {
            let live = part.live.min((size as u64).saturating_sub(part.from));
            if live > 0 && !live::insert(address, Part { live, ..*part }) {
                DROPPED.fetch_add(1, Relaxed);
            }
        }
    }
}
