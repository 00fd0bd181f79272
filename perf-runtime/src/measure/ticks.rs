//! The clock: ticks of the processor's invariant counter where there is one, else of the monotonic
//! clock, and their conversion to nanoseconds once, at the end of a build.
//!
//! # Implementation
//!
//! Nothing is calibrated at start-up. A build takes an [`Anchor`], a reading of both clocks at one
//! instant, at its start and one at its end; the line through the two turns every tick between
//! them into nanoseconds. The counter is read without a fence: a processor may move the read by a
//! few nanoseconds against its neighbours, which is less than a fence would cost.

#![allow(unsafe_code)]

use std::hint::cold_path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

/// A reading of the clock, in its own unit. Only differences mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Ticks(pub(crate) u64);

impl Ticks {
    /// The ticks from `earlier` to `self`; 0 where the counter stepped back.
    pub(crate) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where ticks come from: decided when first asked for, the same ever after.
static SOURCE: AtomicU8 = AtomicU8::new(UNDECIDED);
/// What ticks of the monotonic clock are counted from.
static ORIGIN: OnceCell<Instant> = OnceCell::new();
const UNDECIDED: u8 = 0;
const COUNTER: u8 = 1;
const MONOTONIC: u8 = 2;

/// The clock's reading now.
#[inline]
pub(crate) fn now() -> Ticks {
    if from_counter() {
        counter()
    } else {
        cold_path();
        elsewhere()
    }
}

/// Whether it is known that ticks are those of the processor's counter.
#[inline]
pub(crate) fn from_counter() -> bool {
    SOURCE.load(Ordering::Relaxed) == COUNTER
}

#[cold]
#[inline(never)]
fn elsewhere() -> Ticks {
    if SOURCE.load(Ordering::Relaxed) == UNDECIDED {
        let source = if counter_is_invariant() { COUNTER } else { MONOTONIC };
        SOURCE.store(source, Ordering::Relaxed);
        if source == COUNTER {
            return counter();
        }
    }
    // NOTE: `Instant` gives no number of its own; the distance from another does.
    let origin = ORIGIN.get_or_init(Instant::now);
    Ticks(u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// The counter's reading now: to be asked only where ticks come [`from_counter`].
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn counter() -> Ticks {
    // SAFETY: every x86-64 processor has this instruction, and it reads a register alone. Where an
    // operating system forbids it to programs, `counter_is_invariant` would still say yes; none of
    // those that Rust's standard library supports does so by default.
    Ticks(unsafe { core::arch::x86_64::_rdtsc() })
}

/// Leaf `8000_0007h`, register EDX, bit 8: the counter runs at one rate in all power states
/// (Intel SDM vol. 3, 19.17.1; AMD APM vol. 3, E.4.6).
#[cfg(target_arch = "x86_64")]
const INVARIANT: u32 = 1 << 8;

/// PERF: the processor is asked only where glibc cannot say, and not whether there is such a leaf. All x86-64
/// processors have the one after it, which says how wide their addresses are, and each question is answered
/// by the hypervisor where there is one, which takes some microseconds.
#[cfg(target_arch = "x86_64")]
fn counter_is_invariant() -> bool {
    const POWER_LEAF: u32 = 0x8000_0007;
    loader_knows_it_is_invariant() || core::arch::x86_64::__cpuid(POWER_LEAF).edx & INVARIANT != 0
}

/// Whether the processor told glibc's loader, which asks it before the program begins.
#[cfg(all(
    target_arch = "x86_64",
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64",
    not(target_feature = "crt-static")
))]
fn loader_knows_it_is_invariant() -> bool {
    use nix::libc;

    /// `struct cpuid_feature` of glibc's `sys/platform/x86.h`: EAX, EBX, ECX and EDX as the processor gave
    /// them, then those of their bits that programs may use.
    #[repr(C)]
    struct Leaf {
        said: [u32; 4],
        usable: [u32; 4],
    }
    /// `CPUID_INDEX_80000007` there.
    const POWER_LEAF: libc::c_uint = 4;

    // SAFETY: the name is a string of C, and the pseudo handle needs no opening.
    let found =
        unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__x86_get_cpuid_feature_leaf".as_ptr()) };
    if found.is_null() {
        return false;
    }
    // SAFETY: names that begin with two underscores are the C library's. Its header has declared this one
    // as a function of that type ever since there is one (glibc 2.33), and its symbol's version keeps it so.
    let leaf: extern "C" fn(libc::c_uint) -> *const Leaf = unsafe { std::mem::transmute(found) };
    // SAFETY: for any number it gives null, which is looked for here, or a leaf of the loader's data (of zeros
    // where it does not know the number), which nobody writes any more while the program runs.
    unsafe { leaf(POWER_LEAF).as_ref() }.is_some_and(|it| it.said[3] & INVARIANT != 0)
}

/// Nobody asked it before.
#[cfg(all(
    target_arch = "x86_64",
    not(all(
        target_os = "linux",
        target_env = "gnu",
        target_pointer_width = "64",
        not(target_feature = "crt-static")
    ))
))]
fn loader_knows_it_is_invariant() -> bool {
    false
}

/// The counter's reading now: to be asked only where ticks come [`from_counter`].
#[cfg(target_arch = "aarch64")]
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
#[cfg(target_arch = "aarch64")]
fn counter_is_invariant() -> bool {
    true
}

/// Never asked: ticks do not come [`from_counter`].
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
pub(crate) fn counter() -> Ticks {
    Ticks(0)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn counter_is_invariant() -> bool {
    false
}

/// At most as many ticks as 10 ms have, before any build has measured how many they are.
#[cfg(target_arch = "aarch64")]
pub(crate) fn in_10_ms_at_most() -> u64 {
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

/// At most as many ticks as 10 ms have, before any build has measured how many they are: those of
/// a counter of 1 GHz, which the monotonic clock is as well.
#[cfg(not(target_arch = "aarch64"))]
pub(crate) fn in_10_ms_at_most() -> u64 {
    10_000_000
}

/// One instant, read on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anchor {
    pub(crate) ticks: Ticks,
    instant: Instant,
}

impl Anchor {
    /// Reads both clocks: the best of three tries, each the monotonic clock between two readings
    /// of the counter, where the closest two enclose the truth most tightly.
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
        tries.into_iter().fold(first, |best, it| if it.0 < best.0 { it } else { best }).1
    }
}

/// The length of a tick, from two anchors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
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
    pub(crate) fn to_ms(self, ticks: u64) -> f64 {
        as_f64(ticks) * self.ns_per_tick / 1e6
    }

    /// `ticks` in nanoseconds, rounded down.
    pub(crate) fn to_ns(self, ticks: u64) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let ns = (as_f64(ticks) * self.ns_per_tick) as u64;
        ns
    }

    /// A length of time in ticks: 0 where the scale is unknown.
    pub(crate) fn ticks_in(self, duration: Duration) -> u64 {
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

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn where_the_loader_knows_the_counter_to_be_invariant_the_processor_says_so() {
        let said = core::arch::x86_64::__cpuid(0x8000_0007).edx & INVARIANT != 0;
        assert!(said || !loader_knows_it_is_invariant());
        assert_eq!(counter_is_invariant(), said);
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
