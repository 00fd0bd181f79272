//! The list of all slots, and the slot of the current thread.
//!
//! # Implementation
//!
//! A thread claims a slot at its first allocation or phase, and releases it in a thread-local
//! destructor. Slots are never freed, so that the collector can read what ended threads did. A slot
//! serves one thread after another. What a thread allocates after that destructor counts in one
//! tally that all ended threads share.

use std::cell::Cell;
use std::sync::atomic::{Ordering, fence};

use crate::measure::leak::SharedRef;
use crate::measure::tally::Tally;
use crate::measure::uncounted::{self, Uncounted};

use super::internal_threads;
use super::thread::Thread;

thread_local! {
    static CURRENT: Cell<Option<&'static Thread>> = const { Cell::new(None) };
    /// Whether the thread has claimed a slot, which it may have released since.
    static HAS_CLAIMED: Cell<bool> = const { Cell::new(false) };
    static AT_END: AtEnd = const { AtEnd };
}

static ALL: SharedRef<Thread> = SharedRef::empty();
static ENDED: Tally = Tally::new();

/// Releases the thread's slot when the thread ends.
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        uncounted::reset_tally();
        if let Some(thread) = CURRENT.take() {
            thread.release_slot();
        }
    }
}

/// The slot of the current thread, which claims one if it has none. `None` if the thread is ending,
/// or if there is no memory.
#[inline]
pub(crate) fn current() -> Option<&'static Thread> {
    CURRENT.get().or_else(claim_slot)
}

#[cold]
#[inline(never)]
fn claim_slot() -> Option<&'static Thread> {
    // NOTE: what allocates on this thread from here on does not recurse.
    if HAS_CLAIMED.replace(true) {
        return None;
    }
    let thread = all().find(|thread| thread.try_claim()).or_else(|| {
        let thread = Thread::make()?;
        ALL.push(thread, |thread| &thread.next);
        Some(thread)
    })?;
    thread.uncertain.store(internal_threads::current_round(), Ordering::Release);
    // A reader that sees what is counted from here on also sees that it is uncertain.
    fence(Ordering::Release);
    CURRENT.set(Some(thread));
    uncounted::set_tally(&thread.tally);
    // Registers the destructor. If the thread is ending already, the slot is never released.
    let _ = AT_END.try_with(|_| ());
    Some(thread)
}

/// The slot of the current thread, if what the thread allocates now is counted there.
#[cfg(feature = "sampling")]
pub(crate) fn counted_current() -> Option<&'static Thread> {
    let tally = uncounted::tally();
    let counts = |thread: &&Thread| {
        uncounted::is_none(tally) || std::ptr::eq(&raw const thread.tally, tally)
    };
    CURRENT.get().filter(counts)
}

/// All slots, in use or not.
pub(crate) fn all() -> impl Iterator<Item = &'static Thread> {
    std::iter::successors(ALL.get(), |thread| thread.next.get())
}

/// What ended threads allocated and freed after they released their slots.
pub(crate) fn ended() -> &'static Tally {
    &ENDED
}

/// Settles what was counted in `tally`, the result of [`uncounted::tally`]. If that was the
/// placeholder, `count` counts again, in the tally of the thread, or `count_shared` does, in that of
/// ended threads.
pub(crate) fn settle(
    tally: &Tally,
    count: impl FnOnce(&Tally) -> bool,
    count_shared: impl FnOnce(&Tally),
) {
    if !uncounted::is_none(tally) {
        return tally.settle();
    }
    let Some(thread) = current() else { return count_shared(&ENDED) };
    uncounted::set_tally(&thread.tally);
    if count(&thread.tally) {
        thread.tally.settle();
    }
}

/// Runs `work` on a new thread of the runtime. Nothing that this thread allocates is counted.
///
/// # Errors
///
/// The operating system's, if it cannot start a thread.
pub fn spawn_uncounted(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let _uncounted = Uncounted::begin();
    internal_threads::announce();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        make_current_internal();
        internal_threads::identified();
        work();
    });
    if thread.is_err() {
        internal_threads::identified();
    }
    thread.map(drop)
}

/// Makes the current thread one of the runtime's: what it allocates, and has allocated since it
/// started, is counted nowhere.
fn make_current_internal() {
    let thread = current();
    uncounted::make_thread_internal();
    if let Some(thread) = thread {
        thread.forget_current_thread();
        thread.uncertain.store(0, Ordering::Release);
    }
}
