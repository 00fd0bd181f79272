//! What the operating system counts for this process: time, memory, disturbances.

use std::time::Duration;

#[cfg(unix)]
use crate::system_calls;

/// What a process or a thread has used since it began, or during a stretch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) user: Duration,
    pub(super) system: Duration,
    pub(super) involuntary_switches: u64,
    pub(super) major_faults: u64,
    /// A high-water mark, and so never the difference of two.
    pub(super) peak_resident_bytes: Option<u64>,
}

impl Usage {
    /// What was used after `earlier`. Never negative: the kernel's split of the time into user and
    /// system is an estimate that may be revised downwards.
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
    /// Of all threads of the process, those that ended included.
    pub(super) fn of_process() -> Option<Self> {
        Some(Self::from_rusage(&system_calls::process_usage()?))
    }

    /// Of the calling thread.
    #[cfg(any(target_os = "linux", target_os = "freebsd", target_os = "openbsd"))]
    pub(super) fn of_thread() -> Option<Self> {
        Some(Self::from_rusage(&system_calls::thread_usage()?))
    }

    /// The system does not count threads separately.
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

/// The most resident memory that this program had, where the system tells more than [`Usage`]: on
/// Linux the mark there may be that of the program that started this one, as it survives the change
/// of program.
pub(super) fn peak_resident_bytes() -> Option<u64> {
    peak::resident_bytes()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod peak {
    /// From `VmHWM: 1234 kB`.
    pub(super) fn resident_bytes() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1024)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod peak {
    /// Told by the usage alone.
    pub(super) fn resident_bytes() -> Option<u64> {
        None
    }
}

#[cfg(unix)]
fn duration(time: libc::timeval) -> Duration {
    let seconds = time.tv_sec.try_into().unwrap_or(0);
    let micros = time.tv_usec.try_into().unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

#[cfg(not(unix))]
impl Usage {
    /// Not known here.
    pub(super) fn of_process() -> Option<Self> {
        None
    }

    /// Not known here.
    pub(super) fn of_thread() -> Option<Self> {
        None
    }
}

/// How long the system has been suspended since it booted, in nanoseconds: the clock that goes on in
/// suspension, less the clock that stops. Two answers differ by some hundred nanoseconds even where
/// nothing was suspended, as the two clocks are read one after the other.
pub(crate) fn suspended_ns() -> Option<u64> {
    clocks::suspended_ns()
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod clocks {
    use crate::system_calls::clock;

    #[cfg(not(target_vendor = "apple"))]
    const GOES_ON: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_vendor = "apple"))]
    const STOPS: libc::clockid_t = libc::CLOCK_MONOTONIC;
    #[cfg(target_vendor = "apple")]
    const GOES_ON: libc::clockid_t = libc::CLOCK_MONOTONIC_RAW;
    #[cfg(target_vendor = "apple")]
    const STOPS: libc::clockid_t = libc::CLOCK_UPTIME_RAW;

    pub(super) fn suspended_ns() -> Option<u64> {
        ahead(|| nanoseconds(GOES_ON), || nanoseconds(STOPS))
    }

    /// By how much one clock is ahead of another: the most of three readings. A thread that loses its
    /// processor between the two clocks reads too little, and never too much.
    pub(super) fn ahead(
        mut goes_on: impl FnMut() -> Option<u64>,
        mut stops: impl FnMut() -> Option<u64>,
    ) -> Option<u64> {
        let mut most = None;
        for _ in 0..3 {
            let goes_on = goes_on()?;
            most = most.max(Some(goes_on.saturating_sub(stops()?)));
        }
        most
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

/// The machine's load average over one minute.
pub(super) fn load_average() -> Option<f64> {
    // There sysinfo says 0 for what it does not know.
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

    /// Two clocks of which one is 7 s ahead, and a thread that loses its processor for a second between
    /// the n-th readings of the two.
    #[test]
    fn a_thread_that_lost_its_processor_between_two_clocks_was_not_suspended() {
        for lost in 0..3 {
            let time = Cell::new(1_000_000_000_u64);
            let mut readings = 0;
            let goes_on = || {
                let now = time.get() + 7_000_000_000;
                time.update(|it| it + if readings == lost { 1_000_000_000 } else { 30 });
                readings += 1;
                Some(now)
            };
            let stops = || Some(time.get());
            assert_eq!(clocks::ahead(goes_on, stops), Some(7_000_000_000 - 30), "{lost}");
        }
    }

    #[test]
    fn time_awake_is_not_time_suspended() {
        let surest = || (0..100).filter_map(|_| suspended_ns()).max().unwrap();
        let before = surest();
        std::thread::sleep(Duration::from_millis(300));
        let after = surest();
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
        let of_thread = thread.join().unwrap();
        let spent = Usage::of_process().unwrap().since(&before);
        let all = spent.user + spent.system;
        let own = of_thread.user + of_thread.system;
        assert!(all + Duration::from_millis(1) >= own, "{all:?} < {own:?}");
    }

    #[test]
    fn the_difference_of_two_usages_is_never_negative() {
        let later = Usage { user: Duration::from_millis(5), ..Usage::default() };
        let earlier = Usage { user: Duration::from_millis(7), major_faults: 1, ..Usage::default() };
        assert_eq!(later.since(&earlier), Usage::default());
    }

    #[test]
    fn the_peak_is_not_under_what_is_resident() {
        let block = std::hint::black_box(vec![1_u8; 32 << 20]);
        let usage = Usage::of_process().unwrap();
        assert!(usage.peak_resident_bytes.unwrap() >= 32 << 20);
        drop(block);
    }

    #[test]
    fn the_load_average_is_a_load() {
        assert!(load_average().is_some_and(|load| (0.0..100_000.0).contains(&load)));
    }
}
