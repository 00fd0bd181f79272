//! What the operating system counts for this process (time, memory, disturbances), and its clocks.

use std::time::Duration;

#[cfg(unix)]
use crate::system_calls;

/// What a process or a thread has used since it began, or during an interval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) user: Duration,
    pub(super) system: Duration,
    pub(super) involuntary_switches: u64,
    pub(super) major_faults: u64,
    /// A high-water mark: [`since`](Self::since) keeps it as it is.
    pub(super) peak_resident_bytes: Option<u64>,
}

impl Usage {
    /// What was used after `earlier`. Never negative, although the kernel's split of the time into user
    /// and system is an estimate that it may revise downwards.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            involuntary_switches: self
                .involuntary_switches
                .saturating_sub(earlier.involuntary_switches),
            major_faults: self.major_faults.saturating_sub(earlier.major_faults),
            peak_resident_bytes: self.peak_resident_bytes,
        }
    }
}

#[cfg(unix)]
impl Usage {
    /// The usage of all threads of the process, including those that have ended.
    pub(super) fn of_process() -> Option<Self> {
        Some(Self::from_rusage(&system_calls::process_usage()?))
    }

    /// The usage of the calling thread.
    #[cfg(any(target_os = "linux", target_os = "freebsd", target_os = "openbsd"))]
    pub(super) fn of_thread() -> Option<Self> {
        Some(Self::from_rusage(&system_calls::thread_usage()?))
    }

    /// `None`: the system does not count threads separately.
    #[cfg(not(any(target_os = "linux", target_os = "freebsd", target_os = "openbsd")))]
    pub(super) fn of_thread() -> Option<Self> {
        None
    }

    fn from_rusage(usage: &libc::rusage) -> Self {
        // Apple's kernels count bytes, all others KiB.
        let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
        Self {
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            involuntary_switches: usage.ru_nivcsw.try_into().unwrap_or(0),
            major_faults: usage.ru_majflt.try_into().unwrap_or(0),
            peak_resident_bytes: u64::try_from(usage.ru_maxrss)
                .ok()
                .filter(|resident| *resident > 0)
                .and_then(|resident| resident.checked_mul(unit)),
        }
    }
}

/// The peak of resident memory of this program, on Linux. There the one in [`Usage`] survives `exec`, so
/// it may be that of the program which started this one.
pub(super) fn peak_resident_bytes() -> Option<u64> {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return None;
    }
    // A line such as `VmHWM: 1234 kB`.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Whether the kernel itself measures time by the processor's counter, directly or through a
/// paravirtual clock. A kernel that does not publish its clock source is assumed to do so.
pub(crate) fn kernel_trusts_counter() -> bool {
    const PATH: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    !cfg!(any(target_os = "linux", target_os = "android"))
        || std::fs::read_to_string(PATH).map_or(true, |source| is_counter(source.trim()))
}

/// Whether the clock source of that name reads the processor's counter.
fn is_counter(source: &str) -> bool {
    const COUNTERS: [&str; 5] =
        ["arch_sys_counter", "hyperv_clocksource_tsc_page", "kvm-clock", "tsc", "xen"];
    COUNTERS.contains(&source)
}

