//! One build at a time, though the tests of a process run side by side.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use perf_runtime::{BuildStats, PerformanceCollector, PhaseStats};

use crate::conservation::assert_conserved;

/// The turn to have a build open. Builds that are open at once share what is in no phase.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A collector whose records are not to be saved.
#[must_use]
pub fn collector() -> PerformanceCollector {
    PerformanceCollector::new("never written").with_tool("contract-tests", "1")
}

/// The record of a build that does `work`, when it is its turn. Conservation holds in all of them.
#[track_caller]
pub fn measure(work: impl FnOnce()) -> BuildStats {
    let _turn = turn();
    let mut collector = collector();
    collector.start_build();
    work();
    let stats = collector.end_build();
    assert_conserved(&stats);
    stats
}

/// The paths of all phases, in their order.
#[must_use]
pub fn paths(stats: &BuildStats) -> Vec<&str> {
    stats.phases.iter().map(|it| it.path.as_str()).collect()
}

/// The phase of a path.
///
/// # Panics
///
/// Where there is none.
#[track_caller]
#[must_use]
pub fn phase_of<'stats>(stats: &'stats BuildStats, path: &str) -> &'stats PhaseStats {
    stats.phase(path).unwrap_or_else(|| panic!("{path} is not among {:?}", paths(stats)))
}

/// Runs `work` on a thread that is gone altogether when this returns, its thread-locals, too.
///
/// # Panics
///
/// Where `work` does.
pub fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(work).join().unwrap()
}
