//! Destructors that the system runs after all of the standard library's, when the runtime has given
//! up the thread: what they allocate is still counted, once, and what the runtime needs for them is
//! not. Without the usual test harness, which allocates on a thread of its own: each allocation
//! here is that of a test.

#[cfg(target_os = "linux")]
#[cfg(target_os = "linux")]
mod thread_keys;

use libtest_mimic::Arguments;
use perf_runtime::TrackingAllocator;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

fn main() {
    // One after another, on this thread.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    #[cfg(target_os = "linux")]
    let trials = thread_keys::trials();
    #[cfg(not(target_os = "linux"))]
    let trials = Vec::new();
    libtest_mimic::run(&arguments, trials).exit();
}
