//! All threads: which place belongs to the present one, and the list of all places.
//!
//! # Implementation
//!
//! A thread takes a place at its first allocation or phase and gives it back from a thread-local
//! destructor. Places are never freed, so that the collector can read what ended threads did, and
//! serve one thread after another. What a thread allocates after that destructor ran goes to one
//! tally that all ended threads share.
//!
//! The thread-local pointers need no destructor and are const, so that reading them is one
//! instruction and is possible at any time in a thread's life, also inside the allocator.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{Ordering, fence};

use crate::measure::leak::Slot;
use crate::measure::tally::Tally;

use super::internal_threads;
use super::thread::Thread;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Has no place yet.
    New,
    /// Is taking a place, or has one.
    HasSlot,
    /// Has given its place back.
    Ended,
    /// Has given its place back, and was one of the runtime's own threads.
    EndedSilent,
}

thread_local! {
    static TALLY: Cell<&'static Tally> = const { Cell::new(&NOWHERE) };
    static CURRENT: Cell<Option<&'static Thread>> = const { Cell::new(None) };
    static STAGE: Cell<Stage> = const { Cell::new(Stage::New) };
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
    static AT_END: AtEnd = const { AtEnd };
}

static ALL: Slot<Thread> = Slot::empty();
static ENDED: Tally = Tally::new();
/// In the place of the tally of a thread that has none. What it holds means nothing.
static NOWHERE: Tally = Tally::closed();

/// Gives the thread's place back when the thread ends.
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        TALLY.set(&NOWHERE);
        let stage = if IS_SILENT.get() { Stage::EndedSilent } else { Stage::Ended };
        STAGE.set(stage);
        if let Some(thread) = CURRENT.take() {
            thread.release_slot();
        }
    }
}

/// The present thread's place; one is taken where it has none. `None` when the thread is ending,
/// or there is no memory.
#[inline]
pub(crate) fn current() -> Option<&'static Thread> {
    CURRENT.get().or_else(claim_slot)
}

#[cold]
#[inline(never)]
fn claim_slot() -> Option<&'static Thread> {
    if STAGE.get() != Stage::New {
        return None;
    }
    // NOTE: from here on, whatever allocates on this thread does not come here again.
    STAGE.set(Stage::HasSlot);
    let thread = all().find(|it| it.take()).or_else(|| {
        let made = Thread::make()?;
        ALL.push(made, |it| &it.next);
        Some(made)
    })?;
    thread.uncertain.store(internal_threads::uncertainty_at_birth(), Ordering::Release);
    // Who sees what is counted from here on sees that it is uncertain.
    fence(Ordering::Release);
    CURRENT.set(Some(thread));
    TALLY.set(&thread.tally);
    // Registers the destructor. Where the thread is ending already, the place stays taken.
    let _ = AT_END.try_with(|_| ());
    Some(thread)
}

/// The present thread's place, if what it allocates now is counted there.
#[cfg(feature = "sampling")]
pub(crate) fn counted_current() -> Option<&'static Thread> {
    let tally = TALLY.get();
    CURRENT.get().filter(|it| std::ptr::eq(&raw const it.tally, tally))
}

/// All places, in use or not.
pub(crate) fn all() -> impl Iterator<Item = &'static Thread> {
    std::iter::successors(ALL.get(), |it| it.next.get())
}

/// What ended threads allocated after their places were given back.
pub(crate) fn ended() -> &'static Tally {
    &ENDED
}

/// The tally of the present thread.
///
/// PERF: a thread that has none is not told from others before something is counted, but by the
/// answer of what stands in for it, which is that it is to be settled.
#[inline]
pub(crate) fn tally() -> &'static Tally {
    TALLY.get()
}

/// Settles what was counted in the tally that [`tally`] gave. Where it was none, `count` counts again,
/// in one that is.
pub(crate) fn settle(
    tally: &Tally,
    count: impl FnOnce(&Tally) -> bool,
    count_shared: impl FnOnce(&Tally),
) {
    if !std::ptr::eq(tally, &raw const NOWHERE) {
        return tally.settle();
    }
    match claim_slot() {
        Some(thread) => {
            if count(&thread.tally) {
                thread.tally.settle();
            }
        }
        None if STAGE.get() == Stage::EndedSilent => {}
        None => count_shared(&ENDED),
    }
}

/// As long as it lives, what the present thread allocates is counted nowhere: for the runtime's
/// own work.
#[must_use]
pub struct Uncounted {
    tally: &'static Tally,
    stage: Stage,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl Uncounted {
    pub fn begin() -> Self {
        let silent = current().map(|it| &it.unpublished);
        let before = Self { tally: TALLY.get(), stage: STAGE.get(), _thread: PhantomData };
        if let Some(silent) = silent {
            TALLY.set(silent);
        } else if before.stage == Stage::Ended {
            STAGE.set(Stage::EndedSilent);
        }
        before
    }
}

impl Drop for Uncounted {
    fn drop(&mut self) {
        TALLY.set(self.tally);
        // A thread's end may come in between, but not its beginning.
        if self.stage == Stage::Ended {
            STAGE.set(Stage::Ended);
        }
    }
}

/// Runs what is not the runtime's own work, and so is counted as ever, in the midst of what is.
pub fn counted<T>(run: impl FnOnce() -> T) -> T {
    let before = TALLY.get();
    if !IS_SILENT.get()
        && let Some(thread) = current()
    {
        TALLY.set(&thread.tally);
    }
    let result = run();
    TALLY.set(before);
    result
}

/// Makes the present thread one of the runtime's own: what it allocates, and has allocated since
/// it began, is counted nowhere.
pub(super) fn silence_present() {
    if let Some(thread) = current() {
        IS_SILENT.set(true);
        thread.forget_current_thread();
        thread.uncertain.store(0, Ordering::Release);
        TALLY.set(&thread.unpublished);
    }
}

/// Whether the program's global allocator is ours: tries it.
pub fn allocator_is_tracked() -> bool {
    let _uncounted = Uncounted::begin();
    let Some(thread) = current() else { return false };
    let before = thread.unpublished.counters();
    drop(std::hint::black_box(Box::new(0_u8)));
    thread.unpublished.counters() != before
}
