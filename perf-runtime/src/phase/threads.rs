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
use std::sync::atomic::{AtomicU32, Ordering};

use crate::measure::leak::Slot;
use crate::measure::tally::Tally;

use super::thread::Thread;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Has no place yet.
    New,
    /// Is taking a place, or has one.
    Placed,
    /// Has given its place back.
    Ended,
    /// Has given its place back, and was one of the runtime's own threads.
    EndedSilent,
}

thread_local! {
    static TALLY: Cell<Option<&'static Tally>> = const { Cell::new(None) };
    static PRESENT: Cell<Option<&'static Thread>> = const { Cell::new(None) };
    static STAGE: Cell<Stage> = const { Cell::new(Stage::New) };
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
    static AT_END: AtEnd = const { AtEnd };
}

/// How many of the runtime's own threads were started and have not silenced themselves yet.
static SPAWNING: AtomicU32 = AtomicU32::new(0);
static ALL: Slot<Thread> = Slot::empty();
static ENDED: Tally = Tally::new();

/// Gives the thread's place back when the thread ends.
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        TALLY.set(None);
        let stage = if IS_SILENT.get() { Stage::EndedSilent } else { Stage::Ended };
        STAGE.set(stage);
        if let Some(thread) = PRESENT.take() {
            thread.give_back();
        }
    }
}

/// The present thread's place; one is taken where it has none. `None` when the thread is ending,
/// or there is no memory.
#[inline]
pub(crate) fn present() -> Option<&'static Thread> {
    PRESENT.get().or_else(take_place)
}

#[cold]
#[inline(never)]
fn take_place() -> Option<&'static Thread> {
    if STAGE.get() != Stage::New {
        return None;
    }
    // NOTE: from here on, whatever allocates on this thread does not come here again.
    STAGE.set(Stage::Placed);
    let thread = all().find(|it| it.take()).or_else(|| {
        let made = Thread::make()?;
        ALL.push(made, |it| &it.next);
        Some(made)
    })?;
    thread.uncertain.store(SPAWNING.load(Ordering::Acquire) > 0, Ordering::Release);
    PRESENT.set(Some(thread));
    TALLY.set(Some(&thread.tally));
    // Registers the destructor. Where the thread is ending already, the place stays taken.
    let _ = AT_END.try_with(|_| ());
    Some(thread)
}

/// All places, in use or not.
pub(crate) fn all() -> impl Iterator<Item = &'static Thread> {
    std::iter::successors(ALL.get(), |it| it.next.get())
}

/// What ended threads allocated after their places were given back.
pub(crate) fn ended() -> &'static Tally {
    &ENDED
}

/// Counts something that the present thread did with memory.
#[inline]
pub(crate) fn tally(count: impl FnOnce(&Tally), count_shared: impl FnOnce(&Tally)) {
    match TALLY.get() {
        Some(tally) => count(tally),
        None => tally_otherwise(count, count_shared),
    }
}

#[cold]
#[inline(never)]
fn tally_otherwise(count: impl FnOnce(&Tally), count_shared: impl FnOnce(&Tally)) {
    match take_place() {
        Some(thread) => count(&thread.tally),
        None if STAGE.get() == Stage::EndedSilent => {}
        None => count_shared(&ENDED),
    }
}

/// As long as it lives, what the present thread allocates is counted nowhere: for the runtime's
/// own work.
#[must_use]
pub(crate) struct Uncounted {
    before: Option<&'static Tally>,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl Uncounted {
    pub(crate) fn begin() -> Self {
        let silent = present().map(|it| &it.silent);
        let before = TALLY.get();
        if silent.is_some() {
            TALLY.set(silent);
        }
        Self { before, _thread: PhantomData }
    }
}

impl Drop for Uncounted {
    fn drop(&mut self) {
        TALLY.set(self.before);
    }
}

/// Makes the present thread one of the runtime's own: what it allocates, and has allocated since
/// it began, is counted nowhere.
fn silence_present_thread() {
    if let Some(thread) = present() {
        IS_SILENT.set(true);
        thread.forget_present_thread();
        thread.uncertain.store(false, Ordering::Release);
        TALLY.set(Some(&thread.silent));
    }
    SPAWNING.fetch_sub(1, Ordering::Release);
}

/// Runs `work` on a thread of the runtime's own, whose allocations are counted nowhere.
///
/// The standard library allocates on a new thread before `work` gets there. Whose thread it is can
/// not be told by then: each thread that takes its place meanwhile is uncertain, and is not read
/// before this one has silenced itself.
pub(crate) fn spawn_uncounted(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let _uncounted = Uncounted::begin();
    SPAWNING.fetch_add(1, Ordering::Release);
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        silence_present_thread();
        work();
    });
    if thread.is_err() {
        SPAWNING.fetch_sub(1, Ordering::Release);
    }
    thread.map(drop)
}

/// How many turns a reader gives a new thread to say whose it is. Only where a thread does not get
/// to run at all are as many needed.
const PATIENCE: u32 = 100_000;

/// Waits until it is certain whose thread has the place.
pub(crate) fn wait_until_certain(thread: &Thread) {
    let uncertain =
        || thread.uncertain.load(Ordering::Acquire) && SPAWNING.load(Ordering::Acquire) > 0;
    let mut patience = PATIENCE;
    while patience > 0 && uncertain() {
        std::thread::yield_now();
        patience -= 1;
    }
}

/// Whether the program's global allocator is ours: tries it.
pub(crate) fn allocator_is_tracked() -> bool {
    let _uncounted = Uncounted::begin();
    let Some(thread) = present() else { return false };
    let before = thread.silent.counters();
    drop(std::hint::black_box(Box::new(0_u8)));
    thread.silent.counters() != before
}
