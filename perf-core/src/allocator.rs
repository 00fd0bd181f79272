//! The global allocator that counts: it hands every request to another allocator and tallies it.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};

#[cfg(feature = "track")]
use crate::measure::tally::Tally;
#[cfg(feature = "track")]
use crate::phase::threads::{settle, tally};
#[cfg(feature = "sampling")]
use crate::sampling_hook::{self, SamplingHook};

/// A global allocator that tallies, for each thread, what it allocates and frees.
///
/// ```
/// # extern crate perf_core as perf_runtime;
/// use perf_runtime::TrackingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();
/// # fn main() {}
/// ```
///
/// It wraps any allocator: `TrackingAllocator::new(mimalloc::MiMalloc)`, as
/// `TrackingAllocator<mimalloc::MiMalloc>`.
///
/// # Implementation
///
/// Counts are kept per thread, written without locked instructions, and read by the collector at
/// the end of a build. The bytes counted are those requested, not what the inner allocator takes
/// for them, nor what it keeps. What does not go through Rust's global allocator is not seen: C
/// libraries, `mmap`, stacks. A failed request is not counted. Memory that the runtime itself
/// allocates is counted nowhere; what of it is given to the user (a `BuildStats`) is counted as
/// freed when the user drops it.
///
/// With the feature `allocators`, each call first asks whether allocations are sampled: one
/// comparison. While they are, another path is taken, which does all of the above, counts down to
/// the next sample, and at each free looks at one byte of a table.
///
/// With the feature `track` off every call goes straight to the inner allocator.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrackingAllocator<A = System> {
    inner: A,
}

impl TrackingAllocator<System> {
    /// Counts on top of the system's allocator.
    #[must_use]
    pub const fn system() -> Self {
        Self::new(System)
    }
}

impl<A> TrackingAllocator<A> {
    /// Counts on top of `inner`.
    #[must_use]
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }
}

/// Up to which alignment the system's allocator needs nothing slow_path_flags, on most systems.
#[cfg(feature = "track")]
const USUAL_ALIGN: usize = 16;

impl<A: GlobalAlloc> TrackingAllocator<A> {
    /// Counts a free, and frees.
    ///
    /// # Safety
    ///
    /// That of [`GlobalAlloc::dealloc`].
    #[inline]
    unsafe fn tally_and_dealloc(&self, block: *mut u8, layout: Layout) {
        #[cfg(feature = "track")]
        {
            let tally = tally();
            let (size, align) = (layout.size(), layout.align());
            if tally.freed(size) {
                // SAFETY: the caller keeps `dealloc`'s contract.
                return unsafe { settle_and_dealloc(block, size, align, tally, &self.inner) };
            }
        }
        // SAFETY: the caller keeps `dealloc`'s contract; `inner` made the block, as all come from it.
        unsafe { self.inner.dealloc(block, layout) }
    }
}

/// What the methods below do now and then. Each is their whole work, so that they need not keep
/// anything for afterwards.
#[cfg(feature = "track")]
impl<A: GlobalAlloc> TrackingAllocator<A> {
    /// As [`GlobalAlloc::alloc`], which it is for blocks that [`System`] has a way of its own for.
    ///
    /// # Safety
    ///
    /// That of [`GlobalAlloc::alloc`].
    #[cold]
    #[inline(never)]
    unsafe fn alloc_unusual(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract.
        allocated(unsafe { self.inner.alloc(layout) }, layout.size())
    }

    /// As [`GlobalAlloc::realloc`], which it is for blocks that [`System`] has a way of its own for.
    ///
    /// # Safety
    ///
    /// That of [`GlobalAlloc::realloc`].
    #[cold]
    #[inline(never)]
    unsafe fn realloc_unusual(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller keeps `realloc`'s contract; `inner` made the block, as all come from it.
        reallocated(unsafe { self.inner.realloc(block, layout, new_size) }, layout.size(), new_size)
    }
}

/// What the methods below do while allocations are sampled. Each is their whole work, too.
#[cfg(feature = "sampling")]
impl<A: GlobalAlloc> TrackingAllocator<A> {
    /// # Safety
    ///
    /// That of [`GlobalAlloc::alloc`].
    #[cold]
    #[inline(never)]
    unsafe fn alloc_sampled(&self, layout: Layout, hook: &SamplingHook) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract.
        let block = allocated(unsafe { self.inner.alloc(layout) }, layout.size());
        (hook.allocated)(block.addr(), layout.size());
        block
    }

    /// # Safety
    ///
    /// That of [`GlobalAlloc::alloc_zeroed`].
    #[cold]
    #[inline(never)]
    unsafe fn alloc_zeroed_sampled(&self, layout: Layout, hook: &SamplingHook) -> *mut u8 {
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        let block = allocated(unsafe { self.inner.alloc_zeroed(layout) }, layout.size());
        (hook.allocated)(block.addr(), layout.size());
        block
    }

    /// # Safety
    ///
    /// That of [`GlobalAlloc::dealloc`].
    #[cold]
    #[inline(never)]
    unsafe fn dealloc_sampled(&self, block: *mut u8, layout: Layout, hook: &SamplingHook) {
        // Before another thread can have the address.
        (hook.freeing)(block.addr());
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { self.tally_and_dealloc(block, layout) }
    }

    /// # Safety
    ///
    /// That of [`GlobalAlloc::realloc`].
    #[cold]
    #[inline(never)]
    unsafe fn realloc_sampled(
        &self,
        block: *mut u8,
        layout: Layout,
        new_size: usize,
        hook: &SamplingHook,
    ) -> *mut u8 {
        let mut moved = std::ptr::null_mut();
        (hook.resizing)(block.addr(), layout.size(), new_size, &mut || {
            // SAFETY: the caller keeps `realloc`'s contract, and the hook calls this once; `inner`
            // made the block, as all come from it.
            moved = unsafe { self.inner.realloc(block, layout, new_size) };
            reallocated(moved, layout.size(), new_size);
            moved.addr()
        });
        moved
    }
}

