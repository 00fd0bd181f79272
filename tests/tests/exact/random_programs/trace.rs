//! The trace of a program: requests to the allocator, as they reach the allocator below the tracking one,
//! and calls of the runtime, in their order.

#![allow(unsafe_code, reason = "a global allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

/// A request to the allocator, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    Alloc(usize),
    Free(usize),
    Realloc(usize, usize),
}

/// Identifies a guard, a handle or a future.
pub(crate) type Id = u32;

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Pending,
    Ready,
    Panicked,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Requested(Request),
    /// A thread has started, with an empty stack.
    Started,
    Ended,
    BuildStarted(usize),
    BuildEnded(usize),
    Entered {
        name: usize,
        items: u64,
        guard: Id,
        unwinding: bool,
    },
    /// A guard was dropped.
    Closed {
        guard: Id,
        unwinding: bool,
    },
    ItemsAdded(u64),
    PhaseTaken(Id),
    BuildTaken(Id),
    HandleEntered {
        handle: Id,
        guard: Id,
    },
    PollBegan {
        future: Id,
        name: usize,
        items: u64,
        unwinding: bool,
    },
    PollEnded {
        future: Id,
        how: Polled,
        unwinding: bool,
    },
    DropBegan {
        future: Id,
        name: usize,
        unwinding: bool,
    },
    DropEnded {
        future: Id,
        unwinding: bool,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened {
    pub(crate) thread: usize,
    /// It took effect between these two, in nanoseconds. 0 for requests.
    pub(crate) between: (u64, u64),
    pub(crate) what: What,
}

/// The capacity of the trace, which must not grow while a program runs.
pub(crate) const ROOM: usize = 1 << 15;

static TRACE: Mutex<Vec<Happened>> = Mutex::new(Vec::new());
static OVERFLOWED: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tracing {
    /// The thread does not belong to the program, or not yet.
    BeforeStart,
    On,
    /// On, and each request is recorded twice.
    Twice,
    Off,
}

/// The number of requests that are kept for a thread before it joins the program.
const MOST_EARLY: usize = 32;

thread_local! {
    static TRACING: Cell<Tracing> = const { Cell::new(Tracing::BeforeStart) };
    static THREAD: Cell<usize> = const { Cell::new(usize::MAX) };
    static EARLY_COUNT: Cell<usize> = const { Cell::new(0) };
    static EARLY_REQUESTS: [Cell<Option<Request>>; MOST_EARLY] = const { [const { Cell::new(None) }; MOST_EARLY] };
}

/// The allocator below the tracking one.
pub(crate) struct TracingAllocator;

unsafe impl GlobalAlloc for TracingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        trace_request(Request::Alloc(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        trace_request(Request::Alloc(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        trace_request(Request::Free(layout.size()));
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        trace_request(Request::Realloc(layout.size(), new_size));
        unsafe { System.realloc(block, layout, new_size) }
    }
}

fn trace_request(request: Request) {
    match TRACING.get() {
        Tracing::Off => {}
        Tracing::BeforeStart => {
            let number = EARLY_COUNT.get();
            EARLY_COUNT.set(number + 1);
            if number < MOST_EARLY {
                EARLY_REQUESTS.with(|prior| prior[number].set(Some(request)));
            }
        }
        Tracing::On => note((0, 0), What::Requested(request)),
        Tracing::Twice => (0..2).for_each(|_| note((0, 0), What::Requested(request))),
    }
}

/// Records what happened on the current thread.
pub(crate) fn note(between: (u64, u64), what: What) {
    note_of(THREAD.get(), between, what);
}

/// Records what happened on a thread.
pub(crate) fn note_of(thread: usize, between: (u64, u64), what: What) {
    let mut trace = TRACE.lock().expect("no thread panics with the lock");
    if trace.len() == trace.capacity() {
        OVERFLOWED.store(true, SeqCst);
    } else {
        trace.push(Happened { thread, between, what });
    }
}

/// Makes the current thread that thread of the program, from its start.
pub(crate) fn join_program(thread: usize) {
    let now = now();
    THREAD.set(thread);
    note((now, now), What::Started);
    assert!(
        EARLY_COUNT.get() <= MOST_EARLY,
        "there is room for what a thread requests before it runs"
    );
    EARLY_REQUESTS.with(|prior| {
        for request in prior.iter().filter_map(Cell::take) {
            note((0, 0), What::Requested(request));
        }
    });
    TRACING.set(Tracing::On);
}

/// The number of the current thread in the program.
pub(crate) fn this_thread() -> usize {
    THREAD.get()
}

/// Empties the trace.
pub(crate) fn begin() {
    let mut trace = TRACE.lock().expect("no thread panics with the lock");
    trace.clear();
    trace.reserve(ROOM);
    OVERFLOWED.store(false, SeqCst);
}

/// The trace. `None` if it overflowed.
pub(crate) fn end() -> Option<Vec<Happened>> {
    let trace = TRACE.lock().expect("no thread panics with the lock");
    (!OVERFLOWED.load(SeqCst)).then(|| trace.clone())
}

/// Nanoseconds since the first call.
pub(crate) fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Restores what the thread records.
struct Restore(Tracing);

impl Drop for Restore {
    fn drop(&mut self) {
        TRACING.set(self.0);
    }
}

fn with_tracing<T>(ear: Tracing, run: impl FnOnce() -> T) -> T {
    let _restore = Restore(TRACING.replace(ear));
    run()
}

/// Runs code of the runtime: its allocations are not recorded.
pub(crate) fn untraced<T>(run: impl FnOnce() -> T) -> T {
    with_tracing(Tracing::Off, run)
}

/// Runs code of the program that the runtime calls.
pub(crate) fn traced<T>(run: impl FnOnce() -> T) -> T {
    with_tracing(Tracing::On, run)
}

/// Runs a copy of what the runtime has just allocated for the program, and records it twice.
pub(crate) fn traced_twice<T>(run: impl FnOnce() -> T) -> T {
    with_tracing(Tracing::Twice, run)
}
