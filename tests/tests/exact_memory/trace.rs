//! What happened while a program ran, in the order in which it did: the allocator's requests, as
//! the allocator below the tracking one hears them, and what the program asked of the runtime.

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

/// Numbers that tell guards, handles and futures apart.
pub(crate) type Id = u32;

/// How a poll came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    Pending,
    Ready,
    Panicked,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Requested(Request),
    /// A thread was born, and is at ground.
    Born,
    Died,
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
    /// It came into effect between these two, in nanoseconds. Of requests, 0.
    pub(crate) between: (u64, u64),
    pub(crate) what: What,
}

/// How much can happen in a program. The trace must not grow while it is written.
pub(crate) const ROOM: usize = 1 << 15;

static TRACE: Mutex<Vec<Happened>> = Mutex::new(Vec::new());
static OVERFLOWED: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ear {
    /// The thread is none of the program's, or not yet.
    Stranger,
    Open,
    /// Open, and what is heard happened twice.
    Double,
    Shut,
}

/// What a thread requested before it was known to be one of the program's.
const PRIOR: usize = 32;

thread_local! {
    static EAR: Cell<Ear> = const { Cell::new(Ear::Stranger) };
    static THREAD: Cell<usize> = const { Cell::new(usize::MAX) };
    static PRIORS: Cell<usize> = const { Cell::new(0) };
    static PRIOR_REQUESTS: [Cell<Option<Request>>; PRIOR] = const { [const { Cell::new(None) }; PRIOR] };
}

/// The allocator below the tracking one.
pub(crate) struct Listener;

unsafe impl GlobalAlloc for Listener {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hear(Request::Alloc(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        hear(Request::Alloc(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        hear(Request::Free(layout.size()));
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        hear(Request::Realloc(layout.size(), new_size));
        unsafe { System.realloc(block, layout, new_size) }
    }
}

fn hear(request: Request) {
    match EAR.get() {
        Ear::Shut => {}
        Ear::Stranger => {
            let number = PRIORS.get();
            PRIORS.set(number + 1);
            if number < PRIOR {
                PRIOR_REQUESTS.with(|prior| prior[number].set(Some(request)));
            }
        }
        Ear::Open => note((0, 0), What::Requested(request)),
        Ear::Double => (0..2).for_each(|_| note((0, 0), What::Requested(request))),
    }
}

/// Notes what happened on the present thread.
pub(crate) fn note(between: (u64, u64), what: What) {
    note_of(THREAD.get(), between, what);
}

/// Notes what happened on a thread.
pub(crate) fn note_of(thread: usize, between: (u64, u64), what: What) {
    let mut trace = TRACE.lock().expect("nobody panics with the lock");
    if trace.len() == trace.capacity() {
        OVERFLOWED.store(true, SeqCst);
    } else {
        trace.push(Happened { thread, between, what });
    }
}

/// The present thread is that thread of the program from now on, and was since it began.
pub(crate) fn join_program(thread: usize) {
    let now = now();
    THREAD.set(thread);
    note((now, now), What::Born);
    assert!(PRIORS.get() <= PRIOR, "there is room for what a thread requests before it runs");
    PRIOR_REQUESTS.with(|prior| {
        for request in prior.iter().filter_map(Cell::take) {
            note((0, 0), What::Requested(request));
        }
    });
    EAR.set(Ear::Open);
}

/// The thread of the program that the present one is.
pub(crate) fn this_thread() -> usize {
    THREAD.get()
}

/// Empties the trace.
pub(crate) fn begin() {
    let mut trace = TRACE.lock().expect("nobody panics with the lock");
    trace.clear();
    trace.reserve(ROOM);
    OVERFLOWED.store(false, SeqCst);
}

/// What happened. `None` where it was too much.
pub(crate) fn end() -> Option<Vec<Happened>> {
    let trace = TRACE.lock().expect("nobody panics with the lock");
    (!OVERFLOWED.load(SeqCst)).then(|| trace.clone())
}

/// Nanoseconds since some instant.
pub(crate) fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Puts back how the thread listened.
struct Restore(Ear);

impl Drop for Restore {
    fn drop(&mut self) {
        EAR.set(self.0);
    }
}

fn with_ear<T>(ear: Ear, run: impl FnOnce() -> T) -> T {
    let _restore = Restore(EAR.replace(ear));
    run()
}

/// Runs what belongs to the runtime: what it allocates is not heard.
pub(crate) fn unheard<T>(run: impl FnOnce() -> T) -> T {
    with_ear(Ear::Shut, run)
}

/// Runs what belongs to the program, in the midst of what belongs to the runtime.
pub(crate) fn heard<T>(run: impl FnOnce() -> T) -> T {
    with_ear(Ear::Open, run)
}

/// Runs what the runtime has done just before as well, on behalf of the program.
pub(crate) fn heard_twice<T>(run: impl FnOnce() -> T) -> T {
    with_ear(Ear::Double, run)
}
