//! The clock: ticks of the processor's invariant counter if there is one, else of the monotonic
//! clock. They are converted to nanoseconds once, at the end of a build.
//!
//! # Implementation
//!
//! Nothing is calibrated at start-up. A build takes an [`Anchor`], a reading of both clocks at one
//! instant, at its start and one at its end. The line through the two converts every tick between
//! them to nanoseconds. The counter is read without a fence: a processor may reorder the read
//! by a few nanoseconds, which is less than a fence would cost.

#![allow(unsafe_code)]

use std::hint::cold_path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

/// A reading of the clock, in its own unit. Only differences have a meaning; [`Scale`] converts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticks(pub(crate) u64);

impl Ticks {
    /// The ticks from `earlier` to `self`; 0 where the counter stepped back.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The source of ticks, chosen when the first build starts and never changed.
static SOURCE: AtomicU8 = AtomicU8::new(UNDECIDED);
/// The origin of ticks of the monotonic clock.
static ORIGIN: OnceCell<Instant> = OnceCell::new();
const UNDECIDED: u8 = 0;
const COUNTER: u8 = 1;
const MONOTONIC: u8 = 2;

/// Chooses the source of ticks, unless it is chosen already: the processor's counter if both the
/// kernel and the processor trust it to run at one rate, else the monotonic clock.
pub(crate) fn choose_source(kernel_trusts_counter: impl FnOnce() -> bool) {
    if SOURCE.load(Ordering::Relaxed) == UNDECIDED {
        let trusted = counter_is_invariant() && kernel_trusts_counter();
        SOURCE.store(if trusted { COUNTER } else { MONOTONIC }, Ordering::Relaxed);
    }
}

/// Reads the clock.
#[inline]
pub(crate) fn now() -> Ticks {
    if from_counter() {
        counter()
    } else {
        cold_path();
        monotonic()
    }
}

/// Whether ticks are those of the processor's counter.
#[inline]
pub(crate) fn from_counter() -> bool {
    SOURCE.load(Ordering::Relaxed) == COUNTER
}

#[cold]
#[inline(never)]
fn monotonic() -> Ticks {
    // NOTE: an `Instant` cannot be converted to a number, but the distance of two can.
    let origin = ORIGIN.get_or_init(Instant::now);
    Ticks(u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// Reads the counter. Meaningful only if ticks come [`from_counter`].
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
pub(crate) fn counter() -> Ticks {
    // SAFETY: every x86-64 processor has this instruction, which only reads a register. An operating
    // system may forbid it to programs, but none that Rust's standard library supports does so by
    // default.
    Ticks(unsafe { core::arch::x86_64::_rdtsc() })
}

/// Leaf `8000_0007h`, register EDX, bit 8: the counter runs at one rate in all power states
/// (Intel SDM vol. 3, 19.17.1; AMD APM vol. 3, E.4.6). All x86-64 processors have the leaf after
/// this one, so it need not be asked for.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn counter_is_invariant() -> bool {
    core::arch::x86_64::__cpuid(0x8000_0007).edx & 1 << 8 != 0
}

/// Reads the counter. Meaningful only if ticks come [`from_counter`].
#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
pub(crate) fn counter() -> Ticks {
    let ticks: u64;
    // SAFETY: reads the virtual count register, which user code may read on every operating system
    // that Rust's standard library supports there; it touches neither memory, stack nor flags.
    unsafe {
        core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags));
    }
    Ticks(ticks)
}

/// The generic timer counts at one rate by definition (Arm ARM, D12.1).
#[cfg(all(target_arch = "aarch64", not(miri)))]
fn counter_is_invariant() -> bool {
    true
}

/// Has no meaning: ticks do not come [`from_counter`].
#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
#[inline]
pub(crate) fn counter() -> Ticks {
    Ticks(0)
}

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
fn counter_is_invariant() -> bool {
    false
}

