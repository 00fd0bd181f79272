//! Gives a program that it is loaded into, by `LD_PRELOAD`, one more thread, which does nothing.
//!
//! glibc leaves out the locks of its allocator until a program starts its first thread. Where one of
//! two programs starts one and the other does not, their instructions differ by these as well; with
//! this, by what they do alone.

#![allow(unsafe_code)]

use std::thread;

/// What the loader calls before `main`.
// SAFETY: this section of an ELF library holds functions of this kind, without arguments that matter,
// which are called once, when what this library needs is loaded.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = start;

#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing calls it there"))]
extern "C" fn start() {
    // Without a thread the program is what it is without this library, and the count tells.
    let _ = thread::Builder::new().spawn(|| {
        loop {
            thread::park();
        }
    });
}
