//! Continuous performance tracking for build tools.
//!
//! Annotate the functions that are the phases of a build; every build then leaves one record of
//! where its time and memory went in an append-only history.
//!
//! ```
//! use perf_runtime::{TrackingAllocator, tracked_build, tracked_phase};
//!
//! #[global_allocator]
//! static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();
//!
//! #[tracked_phase("render", items = pages.len())]
//! fn render(pages: &[&str]) -> Vec<String> {
//!     pages.iter().map(|page| format!("<p>{page}</p>")).collect()
//! }
//!
//! #[tracked_build("my-site")]
//! fn build() -> Result<usize, std::io::Error> {
//!     let pages = render(&["one", "two"]);
//!     perf_runtime::build().count("total_pages", pages.len());
//!     Ok(pages.len())
//! }
//! # fn main() {
//! # let dir = std::env::temp_dir().join(format!("perf-runtime-doc-root-{}", std::process::id()));
//! # // SAFETY: nothing else runs.
//! # unsafe { std::env::set_var("BUILD_METRICS_DIR", &dir) };
//! assert_eq!(build().unwrap(), 2);
//! # let records = cfg!(all(feature = "record", feature = "track"));
//! # assert_eq!(dir.join("history.jsonl").exists(), records);
//! # let _ = std::fs::remove_dir_all(dir);
//! # }
//! ```
//!
//! The record goes to `.build-metrics/history.jsonl`. `BuildStats` and `PhaseStats` document what
//! its numbers mean.
//!
//! # Features
//!
//! An application uses the defaults. A library that annotates itself depends on this crate with
//! `default-features = false`: the application that uses it decides whether it is measured.
//!
//! | feature | meaning |
//! |---|---|
//! | `track` (default) | measure; without it everything is there and does nothing, and an annotated function compiles to the machine code of the bare one |
//! | `record` (default) | `PerformanceCollector`, `BuildStats` and the history: turn measurements into records; without it `#[tracked_build]` records nothing |
//! | `allocators` | sampling of allocations, on Linux on x86-64 and ARM64: see `BUILD_METRICS_ALLOCATORS` and `PerformanceCollector::sample_allocations` |
//! | `tracing` | `PhaseLayer`: the spans of a tool that is instrumented with `tracing` become phases |
//!
//! # Switches
//!
//! Environment variables, for a program that is already shipped:
//!
//! | variable | meaning |
//! |---|---|
//! | `BUILD_METRICS=off` | nothing is measured or written |
//! | `BUILD_METRICS_DIR` | where records go, instead of `.build-metrics` |
//! | `BUILD_METRICS_LABELS=key=value,…` | labels for the record; `%2C` is a comma |
//! | `BUILD_METRICS_TIMELINE=1` | each call leaves an interval in a timeline beside the history, up to 1,048,576 calls |
//! | `BUILD_METRICS_ALLOCATORS=1` | allocations are sampled, one byte in 256 KiB on average (or `=64KiB`): each phase reports its top allocators; needs the feature `allocators` |
//! | `BUILD_METRICS_GIT=off` | nothing about the checkout is recorded |
//!
//! A value that cannot be read is named in one warning and ignored.
//!
//! # Limits
//!
//! - A build that ends by `std::process::exit`, an abort or a signal leaves no record.
//! - Work that is not handed off ([`in_current_phase!`], [`InCurrentPhase`], [`PhaseHandle`]) to
//!   the thread that does it counts at the root of the build.
//! - With `#[tracked_build]` on an `async fn` on a runtime of several threads, the build thread is
//!   the one that polled it first; its share of time is meaningful only up to the first move.
//! - A plugin (`cdylib`) with its own copy of this crate is not seen.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "record")]
mod allocation_sampling;
#[cfg(feature = "record")]
mod collector;
#[cfg(all(feature = "record", feature = "track"))]
mod environment;
mod outcome;
#[cfg(all(unix, feature = "record"))]
mod system_calls;
mod tracked_build;

#[cfg(feature = "record")]
pub use allocation_sampling::AllocationSampling;
#[cfg(feature = "record")]
pub use collector::PerformanceCollector;
#[cfg(feature = "tracing")]
pub use perf_core::PhaseLayer;
pub use perf_core::{
    BuildHandle, CountError, InCurrentPhase, InPhase, ItemCount, PhaseGuard, PhaseHandle,
    TrackingAllocator, add_items, build, enter, phase,
};
#[cfg(feature = "record")]
pub use perf_history::{self, BuildStats, HistoryError, Outcome, PhaseStats};
pub use perf_macros::{in_current_phase, tracked_build, tracked_phase};

/// What the expansions of the macros refer to. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use perf_core::__private::*;

    pub use crate::outcome::{OutcomeOfAny, OutcomeProbe};
    pub use crate::tracked_build::{BuildGuard, build_future};
}
