//! The physical limit: whoever times a phase must read a counter when it begins and when it ends.

#![allow(unsafe_code)]

use std::hint::black_box;

/// Two readings of the fastest clock that a program can read, and nothing else.
#[inline]
pub(crate) fn two_reads() {
    black_box(read());
    black_box(read());
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn read() -> u64 {
    // SAFETY: every x86-64 processor has this instruction, and it reads a register alone.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn read() -> u64 {
    let ticks: u64;
    // SAFETY: reads the virtual count register, which user code may read on every operating system
    // that Rust's standard library supports there; it touches neither memory, stack nor flags.
    unsafe {
        core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags));
    }
    ticks
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
fn read() -> std::time::Instant {
    std::time::Instant::now()
}