#[cfg(unix)]
fn duration(time: libc::timeval) -> Duration {
    let seconds = time.tv_sec.try_into().unwrap_or(0);
    let micros = time.tv_usec.try_into().unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

#[cfg(not(unix))]
impl Usage {
    /// `None`: unknown on this system.
    pub(super) fn of_process() -> Option<Self> {
        None
    }

    /// `None`: unknown on this system.
    pub(super) fn of_thread() -> Option<Self> {
        None
    }
}

/// How long the system has been suspended since it booted, in nanoseconds: the clock that runs during
/// suspension minus the clock that stops. Two results differ by some hundred nanoseconds even without a
/// suspension, as the clocks are read one after the other.
pub(crate) fn suspended_ns() -> Option<u64> {
    clocks::suspended_ns()
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod clocks {
    use crate::system_calls::clock;

    #[cfg(not(target_vendor = "apple"))]
    const RUNS: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_vendor = "apple"))]
    const STOPS: libc::clockid_t = libc::CLOCK_MONOTONIC;
    #[cfg(target_vendor = "apple")]
    const RUNS: libc::clockid_t = libc::CLOCK_MONOTONIC_RAW;
    #[cfg(target_vendor = "apple")]
    const STOPS: libc::clockid_t = libc::CLOCK_UPTIME_RAW;

    pub(super) fn suspended_ns() -> Option<u64> {
        difference(|| nanoseconds(RUNS), || nanoseconds(STOPS))
    }

    /// By how much one clock is ahead of another: the maximum of three readings. A reading is too small
    /// if the thread is preempted between the clocks, and never too large.
    pub(super) fn difference(
        mut ahead: impl FnMut() -> Option<u64>,
        mut behind: impl FnMut() -> Option<u64>,
    ) -> Option<u64> {
        let mut max = None;
        for _ in 0..3 {
            let ahead = ahead()?;
            max = max.max(Some(ahead.saturating_sub(behind()?)));
        }
        max
    }

    fn nanoseconds(id: libc::clockid_t) -> Option<u64> {
        clock(id)?.as_nanos().try_into().ok()
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod clocks {
    pub(super) fn suspended_ns() -> Option<u64> {
        None
    }
}

/// The load average of the machine over one minute.
pub(super) fn load_average() -> Option<f64> {
    // On Windows sysinfo returns 0 for an unknown load.
    if cfg!(windows) {
        return None;
    }
    std::panic::catch_unwind(sysinfo::System::load_average)
        .ok()?
        .ok()
        .map(|load| load.one)
        .filter(|load| load.is_finite() && *load >= 0.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_kernel_that_gave_up_the_counter_does_not_trust_it() {
        let sources = ["tsc", "kvm-clock", "hpet", "acpi_pm"];
        assert_eq!(sources.map(is_counter), [true, true, false, false]);
    }

    /// One clock is 7 s ahead, and the thread is preempted for a second between the n-th readings.
    #[test]
    fn preemption_between_two_clocks_is_not_suspension() {
        for preempted in 0..3 {
            let time = Cell::new(1_000_000_000_u64);
            let mut readings = 0;
            let ahead = || {
                let now = time.get() + 7_000_000_000;
                time.set(time.get() + if readings == preempted { 1_000_000_000 } else { 30 });
                readings += 1;
                Some(now)
            };
            let difference = clocks::difference(ahead, || Some(time.get()));
            assert_eq!(difference, Some(7_000_000_000 - 30), "{preempted}");
        }
    }

    #[test]
    fn no_time_is_suspended_while_the_system_is_awake() {
        let maximum = || (0..100).filter_map(|_| suspended_ns()).max().unwrap();
        let before = maximum();
        std::thread::sleep(Duration::from_millis(300));
        let after = maximum();
        assert!(after < before + 150_000_000, "{before} → {after}");
    }

    #[test]
    fn processor_time_is_counted_where_it_is_spent() {
        let before = Usage::of_process().unwrap();
        let thread = std::thread::spawn(|| {
            let mut sum = 0_u64;
            while Usage::of_thread().unwrap().user < Duration::from_millis(60) {
                for value in 0..1_000_000 {
                    sum = std::hint::black_box(sum.wrapping_add(value));
                }
            }
            Usage::of_thread().unwrap()
        });
        let in_thread = thread.join().unwrap();
        let spent = Usage::of_process().unwrap().since(&before);
        let all = spent.user + spent.system;
        let own = in_thread.user + in_thread.system;
        assert!(all + Duration::from_millis(1) >= own, "{all:?} < {own:?}");
    }

    #[test]
    fn the_difference_of_two_usages_is_never_negative() {
        let later = Usage { user: Duration::from_millis(5), ..Usage::default() };
        let earlier = Usage { user: Duration::from_millis(7), major_faults: 1, ..Usage::default() };
        assert_eq!(later.since(&earlier), Usage::default());
    }

    #[test]
    fn the_peak_is_at_least_what_is_resident() {
        let block = std::hint::black_box(vec![1_u8; 32 << 20]);
        let usage = Usage::of_process().unwrap();
        assert!(usage.peak_resident_bytes.unwrap() >= 32 << 20);
        drop(block);
    }

    #[test]
    fn the_load_average_is_plausible() {
        assert!(load_average().is_some_and(|load| (0.0..100_000.0).contains(&load)));
    }
}