/// The ticks in 10 ms, for use before a build has measured the scale.
#[cfg(all(target_arch = "aarch64", not(miri)))]
pub(crate) fn max_ticks_in_10_ms() -> u64 {
    let ticks_per_second: u64;
    // SAFETY: reads the timer's frequency register, which user code may read wherever it may read
    // the count; it touches neither memory, stack nor flags.
    unsafe {
        core::arch::asm!(
            "mrs {}, cntfrq_el0",
            out(reg) ticks_per_second,
            options(nomem, nostack, preserves_flags)
        );
    }
    ticks_per_second / 100
}

/// An estimate of the ticks in 10 ms, for use before a build has measured the scale: those of a
/// counter of 1 GHz. The monotonic clock has that rate.
#[cfg(not(all(target_arch = "aarch64", not(miri))))]
pub(crate) fn max_ticks_in_10_ms() -> u64 {
    10_000_000
}

/// One instant, read on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anchor {
    pub(crate) ticks: Ticks,
    instant: Instant,
}

impl Anchor {
    /// Reads both clocks three times: the monotonic clock between two readings of the counter. The
    /// reading with the shortest distance between the two is the most exact one.
    pub(crate) fn read() -> Self {
        let once = || {
            let before = now();
            let instant = Instant::now();
            let after = now();
            let width = after.since(before);
            let middle = Ticks(before.0 + width / 2);
            (width, Self { ticks: middle, instant })
        };
        let tries = [once(), once(), once()];
        let [first, ..] = tries;
        tries.into_iter().fold(first, |best, next| if next.0 < best.0 { next } else { best }).1
    }
}

/// The length of a tick, from two anchors.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    ns_per_tick: f64,
    stepped_back: bool,
}

impl Scale {
    /// The scale between two anchors.
    pub(crate) fn between(start: Anchor, end: Anchor) -> Self {
        let ticks = end.ticks.since(start.ticks);
        let elapsed = end.instant.duration_since(start.instant);
        if ticks == 0 {
            // Two readings of a coarse clock within one tick, or a counter that stepped back.
            let stepped_back = end.ticks < start.ticks || elapsed > Duration::from_millis(1);
            return Self { ns_per_tick: 0.0, stepped_back };
        }
        Self { ns_per_tick: nanoseconds(elapsed) / as_f64(ticks), stepped_back: false }
    }

    /// Whether the counter stepped back between the anchors.
    pub(crate) fn stepped_back(self) -> bool {
        self.stepped_back
    }

    /// `ticks` in milliseconds.
    #[must_use]
    pub fn to_ms(self, ticks: u64) -> f64 {
        as_f64(ticks) * self.ns_per_tick / 1e6
    }

    /// `ticks` in nanoseconds, rounded down.
    #[must_use]
    pub fn to_ns(self, ticks: u64) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let ns = (as_f64(ticks) * self.ns_per_tick) as u64;
        ns
    }

    /// A duration in ticks; 0 if the scale is unknown.
    #[must_use]
    pub fn ticks_in(self, duration: Duration) -> u64 {
        if self.ns_per_tick <= 0.0 {
            return 0;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let ticks = (nanoseconds(duration) / self.ns_per_tick) as u64;
        ticks
    }
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ticks are a month")]
fn as_f64(ticks: u64) -> f64 {
    ticks as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_between_two_anchors_convert_to_the_monotonic_clocks_time() {
        let start = Anchor::read();
        std::thread::sleep(Duration::from_millis(20));
        let end = Anchor::read();
        let scale = Scale::between(start, end);
        let measured = scale.to_ms(end.ticks.since(start.ticks));
        let truth = nanoseconds(end.instant - start.instant) / 1e6;
        assert!((measured - truth).abs() < 1e-6 * truth, "{measured} {truth}");
        assert!(!scale.stepped_back());
        let ticks = scale.ticks_in(Duration::from_millis(10));
        assert!((scale.to_ms(ticks) - 10.0).abs() < 0.001);
    }

    #[test]
    fn a_counter_that_stepped_back_is_noticed() {
        let start = Anchor::read();
        let end = Anchor { ticks: Ticks(start.ticks.0 - 1), instant: Instant::now() };
        assert!(Scale::between(start, end).stepped_back());
    }

    #[test]
    fn ticks_never_run_backwards_on_one_thread() {
        let mut last = now();
        for _ in 0..10_000 {
            let next = now();
            assert!(next >= last);
            last = next;
        }
    }
}
