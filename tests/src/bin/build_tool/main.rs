//! The build tools that tests run as child processes. The first argument selects one.

#![forbid(unsafe_code)]

mod among_threads;
mod annotated;
mod everything;
mod many_builds;
mod sampled;
mod timed;
mod with_logger;
mod workloads;

use std::process::ExitCode;

use perf_runtime::TrackingAllocator;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("among-threads") => among_threads::main(),
        Some("annotated") => return annotated::main(),
        Some("everything") => everything::main(),
        Some("many-builds") => many_builds::main(),
        Some("sampled") => sampled::main(),
        Some("timed") => timed::main(),
        Some("with-logger") => with_logger::main(),
        Some("workloads") => workloads::main(),
        other => panic!("no build tool is named {other:?}"),
    }
    ExitCode::SUCCESS
}
