//! The global allocator that counts: it hands every request to another allocator and tallies it.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};

#[cfg(feature = "track")]
use crate::phase::threads::tally;

/// A global allocator that tallies, for each thread, what it allocates and frees.
///
/// ```
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

// SAFETY: every method passes its arguments to the same method of `inner` and gives its result
// back unchanged, so the contract holds as far as `inner`, a `GlobalAlloc` itself, keeps it. What
// is done besides neither unwinds nor comes back here: counting is loads and stores on memory that
// was taken from `System`, without locks. The first call on a thread takes a place for it, also
// from `System`; the thread-local key that this registers a destructor for may allocate through
// this allocator, and finds the place taken then.
unsafe impl<A: GlobalAlloc> GlobalAlloc for TrackingAllocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract.
        let block = unsafe { self.inner.alloc(layout) };
        #[cfg(feature = "track")]
        if !block.is_null() {
            let size = layout.size();
            tally(move |it| it.allocated(size), move |it| it.shared_allocated(size));
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        #[cfg(feature = "track")]
        if !block.is_null() {
            let size = layout.size();
            tally(move |it| it.allocated(size), move |it| it.shared_allocated(size));
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        #[cfg(feature = "track")]
        {
            let size = layout.size();
            tally(move |it| it.freed(size), move |it| it.shared_freed(size));
        }
        // SAFETY: the caller keeps `dealloc`'s contract; `inner` made the block, as all come from it.
        unsafe { self.inner.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller keeps `realloc`'s contract; `inner` made the block, as all come from it.
        let moved = unsafe { self.inner.realloc(block, layout, new_size) };
        #[cfg(feature = "track")]
        if !moved.is_null() {
            let old = layout.size();
            tally(
                move |it| it.reallocated(old, new_size),
                move |it| it.shared_reallocated(old, new_size),
            );
        }
        moved
    }
}
