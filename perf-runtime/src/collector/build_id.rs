//! The id of a build: a UUID of version 7, which sorts by time.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::measure::ticks;

/// An id for a build that started at `started`.
///
/// The 74 bits besides the time come from the standard library's keyed hash, whose keys the
/// operating system chose at random, over the process's id, the clock and a running number.
pub(super) fn build_id(started: SystemTime) -> String {
    let millis = started.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_millis());
    let millis = u64::try_from(millis).unwrap_or(0);
    let mut random = [0; 10];
    let (first, second) = random.split_at_mut(5);
    for half in [first, second] {
        let bytes = random_number().to_ne_bytes();
        half.copy_from_slice(&bytes[..half.len()]);
    }
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

/// A number that nobody can guess.
pub(super) fn random_number() -> u64 {
    static RUNNING: AtomicU64 = AtomicU64::new(0);
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u64(ticks::now().0);
    hasher.write_u64(RUNNING.fetch_add(1, Ordering::Relaxed));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn ids_are_of_version_7_all_different_and_sort_by_time() {
        let early = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let ids: HashSet<_> = (0..10_000).map(|_| build_id(early)).collect();
        assert_eq!(ids.len(), 10_000);
        for id in &ids {
            assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7, "{id}");
        }
        let late = build_id(early + Duration::from_millis(1));
        assert!(ids.iter().all(|it| *it < late));
    }
}
