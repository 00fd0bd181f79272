//! What the phases do: so many bytes, so much time.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) const KIB: usize = 1024;
pub(super) const MIB: usize = 1024 * KIB;

/// A block of memory, in one allocation. Nobody looks into it.
#[must_use]
pub(super) fn allocate(bytes: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(bytes))
}

/// The phases whose time is asked for.
const TIMED: [&str; 7] = ["fetch", "page", "parse", "read", "render", "site", "walk"];
/// Nanoseconds that were spun in each. Nothing is allocated for them.
static SPUN: [AtomicU64; TIMED.len()] = [const { AtomicU64::new(0) }; TIMED.len()];

/// Keeps the thread busy, as part of the time of a phase that is asked for.
pub(super) fn spin(phase: &str, milliseconds: u64) {
    let begin = Instant::now();
    let elapsed = loop {
        let elapsed = begin.elapsed();
        if elapsed >= Duration::from_millis(milliseconds) {
            break elapsed;
        }
        std::hint::spin_loop();
    };
    if let Some(index) = TIMED.iter().position(|it| *it == phase) {
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        SPUN[index].fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

/// Milliseconds that were spun in each phase.
pub(super) fn spun_ms() -> BTreeMap<String, f64> {
    let spun = SPUN.iter().map(|it| Duration::from_nanos(it.load(Ordering::Relaxed)));
    TIMED
        .iter()
        .zip(spun)
        .filter(|it| !it.1.is_zero())
        .map(|(phase, spun)| ((*phase).to_owned(), spun.as_secs_f64() * 1e3))
        .collect()
}
