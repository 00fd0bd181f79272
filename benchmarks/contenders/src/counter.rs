//! The lower bound: timing a phase takes one read of a counter at its start and one at its end.

#![allow(unsafe_code)]

use std::hint::black_box;

/// Reads the fastest clock of the machine twice and does nothing else.
#[inline]
pub(crate) fn two_reads() {
    black_box(read());
    black_box(read());
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn read() -> u64 {
    // SAFETY: every x86-64 processor has this instruction, and it only reads a register.
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