/// Settles a free that was counted, and frees.
///
/// PERF: the arguments stand where [`GlobalAlloc::dealloc`] has them, so that it need not move any.
///
/// # Safety
///
/// That of [`GlobalAlloc::dealloc`], for a layout of this size and alignment.
#[cfg(feature = "track")]
#[cold]
#[inline(never)]
unsafe fn settle_and_dealloc<A: GlobalAlloc>(
    block: *mut u8,
    size: usize,
    align: usize,
    tally: &Tally,
    inner: &A,
) {
    settle(tally, |it| it.freed(size), |it| it.shared_freed(size));
    // SAFETY: the caller had them from a layout, and keeps `dealloc`'s contract for that; `inner` made
    // the block, as all come from it.
    unsafe { inner.dealloc(block, Layout::from_size_align_unchecked(size, align)) }
}

/// Counts a block that was allocated, if it was, and gives it back.
#[cfg(feature = "track")]
#[inline]
fn allocated(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        return block;
    }
    let tally = tally();
    if tally.allocated(size) { settle_allocated(tally, block, size) } else { block }
}

#[cfg(feature = "track")]
#[cold]
#[inline(never)]
fn settle_allocated(tally: &Tally, block: *mut u8, size: usize) -> *mut u8 {
    settle(tally, |it| it.allocated(size), |it| it.shared_allocated(size));
    block
}

/// Counts a block that was resized, if it was, and gives it back.
#[cfg(feature = "track")]
#[inline]
fn reallocated(block: *mut u8, old: usize, new: usize) -> *mut u8 {
    if block.is_null() {
        return block;
    }
    let tally = tally();
    if tally.reallocated(old, new) { settle_reallocated(tally, block, old, new) } else { block }
}

#[cfg(feature = "track")]
#[cold]
#[inline(never)]
fn settle_reallocated(tally: &Tally, block: *mut u8, old: usize, new: usize) -> *mut u8 {
    settle(tally, |it| it.reallocated(old, new), |it| it.shared_reallocated(old, new));
    block
}

/// With measuring compiled out, nothing is counted.
#[cfg(not(feature = "track"))]
#[inline]
fn allocated(block: *mut u8, _size: usize) -> *mut u8 {
    block
}

/// With measuring compiled out, nothing is counted.
#[cfg(not(feature = "track"))]
#[inline]
fn reallocated(block: *mut u8, _old: usize, _new: usize) -> *mut u8 {
    block
}

// SAFETY: every method passes its arguments to the same method of `inner` and gives its result
// back unchanged, so the contract holds as far as `inner`, a `GlobalAlloc` itself, keeps it. What
// is done besides neither unwinds nor comes back here: counting is loads and stores on memory that
// was taken from `System`, without locks. The first call on a thread takes a place for it, also
// from `System`; the thread-local key that this registers a destructor for may allocate through
// this allocator, and finds the place taken then.
unsafe impl<A: GlobalAlloc> GlobalAlloc for TrackingAllocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        #[cfg(feature = "sampling")]
        if let Some(hook) = sampling_hook::hook() {
            // SAFETY: the caller keeps `alloc`'s contract.
            return unsafe { self.alloc_sampled(layout, hook) };
        }
        #[cfg(feature = "track")]
        if layout.align() > USUAL_ALIGN || layout.align() > layout.size() {
            // SAFETY: the caller keeps `alloc`'s contract.
            return unsafe { self.alloc_unusual(layout) };
        }
        // SAFETY: the caller keeps `alloc`'s contract.
        allocated(unsafe { self.inner.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        #[cfg(feature = "sampling")]
        if let Some(hook) = sampling_hook::hook() {
            // SAFETY: the caller keeps `alloc_zeroed`'s contract.
            return unsafe { self.alloc_zeroed_sampled(layout, hook) };
        }
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        allocated(unsafe { self.inner.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        #[cfg(feature = "sampling")]
        if let Some(hook) = sampling_hook::hook() {
            // SAFETY: the caller keeps `dealloc`'s contract.
            return unsafe { self.dealloc_sampled(block, layout, hook) };
        }
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { self.tally_and_dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        #[cfg(feature = "sampling")]
        if let Some(hook) = sampling_hook::hook() {
            // SAFETY: the caller keeps `realloc`'s contract.
            return unsafe { self.realloc_sampled(block, layout, new_size, hook) };
        }
        #[cfg(feature = "track")]
        if layout.align() > USUAL_ALIGN || layout.align() > new_size {
            // SAFETY: the caller keeps `realloc`'s contract.
            return unsafe { self.realloc_unusual(block, layout, new_size) };
        }
        // SAFETY: the caller keeps `realloc`'s contract; `inner` made the block, as all come from it.
        reallocated(unsafe { self.inner.realloc(block, layout, new_size) }, layout.size(), new_size)
    }
}
