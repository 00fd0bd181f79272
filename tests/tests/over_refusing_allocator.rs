//! The tracking allocator over one that refuses on demand and records the last request: a binary of its own,
//! because there is one global allocator in a process.
#![allow(unsafe_code)]

mod inner_allocator;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

use inner_allocator::block::Block;
use inner_allocator::{Memory, memory_of};
use perf_runtime::TrackingAllocator;

#[global_allocator]
static ALLOCATOR: TrackingAllocator<Refusing> = TrackingAllocator::new(Refusing);

/// A request to an allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Allocate(Layout),
    Zeroed(Layout),
    Resize(Layout, usize),
    Free(Layout),
}

thread_local! {
    static REFUSES: Cell<bool> = const { Cell::new(false) };
    static LAST: Cell<Option<Request>> = const { Cell::new(None) };
}

/// The system's allocator, which refuses the requests of threads that ask for that.
struct Refusing;

impl Refusing {
    /// Returns what `answer` does, or null.
    fn answer(request: Request, answer: impl FnOnce() -> *mut u8) -> *mut u8 {
        // A thread that is ending is refused nothing.
        let _ = LAST.try_with(|last| last.set(Some(request)));
        if REFUSES.try_with(Cell::get).unwrap_or(false) { ptr::null_mut() } else { answer() }
    }
}

// SAFETY: requests are passed to `System` or refused, which an allocator may do at any time. The
// thread-locals neither allocate nor have destructors.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract, which is the same.
        Self::answer(Request::Allocate(layout), || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        Self::answer(Request::Zeroed(layout), || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _ = LAST.try_with(|last| last.set(Some(Request::Free(layout))));
        // SAFETY: as above, and all blocks are those of `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let request = Request::Resize(layout, size);
        // SAFETY: as above, and all blocks are those of `System`.
        Self::answer(request, || unsafe { System.realloc(block, layout, size) })
    }
}

fn refused<T>(work: impl FnOnce() -> T) -> T {
    REFUSES.set(true);
    let result = work();
    REFUSES.set(false);
    result
}

#[test]
fn refusals_of_each_kind_and_of_any_size_are_not_counted() {
    let layout = Layout::from_size_align(200_000, 64).unwrap();
    let small = Layout::from_size_align(1, 1).unwrap();
    let measured = memory_of(|| {
        for layout in [layout, small] {
            assert!(refused(|| Block::filled(layout, 1)).is_none());
            assert!(refused(|| Block::zeroed(layout)).is_none());
        }
        let mut block = Block::filled(layout, 5).unwrap();
        for size in [1, 199_999, 200_000, 200_001, 900_000] {
            assert!(!refused(|| block.resize(size, 6)), "{size}");
            assert!(block.bytes().len() == 200_000 && block.bytes().iter().all(|byte| *byte == 5));
        }
        let mut bytes: Vec<u8> = Vec::new();
        refused(|| bytes.try_reserve(1)).unwrap_err();
        refused(|| bytes.try_reserve(1)).unwrap_err();
    });
    assert_eq!(measured, Memory::freed(1, 200_000, 200_000));
}

#[test]
fn each_request_reaches_the_inner_allocator_as_it_was_made() {
    let layout = Layout::from_size_align(300, 128).unwrap();
    let larger = Layout::from_size_align(301, 128).unwrap();
    let mut block = Block::filled(layout, 1).unwrap();
    assert_eq!(LAST.get(), Some(Request::Allocate(layout)));
    assert!(block.resize(301, 1));
    assert_eq!(LAST.get(), Some(Request::Resize(layout, 301)));
    drop(block);
    assert_eq!(LAST.get(), Some(Request::Free(larger)));
    let zeroed = Block::zeroed(layout).unwrap();
    assert_eq!(LAST.get(), Some(Request::Zeroed(layout)));
    assert_eq!(zeroed.bytes(), [0; 300]);
}
