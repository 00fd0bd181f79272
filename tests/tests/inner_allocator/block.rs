//! Blocks of memory that are requested directly from the allocator, with any layout.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::ptr::NonNull;
use std::slice;

/// A block of the size of its layout.
pub(crate) struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the block is the only pointer to its memory.
unsafe impl Send for Block {}

impl Block {
    /// A block full of `fill`. `None` if the allocator refuses.
    pub(crate) fn filled(layout: Layout, fill: u8) -> Option<Self> {
        assert_ne!(layout.size(), 0);
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc(layout) })?;
        // SAFETY: the block is as long, and all of it is written before any of it is read.
        unsafe { start.write_bytes(fill, layout.size()) };
        Some(Self { start, layout })
    }

    /// A zeroed block, as the allocator returns it. `None` if it refuses.
    pub(crate) fn zeroed(layout: Layout) -> Option<Self> {
        assert_ne!(layout.size(), 0);
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    /// Grows or shrinks the block. New bytes are `fill`. `false` if the allocator refuses: the block is
    /// then unchanged.
    pub(crate) fn resize(&mut self, size: usize, fill: u8) -> bool {
        assert_ne!(size, 0);
        let resized = Layout::from_size_align(size, self.layout.align()).unwrap();
        // SAFETY: the block came from this allocator with this layout, and the size is neither 0 nor,
        // as there is a layout for it, too large.
        let moved = unsafe { realloc(self.start.as_ptr(), self.layout, size) };
        let Some(start) = NonNull::new(moved) else { return false };
        let old = self.layout.size();
        (self.start, self.layout) = (start, resized);
        if size > old {
            // SAFETY: the block is `size` long now.
            unsafe { start.add(old).write_bytes(fill, size - old) };
        }
        true
    }

    pub(crate) fn address(&self) -> usize {
        self.start.as_ptr().addr()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: all of the block was written, here or by the allocator that zeroed or moved it.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block came from this allocator with this layout, and goes with its owner.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}
