//! The protocols between the threads that enter and exit phases, start and end, and the collector that
//! reads them, in every order that the memory model allows.
//!
//! The version number, the open builds, the state of a slot and the end of a tree are the source that
//! ships, compiled against loom's atomics. What the version number guards is a small model, with the
//! same loads and stores in the same order as in the entries and exits of `perf-core`: the thread's
//! tally, its stack, its sums.
#![forbid(unsafe_code)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;

mod small_thread;

/// `perf-core/src/sync.rs` over loom.
mod sync {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
    pub(crate) use loom::thread::yield_now;

    macro_rules! const_fn {
        ($visibility:vis fn $name:ident() -> $output:ty $body:block) => {
            $visibility fn $name() -> $output $body
        };
    }
    macro_rules! atomic_array {
        ($initial:expr; $len:expr) => {
            std::array::from_fn(|_| $initial)
        };
    }
    pub(crate) use {atomic_array, const_fn};
}

#[expect(dead_code, reason = "the tests have one build, which both sides know")]
#[path = "../../../perf-core/src/phase/end_state.rs"]
mod end_state;
#[expect(dead_code, unreachable_pub, reason = "the tests need a part of it")]
#[path = "../../../perf-core/src/phase/open_builds.rs"]
mod open_builds;
#[path = "../../../perf-core/src/phase/slot_state.rs"]
mod slot_state;
#[path = "../../../perf-core/src/measure/version.rs"]
mod version;

use open_builds::{BuildNumber, OpenBuilds};
use slot_state::SlotState;
use small_thread::{Cut, SmallBuild, SmallThread};

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

/// What is counted in phases and outside of them adds up to what was counted, wherever the cut falls.
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

/// The sums of a phase and its open frame never count anything twice.
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

/// A thread that joins a build is read by the collector that closes the build, or knows that it was
/// not.
#[test]
fn a_thread_that_joins_a_build_as_it_ends_is_read_or_knows_that_it_came_too_late() {
    explore(|| {
        let build = Arc::new(SmallBuild::start());
        let joining = Arc::clone(&build);
        let joined = thread::spawn(move || joining.join());
        let seen = build.close_and_read();
        let joined = joined.join().unwrap();
        assert!(seen || !joined, "the thread works for a build that does not read it");
    });
}

/// A thread that ends leaves its phase while its build is collected. What it did up to the collector's
/// reading belongs to the build, and what it did later does not.
#[test]
fn what_is_done_while_a_build_is_collected_is_in_the_build_or_outside_and_never_in_both() {
    explore(|| {
        let shared = Arc::new((SmallThread::new(), SmallBuild::start()));
        shared.0.enter();
        shared.0.count(1);
        let ending = Arc::clone(&shared);
        let ending = thread::spawn(move || {
            let (thread, build) = &*ending;
            thread.count(2);
            thread.end(build);
            thread.count(4);
        });
        let (thread, build) = &*shared;
        build.close();
        let cut = thread.read();
        let unknown = thread.collect(&cut);
        ending.join().unwrap();
        let end = thread.read();
        assert_eq!(end.counted, 7);
        assert_eq!(cut.inside + cut.outside + unknown + end.outside - cut.outside, 7, "{cut:?}");
    });
}

/// A thread that sees that a build is open knows which one.
#[test]
fn a_thread_that_sees_the_epoch_of_a_build_sees_the_build() {
    explore(|| {
        let build = BuildNumber::next();
        let open = Arc::new(OpenBuilds::<1>::new());
        let seen_by = Arc::clone(&open);
        let seen = thread::spawn(move || {
            let any_open = seen_by.epoch().any_open();
            any_open.then(|| (seen_by.sole(), seen_by.is_open(build), seen_by.is_timed(build)))
        });
        assert!(open.open(build, true));
        let seen = seen.join().unwrap();
        assert!(matches!(seen, None | Some((Some(_), true, true))), "{seen:?}");
        assert_eq!((open.sole(), open.is_open(build)), (Some(build), true));
    });
}

/// The last build of a thread ends while the thread does. Both sides may release the thread's slot.
#[test]
fn a_slot_whose_thread_ends_while_its_build_ends_is_released_exactly_once() {
    explore(|| {
        let slot = Arc::new((SlotState::claimed(), SmallBuild::start(), AtomicU64::new(0)));
        assert!(!slot.0.try_claim());
        let ending = Arc::clone(&slot);
        let ending = thread::spawn(move || {
            let (state, build, released) = &*ending;
            state.vacate(|| build.is_open(), || _ = released.fetch_add(1, Relaxed));
        });
        let (state, build, released) = &*slot;
        build.close();
        state.release_if_vacant(|| _ = released.fetch_add(1, Relaxed));
        ending.join().unwrap();
        assert_eq!(released.load(Relaxed), 1);
        assert!(state.try_claim());
        assert!(!state.try_claim());
    });
}
