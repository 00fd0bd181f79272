//! Destructors that the system runs after all of the standard library's, when the runtime has released
//! the thread: what they allocate is counted once, and what the runtime needs for them is not.

#![allow(
    unsafe_code,
    reason = "only the system's own thread keys have destructors that run so late"
)]

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::Trial;
use perf_runtime::{BuildStats, enter};

use contract_tests::one_build::{allocate, collector, measure_with, on_a_thread};

unsafe extern "C" {
    fn pthread_key_create(key: *mut c_uint, destructor: extern "C" fn(*mut c_void)) -> c_int;
    fn pthread_setspecific(key: c_uint, value: *const c_void) -> c_int;
}

/// What a thread runs after the destructors of the standard library.
type Late = Box<dyn FnOnce()>;

static RAN: AtomicUsize = AtomicUsize::new(0);

extern "C" fn run_late(value: *mut c_void) {
    // SAFETY: the value of the key is the box that `leave` made, and it is destroyed once.
    let late = unsafe { Box::from_raw(value.cast::<Late>()) };
    late();
    RAN.fetch_add(1, Ordering::Relaxed);
}

fn key() -> c_uint {
    let mut key = 0;
    // SAFETY: `key` is valid for a write.
    assert_eq!(unsafe { pthread_key_create(ptr::from_mut(&mut key), run_late) }, 0);
    key
}

/// Runs `late` when the current thread ends, after all destructors of thread-locals.
fn leave(key: c_uint, late: Late) {
    let late = Box::into_raw(Box::new(late));
    // SAFETY: the key exists; the pointer is not used elsewhere.
    assert_eq!(unsafe { pthread_setspecific(key, late.cast()) }, 0);
}

/// The record of a build in which a thread runs `late` after its end.
fn measure(key: c_uint, late: impl FnOnce() + Send + 'static) -> BuildStats {
    let before = RAN.load(Ordering::Relaxed);
    let work = move || {
        let _phase = enter("on time");
        leave(key, Box::new(late));
    };
    measure_with(&mut collector(), || {
        on_a_thread(work);
        assert_eq!(RAN.load(Ordering::Relaxed), before + 1, "the destructor ran in the build");
    })
}

/// Allocations and bytes in no phase, less those of a build that does nothing there.
fn outside(stats: &BuildStats, nothing: &BuildStats) -> [i64; 4] {
    let counters = |stats: &BuildStats| {
        let outside = stats.unattributed.as_ref().unwrap();
        [outside.alloc_count, outside.alloc_bytes, outside.freed_count, outside.freed_bytes]
            .map(|counter| counter.unwrap().cast_signed())
    };
    let (with, without) = (counters(stats), counters(nothing));
    [0, 1, 2, 3].map(|index| with[index] - without[index])
}

fn allocations_after_the_end_of_a_thread_are_counted_once_and_in_no_phase(key: c_uint) {
    static MADE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    // The first build of a process, and the first thread, allocate what the later do not.
    measure(key, || ());
    let nothing = measure(key, || ());
    assert_eq!(
        outside(&measure(key, || ()), &nothing),
        [0; 4],
        "builds that do the same are alike"
    );

    let stats = measure(key, || allocate(70_000));
    assert_eq!(outside(&stats, &nothing), [1, 70_000, 1, 70_000]);
    assert_eq!(stats.phases.len(), 1);

    let stats = measure(key, || {
        let mut block = vec![0_u8; 100];
        block.reserve_exact(900);
        block.shrink_to(0);
        drop(block);
    });
    assert_eq!(outside(&stats, &nothing), [1, 1_000, 1, 1_000]);
    assert_eq!(
        stats.unattributed.as_ref().unwrap().net_bytes,
        nothing.unattributed.as_ref().unwrap().net_bytes
    );

    // Made before the build. The closure holds nothing, and so takes no memory.
    *MADE.lock().unwrap() = vec![0; 300];
    let stats = measure(key, || drop(std::mem::take(&mut *MADE.lock().unwrap())));
    assert_eq!(outside(&stats, &nothing), [0, 0, 1, 300]);
}

fn a_phase_entered_after_the_end_of_its_thread_is_not_counted_and_allocates_nothing(key: c_uint) {
    let nothing = measure(key, || ());
    let stats = measure(key, || {
        let _phase = enter("a new name");
        perf_runtime::add_items(1);
        perf_runtime::build().set_parallel(true);
    });
    assert_eq!((stats.phases.len(), stats.parallel), (1, Some(true)));
    let on_time = stats.phase("on time").unwrap();
    assert_eq!((on_time.calls, on_time.items), (1, 0));
    assert_eq!(outside(&stats, &nothing), [0; 4]);
}

fn a_guard_that_outlives_its_thread_is_an_open_call_and_closes_no_other(key: c_uint) {
    let stats = measure_with(&mut collector(), || {
        on_a_thread(move || {
            let guard = enter("kept");
            leave(key, Box::new(move || drop(guard)));
        });
    });
    let kept = stats.phase("kept").unwrap();
    assert_eq!((kept.calls, kept.open_calls), (0, 1));
}

pub(crate) fn trials() -> Vec<Trial> {
    let key = key();
    macro_rules! trials {
        ($($test:ident)*) => {
            vec![$(Trial::test(stringify!($test), move || { $test(key); Ok(()) })),*]
        };
    }
    trials![
        allocations_after_the_end_of_a_thread_are_counted_once_and_in_no_phase
        a_phase_entered_after_the_end_of_its_thread_is_not_counted_and_allocates_nothing
        a_guard_that_outlives_its_thread_is_an_open_call_and_closes_no_other
    ]
}
