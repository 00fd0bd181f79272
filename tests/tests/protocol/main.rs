//! The protocol between a thread that enters and exits phases and a reader on another thread, in
//! every order that the memory model allows.
//!
//! The version number and the state of a tree are the runtime's own source, over loom's atomics instead of the standard
//! library's. What it guards is rebuilt here in small, with the same loads and stores in the same
//! order as the runtime's entry and exit have them: the thread's tally, its stack, its sums.
#![forbid(unsafe_code)]

use loom::sync::Arc;
use loom::thread;

mod small_thread;

/// The runtime's atomics, under loom.
mod atomic {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
    pub(crate) use loom::thread::yield_now;
}

mod measure {
    pub(crate) use crate::atomic;
}

#[expect(dead_code, reason = "there is one build here, which both sides know")]
#[path = "../../../perf-core/src/phase/end_state.rs"]
mod end_state;
#[path = "../../../perf-core/src/measure/version.rs"]
mod version;

use small_thread::{Cut, Epochs, SmallThread};

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// What a reader on another thread sees while `work` is done.
fn cut_during(thread: SmallThread, work: impl FnOnce(&SmallThread)) -> (Cut, SmallThread) {
    let thread = Arc::new(thread);
    let read = Arc::clone(&thread);
    let reader = thread::spawn(move || read.read());
    work(&thread);
    let cut = reader.join().unwrap();
    let thread = Arc::try_unwrap(thread).unwrap_or_else(|_| panic!("the reader is gone"));
    (cut, thread)
}

/// What is in phases and what is outside of them is all that there is, wherever the cut falls.
#[test]
fn a_cut_through_an_entry_conserves_all_that_was_counted() {
    explore(|| {
        let thread = SmallThread::new();
        thread.count(1);
        let (cut, _) = cut_during(thread, |thread| {
            thread.enter();
            thread.count(2);
        });
        assert_eq!(cut.inside.wrapping_add(cut.outside), cut.counted, "{cut:?}");
        assert!(cut.inside <= 2, "{cut:?}");
    });
}

/// As above: the sums of a phase and its open frame never count the same twice.
#[test]
fn a_cut_through_an_exit_conserves_all_that_was_counted() {
    explore(|| {
        let thread = SmallThread::new();
        thread.count(1);
        thread.enter();
        thread.count(2);
        let (cut, thread) = cut_during(thread, SmallThread::exit);
        assert_eq!((cut.inside, cut.outside, cut.counted), (2, 1, 3));
        let end = thread.read();
        assert_eq!((end.inside, end.outside), (2, 1));
    });
}

/// The highest level since an entry is never lost between the entry and the reader's cut.
#[test]
fn a_cut_sees_a_peak_that_came_before_an_entry() {
    explore(|| {
        let thread = SmallThread::new();
        thread.count(5);
        thread.free(5);
        let (cut, _) = cut_during(thread, SmallThread::enter);
        assert_eq!(cut.peak, 5);
    });
}

/// A thread that joins a build is read by the collector that closes it, or knows that it was not.
#[test]
fn a_thread_that_joins_a_build_as_it_ends_is_read_or_knows_that_it_came_too_late() {
    explore(|| {
        let epochs = Arc::new(Epochs::new());
        let joining = Arc::clone(&epochs);
        let joined = thread::spawn(move || joining.join());
        let seen = epochs.close_and_read();
        let joined = joined.join().unwrap();
        assert!(seen || !joined, "work that nobody reads was taken for the build's");
    });
}

/// What a thread does in a phase until it leaves it, as it ends, is the build's up to the collector's
/// reading and outside from then on: whichever of the two comes first, and however far the other is.
#[test]
fn what_is_done_while_a_build_is_collected_is_in_the_build_or_outside_and_never_in_both() {
    explore(|| {
        let shared = Arc::new((SmallThread::new(), Epochs::new()));
        shared.0.enter();
        shared.0.count(1);
        let ending = Arc::clone(&shared);
        let ending = thread::spawn(move || {
            let (thread, epochs) = &*ending;
            thread.count(2);
            thread.end(epochs);
            thread.count(4);
        });
        let (thread, epochs) = &*shared;
        epochs.close();
        let cut = thread.read();
        let unknown = thread.collect(&cut);
        ending.join().unwrap();
        let end = thread.read();
        assert_eq!(end.counted, 7);
        assert_eq!(cut.inside + cut.outside + unknown + end.outside - cut.outside, 7, "{cut:?}");
    });
}
