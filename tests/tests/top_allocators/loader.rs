//! Threads that load libraries while others allocate: sampling does not take the lock of the loader.

#![allow(unsafe_code, reason = "loading a library is")]

use std::ffi::CStr;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use perf_runtime::{AllocationSampling, enter, in_current_phase};

use crate::{places, sampled};

/// Libraries that come with the C library, and that this program does not need.
const LIBRARIES: [&CStr; 3] = [c"libresolv.so.2", c"libnss_files.so.2", c"libanl.so.1"];

/// Loads a library and unloads it. `false` if it does not exist.
fn load(library: &CStr) -> bool {
    // SAFETY: these libraries do nothing when they are loaded or unloaded, and nothing of theirs is
    // used. The handle is closed once.
    unsafe {
        let handle = libc::dlopen(library.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        !handle.is_null() && libc::dlclose(handle) == 0
    }
}

/// Calls `found` for each library that is loaded, while the loader's lock is held.
fn while_locked(mut found: impl FnMut()) {
    unsafe extern "C" fn call<F: FnMut()>(
        _: *mut libc::dl_phdr_info,
        _: libc::size_t,
        found: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: this is the pointer that is passed below, and nothing else uses it during the call.
        unsafe { (*found.cast::<F>())() };
        0
    }
    fn callback_for<F: FnMut()>(
        _: &F,
    ) -> unsafe extern "C" fn(*mut libc::dl_phdr_info, libc::size_t, *mut libc::c_void) -> libc::c_int
    {
        call::<F>
    }
    let callback = callback_for(&found);
    // SAFETY: `found` outlives the call, and is what `callback` takes.
    unsafe { libc::dl_iterate_phdr(Some(callback), (&raw mut found).cast()) };
}

#[test]
fn libraries_come_and_go_while_all_threads_are_sampled() {
    let done = AtomicBool::new(false);
    let mut loaded = 0;
    let stats = sampled(AllocationSampling::every(64), || {
        let _phase = enter("work");
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(in_current_phase!(|| while !done.load(Ordering::Relaxed) {
                    black_box(vec![1_u8; 1_000]);
                }));
            }
            for _ in 0..100 {
                loaded += LIBRARIES.iter().filter(|library| load(library)).count();
                black_box(vec![1_u8; 2_000]);
            }
            done.store(true, Ordering::Relaxed);
        });
    });
    println!("{loaded} libraries were loaded");
    let place = places(&stats, "work").iter().find(|place| place.alloc_count == 100).unwrap();
    assert!(place.alloc_bytes == 200_000 && place.function.contains("libraries_come_and_go"));
}

#[test]
fn a_thread_is_sampled_while_another_holds_the_loaders_lock() {
    let mut held = 0;
    let stats = sampled(AllocationSampling::every(64), || {
        let _phase = enter("work");
        while_locked(|| {
            held += 1;
            if held == 1 {
                // A sample that took the lock would wait forever: it is released after this.
                thread::scope(|scope| {
                    scope.spawn(in_current_phase!(|| {
                        black_box(vec![1_u8; 50_000]);
                    }));
                });
            }
        });
    });
    assert!(held > 1);
    assert!(places(&stats, "work").iter().any(|place| place.alloc_bytes == 50_000));
}
