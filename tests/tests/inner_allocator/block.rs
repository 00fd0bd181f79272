//! Blocks of memory that are asked for through the four requests an allocator knows, so that a test
//! can ask for any layout and see each answer.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::ptr::NonNull;
use std::slice;

/// A block that is its owner's alone, and as long as its layout says.
pub(crate) struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: nobody else has a pointer into the block.
unsafe impl Send for Block {}

impl Block {
    /// A block full of `fill`. `None` where the allocator refuses.
    pub(crate) fn filled(layout: Layout, fill: u8) -> Option<Self> {
        assert_ne!(layout.size(), 0);
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc(layout) })?;
        // SAFETY: the block is as long, and all of it is written before any of it is read.
        unsafe { start.write_bytes(fill, layout.size()) };
        Some(Self { start, layout })
    }

    /// A block as the allocator gives it out where zeros are asked for. `None` where it refuses.
    pub(crate) fn zeroed(layout: Layout) -> Option<Self> {
        assert_ne!(layout.size(), 0);
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    /// Makes the block longer or shorter; what is new is full of `fill`. `false` where the allocator
    /// refuses: the block is then what it was.
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
        // SAFETY: all of the block was written, here or by who zeroed or moved it.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block came from this allocator with this layout, and goes with its owner.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}
