//! The tally that counts what the current thread allocates, and how the runtime keeps its own work
//! out of it.
//!
//! # Implementation
//!
//! The thread-local cells need no destructor and are `const`, so that reading them is one instruction
//! and is possible at any time in a thread's life, also inside the allocator.

use std::cell::Cell;
use std::marker::PhantomData;

use parking_lot::Mutex;

use super::tally::Tally;

thread_local! {
    static TALLY: Cell<&'static Tally> = const { Cell::new(&NONE) };
    static IS_INTERNAL: Cell<bool> = const { Cell::new(false) };
}

/// In place of the tally of a thread that has none, or whose tally is to be looked up. Its values
/// mean nothing.
static NONE: Tally = Tally::closed();
/// Takes what is counted nowhere, on all threads at once. Its values mean nothing.
static UNCOUNTED: Tally = Tally::unpublished();

/// The tally that counts for the current thread.
///
/// PERF: the caller need not check whether there is one: the placeholder reports at each operation
/// that it must be settled.
#[inline]
pub(crate) fn tally() -> &'static Tally {
    TALLY.get()
}

/// Whether `tally` is the placeholder for a missing one.
pub(crate) fn is_none(tally: &Tally) -> bool {
    std::ptr::eq(tally, &raw const NONE)
}

/// Makes `tally` the one that counts for the current thread, unless the runtime is at work.
pub(crate) fn set_tally(tally: &'static Tally) {
    if is_none(TALLY.get()) {
        TALLY.set(tally);
    }
}

/// Forgets the tally of the current thread, which ends.
pub(crate) fn reset_tally() {
    TALLY.set(if IS_INTERNAL.get() { &UNCOUNTED } else { &NONE });
}

/// Makes the current thread one of the runtime's: what it allocates from now on is counted nowhere.
pub(crate) fn make_thread_internal() {
    IS_INTERNAL.set(true);
    TALLY.set(&UNCOUNTED);
}

/// While it lives, what the current thread allocates and frees is counted nowhere. The runtime uses
/// it for its own work.
#[must_use = "counting resumes when the value is dropped"]
pub struct Uncounted {
    _restore: RestoreTally,
}

/// Restores the current thread's tally when it is dropped.
struct RestoreTally {
    tally: &'static Tally,
    /// The value belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl RestoreTally {
    fn replace_by(tally: &'static Tally) -> Self {
        Self { tally: TALLY.replace(tally), _thread: PhantomData }
    }
}

impl Drop for RestoreTally {
    fn drop(&mut self) {
        TALLY.set(self.tally);
    }
}

impl std::fmt::Debug for Uncounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uncounted").finish_non_exhaustive()
    }
}

impl Uncounted {
    /// Stops counting on the current thread until the value is dropped.
    pub fn begin() -> Self {
        Self { _restore: RestoreTally::replace_by(&UNCOUNTED) }
    }
}

/// Runs code of the user from within [`Uncounted`] work: what it allocates and frees is counted.
pub fn counted<T>(run: impl FnOnce() -> T) -> T {
    // The next allocation looks the thread's tally up.
    let tally = if IS_INTERNAL.get() { &UNCOUNTED } else { &NONE };
    let _restore = RestoreTally::replace_by(tally);
    run()
}

/// Whether the program's global allocator is a `TrackingAllocator`. Allocates a byte to find out.
pub fn allocator_is_tracked() -> bool {
    static PROBE: Tally = Tally::unpublished();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _lock = ONE_AT_A_TIME.lock();
    let before = PROBE.counters();
    let restore = RestoreTally::replace_by(&PROBE);
    drop(std::hint::black_box(Box::new(0_u8)));
    drop(restore);
    PROBE.counters() != before
}
