//! An allocator that lets DHAT see requests in the same way as the record counts them.
//!
//! DHAT attributes the bytes that a `realloc` adds to the place that allocated the block, and a record to
//! the place that grew it. Therefore blocks come from an allocator that valgrind does not know, and each
//! request is signalled by a block of as many bytes as it adds, which is freed immediately.

#![allow(unsafe_code, reason = "it is an allocator")]

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use mimalloc::MiMalloc;

/// Whether to signal.
static ON: AtomicBool = AtomicBool::new(false);

/// From now on, requests are signalled.
pub(crate) fn begin() {
    ON.store(true, Relaxed);
}

/// `mimalloc`, with signals.
pub(crate) struct Signalling;

#[inline(never)]
fn signal(bytes: usize) {
    if ON.load(Relaxed) && bytes > 0 {
        // SAFETY: the block, if any, is freed by the allocator that it is from, and not used.
        unsafe { libc::free(black_box(libc::malloc(black_box(bytes)))) };
    }
}

// SAFETY: all requests are passed on unchanged.
unsafe impl GlobalAlloc for Signalling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        signal(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        signal(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, and all blocks are from there.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        signal(new_size.saturating_sub(layout.size()));
        // SAFETY: the caller keeps the contract, and all blocks are from there.
        unsafe { MiMalloc.realloc(block, layout, new_size) }
    }
}
