//! What tests of builds in their own process share: one build at a time, and questions to its record.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use perf_runtime::{BuildStats, PerformanceCollector, PhaseStats};

use crate::conservation::assert_conserved;

/// Waits until no other test of this process has a build open. Builds that overlap would share the
/// allocations that are in no phase.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A collector whose records are not saved.
#[must_use]
pub fn collector() -> PerformanceCollector {
    PerformanceCollector::new("never written").with_tool("contract-tests", "1")
}

/// A collector with an open build.
#[must_use]
pub fn started() -> PerformanceCollector {
    let mut collector = collector();
    collector.start_build();
    collector
}

/// The record of a build that does `work`, while no other test has a build open.
#[track_caller]
pub fn measure(work: impl FnOnce()) -> BuildStats {
    let _turn = turn();
    measure_with(&mut collector(), work)
}

/// The record of a build that does `work`. The caller has taken its [`turn`].
#[track_caller]
pub fn measure_with(collector: &mut PerformanceCollector, work: impl FnOnce()) -> BuildStats {
    collector.start_build();
    work();
    let stats = collector.end_build();
    assert_conserved(&stats);
    stats
}

/// The paths of all phases, in the order of the record.
#[must_use]
pub fn paths(stats: &BuildStats) -> Vec<&str> {
    stats.phases.iter().map(|phase| phase.path.as_str()).collect()
}

/// The phase with a path.
///
/// # Panics
///
/// If there is none.
#[track_caller]
#[must_use]
pub fn phase_of<'stats>(stats: &'stats BuildStats, path: &str) -> &'stats PhaseStats {
    stats.phase(path).unwrap_or_else(|| panic!("{path} is not among {:?}", paths(stats)))
}

/// The path of each phase and what `columns` takes from it, in the order of the record.
pub fn rows<T>(stats: &BuildStats, columns: impl Fn(&PhaseStats) -> T) -> Vec<(&str, T)> {
    stats.phases.iter().map(|phase| (phase.path.as_str(), columns(phase))).collect()
}

/// The number of calls, polls, cancelled calls, panics and open calls of a phase.
#[must_use]
pub fn counts(phase: &PhaseStats) -> [u64; 5] {
    [phase.calls, phase.polls, phase.cancelled, phase.panics, phase.open_calls]
}

/// Allocates a block and frees it.
pub fn allocate(bytes: usize) {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes)));
}

/// Runs `work` on a new thread. When this returns, the thread's thread-locals are gone, too.
///
/// # Panics
///
/// If `work` does.
pub fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(work).join().unwrap()
}

/// The resident set of this process, in KiB.
///
/// # Panics
///
/// On other systems than Linux.
#[must_use]
pub fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Polls a future once, with a waker that does nothing.
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future on this thread until it is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Is pending `times` times, without an allocation.
pub async fn yield_now(times: u32) {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
