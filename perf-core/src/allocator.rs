//! The global allocator that counts: it passes each request to another allocator and counts it.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};

#[cfg(feature = "track")]
use crate::measure::tally::Tally;
#[cfg(feature = "track")]
use crate::measure::uncounted::tally;
#[cfg(feature = "track")]
use crate::phase::threads::settle;
#[cfg(feature = "sampling")]
use crate::sampling_hook::{self, SamplingHook};

/// A global allocator that counts what each thread allocates and frees.
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
/// Counters are kept per thread, are written without locked instructions, and are read at the end of a
/// build. The bytes counted are those requested, not those that the inner allocator uses or keeps.
/// Memory that does not come from Rust's global allocator is not counted: C libraries, `mmap`, stacks.
/// Failed requests are not counted, nor is the runtime's own memory, except that a `BuildStats` counts
/// as freed when the user drops it.
///
/// With the feature `sampling`, each call first checks whether a sampling hook is installed, which is
/// one comparison. With the feature `track` off, each call goes straight to the inner allocator.
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

/// The highest alignment for which [`System`] uses `malloc`, on most systems.
#[cfg(feature = "track")]
const MALLOC_ALIGN: usize = 16;

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

/// Rare cases. Each method does the whole work of its caller, so that the caller need not save
/// registers.
#[cfg(feature = "track")]
impl<A: GlobalAlloc> TrackingAllocator<A> {
    /// [`GlobalAlloc::alloc`] for alignments that [`System`] handles separately.
    ///
    /// # Safety
    ///
    /// That of [`GlobalAlloc::alloc`].
    #[cold]
    #[inline(never)]
    unsafe fn alloc_aligned(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract.
        allocated(unsafe { self.inner.alloc(layout) }, layout.size())
    }

    /// [`GlobalAlloc::realloc`] for alignments that [`System`] handles separately.
    ///
    /// # Safety
    ///
    /// That of [`GlobalAlloc::realloc`].
    #[cold]
    #[inline(never)]
    unsafe fn realloc_aligned(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller keeps `realloc`'s contract; `inner` made the block, as all come from it.
        reallocated(unsafe { self.inner.realloc(block, layout, new_size) }, layout.size(), new_size)
    }
}

/// The same while a sampling hook is installed.
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
        // Must come first: after the free, another thread may get the address.
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
/// PERF: the arguments are in the same registers as those of [`GlobalAlloc::dealloc`].
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
    settle(tally, |own| own.freed(size), |shared| shared.shared_freed(size));
    // SAFETY: size and align are from a layout for which the caller keeps `dealloc`'s contract; `inner`
    // made the block, as all come from it.
    unsafe { inner.dealloc(block, Layout::from_size_align_unchecked(size, align)) }
}

/// Counts a block that was allocated, unless the request failed, and returns it.
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
    settle(tally, |own| own.allocated(size), |shared| shared.shared_allocated(size));
    block
}

/// Counts a block that was resized, unless the request failed, and returns it.
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
    settle(tally, |own| own.reallocated(old, new), |shared| shared.shared_reallocated(old, new));
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

// SAFETY: every method passes its arguments to the same method of `inner` and returns its result
// unchanged, so the contract holds as far as `inner`, a `GlobalAlloc` itself, keeps it. The counting
// neither unwinds nor recurses: it loads and stores memory from `System`, without locks. The first call
// on a thread claims a slot for it, in memory from `System`, and registers a thread-local destructor.
// That may allocate through this allocator, which then finds the slot claimed already.
unsafe impl<A: GlobalAlloc> GlobalAlloc for TrackingAllocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        #[cfg(feature = "sampling")]
        if let Some(hook) = sampling_hook::hook() {
            // SAFETY: the caller keeps `alloc`'s contract.
            return unsafe { self.alloc_sampled(layout, hook) };
        }
        #[cfg(feature = "track")]
        if layout.align() > MALLOC_ALIGN || layout.align() > layout.size() {
            // SAFETY: the caller keeps `alloc`'s contract.
            return unsafe { self.alloc_aligned(layout) };
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
        if layout.align() > MALLOC_ALIGN || layout.align() > new_size {
            // SAFETY: the caller keeps `realloc`'s contract.
            return unsafe { self.realloc_aligned(block, layout, new_size) };
        }
        // SAFETY: the caller keeps `realloc`'s contract; `inner` made the block, as all come from it.
        reallocated(unsafe { self.inner.realloc(block, layout, new_size) }, layout.size(), new_size)
    }
}
