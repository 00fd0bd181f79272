//! System calls that the standard library does not wrap.

#![allow(unsafe_code)]
#![cfg_attr(
    not(feature = "track"),
    allow(dead_code, reason = "saving a record needs the file size limit alone")
)]

use std::mem::MaybeUninit;
use std::time::Duration;

/// The limit on the size of files that the process writes, in bytes. `None` if there is no limit.
pub(crate) fn file_size_limit() -> Option<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: `limit` is valid for writes of a `rlimit`.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, limit.as_mut_ptr()) };
    if result != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it filled `limit` in.
    let limit = unsafe { limit.assume_init() }.rlim_cur;
    (limit != libc::RLIM_INFINITY).then(|| as_bytes(limit))
}

/// `rlim_t` is `u64` on most systems, `u32` on 32-bit Linux and `i64` on FreeBSD. A negative value means
/// that there is no limit.
fn as_bytes(limit: impl TryInto<u64>) -> u64 {
    limit.try_into().unwrap_or(u64::MAX)
}

/// The usage of all threads of the process, including those that have ended.
pub(crate) fn process_usage() -> Option<libc::rusage> {
    usage(libc::RUSAGE_SELF)
}

/// The usage of the calling thread.
#[cfg(any(target_os = "linux", target_os = "freebsd", target_os = "openbsd"))]
pub(crate) fn thread_usage() -> Option<libc::rusage> {
    usage(libc::RUSAGE_THREAD)
}

fn usage(who: libc::c_int) -> Option<libc::rusage> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` is valid for writes of a `rusage`.
    let result = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    // SAFETY: if the call succeeded, it filled `usage` in.
    (result == 0).then(|| unsafe { usage.assume_init() })
}

/// Reads a clock.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(crate) fn clock(id: libc::clockid_t) -> Option<Duration> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is valid for writes of a `timespec`.
    let result = unsafe { libc::clock_gettime(id, time.as_mut_ptr()) };
    if result != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it filled `time` in.
    let time = unsafe { time.assume_init() };
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// The size of a memory page in bytes.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn page_bytes() -> Option<u64> {
    // SAFETY: the call only reads a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).ok().filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::as_bytes;

    /// Regression test: this did not compile where `rlim_t` is not `u64`.
    #[test]
    fn a_limit_of_any_integer_type_is_converted_to_bytes() {
        assert_eq!(as_bytes(7_u32), 7);
        assert_eq!(as_bytes(7_i64), 7);
        assert_eq!(as_bytes(-1_i64), u64::MAX);
        assert_eq!(as_bytes(u64::MAX), u64::MAX);
    }
}
