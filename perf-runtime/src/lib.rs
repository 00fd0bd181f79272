//! Continuous performance tracking for build tools.
//!
//! Annotate the functions that are the phases of a build. Each build then appends one record of where
//! its time and memory went to a history.
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
//! The record goes to `.build-metrics/history.jsonl`. `BuildStats` and `PhaseStats` document the
//! meaning and the units of its numbers.
//!
//! # Features
//!
//! An application uses the defaults. A library that annotates itself depends on this crate with
//! `default-features = false`: the application that uses it decides whether it is measured.
//!
//! | feature | meaning |
//! |---|---|
//! | `track` (default) | measures; without it the API is the same and does nothing, and an annotated function compiles to the machine code of the bare one |
//! | `record` (default) | `PerformanceCollector`, `BuildStats` and the history turn measurements into records; without it `#[tracked_build]` records nothing |
//! | `allocators` | sampling of allocations, on Linux on x86-64 and ARM64: see `BUILD_METRICS_ALLOCATORS` and `PerformanceCollector::sample_allocations` |
//! | `tracing` | `PhaseLayer` turns the spans of a tool that uses `tracing` into phases |
//!
//! # Switches
//!
//! Environment variables change what a finished program records:
//!
//! | variable | meaning |
//! |---|---|
//! | `BUILD_METRICS=off` | nothing is measured or written |
//! | `BUILD_METRICS_DIR` | the directory of the history, instead of `.build-metrics` |
//! | `BUILD_METRICS_LABELS=key=value,…` | labels for the record; `%2C` is a comma |
//! | `BUILD_METRICS_TIMELINE=1` | each call adds an interval to a timeline beside the history, up to 1,048,576 calls |
//! | `BUILD_METRICS_ALLOCATORS=1` | allocations are sampled, one byte in 256 KiB on average (or `=64KiB`), and each phase reports its top allocators; needs the feature `allocators` |
//! | `BUILD_METRICS_GIT=off` | nothing about the checkout is read |
//! | `BUILD_METRICS_COMMIT`, `BUILD_METRICS_BRANCH` | the commit (its full name) and the branch to record, instead of those that the checkout or the CI job has |
//!
//! A value that cannot be read is named in one warning and ignored.
//!
//! # Limits
//!
//! - A build that ends by `std::process::exit`, an abort or a signal leaves no record.
//! - Work on another thread counts at the root of the build, unless it is handed off with
//!   [`in_current_phase!`], [`InCurrentPhase`] or [`PhaseHandle`].
//! - With `#[tracked_build]` on an `async fn` on a multi-threaded executor, the build thread is the one
//!   that polled the future first. Times on the build thread are meaningful only until the future moves
//!   to another thread.
//! - The phases of a plugin (`cdylib`) with its own copy of this crate are not measured.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "record")]
mod allocation_sampling;
#[cfg(feature = "record")]
mod collector;
#[cfg(all(feature = "record", feature = "track"))]
mod environment;
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

/// Used by the expansions of the macros. Not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use perf_core::__private::*;

    pub use crate::tracked_build::{BuildGuard, OutcomeOfAny, OutcomeProbe, build_future};
}

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
