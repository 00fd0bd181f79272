//! The id of a build: a UUID of version 7, which sorts by time (RFC 9562, section 5.7).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A new id for a build that started at `started`: 48 bits of milliseconds, and 74 bits that differ
/// between processes and builds.
pub(super) fn build_id(started: SystemTime) -> String {
    let millis = started.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let millis = u64::try_from(millis).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    let (a, b) = (unique_number(), unique_number());
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        millis >> 16,
        millis & 0xFFFF,
        a & 0xFFF,
        0x8000 | (a >> 12 & 0x3FFF),
        b & 0xFFFF_FFFF_FFFF,
    )
}

/// A number that differs between processes and calls. It is a hash of the process id, the time and a
/// counter, with the random keys of the standard library's hasher. It is not suitable as a secret.
pub(super) fn unique_number() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u128(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos()));
    hasher.write_u64(COUNTER.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn ids_have_version_7_differ_and_sort_by_time() {
        let early = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let ids: HashSet<_> = (0..10_000).map(|_| build_id(early)).collect();
        assert_eq!(ids.len(), 10_000);
        for id in &ids {
            assert!(id.starts_with("018bcfe5-687b-7"), "{id}");
            let lengths: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
            assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')));
        }
        let late = build_id(early + Duration::from_millis(1));
        assert!(ids.iter().all(|id| *id < late));
    }
}
