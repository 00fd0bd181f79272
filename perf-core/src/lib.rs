//! The measuring core of `perf-runtime`: the counting allocator, phases, and the attribution of time
//! and memory to them.
//!
//! Tools and libraries depend on `perf-runtime`, which re-exports everything here. This crate is
//! separate so that all versions of `perf-runtime` in a program can share one registry and one
//! allocator. It reads no files, starts no threads unless the recorder asks for one, and knows no
//! record format.
//!
//! # Features
//!
//! | feature | meaning |
//! |---|---|
//! | `track` | measure; without it the same types and functions do nothing, and a phase compiles to the machine code of the bare function |
//! | `sampling` | the hook through which `perf-sampling` sees each allocation |
//! | `tracing` | `PhaseLayer`: the spans of `tracing` become phases |

mod allocator;
mod build_handle;
mod count;
#[cfg(feature = "track")]
mod measure;
#[cfg(feature = "track")]
mod overhead;
mod phase;
mod phase_macro;
#[cfg(feature = "track")]
pub mod recorder;
#[cfg(feature = "track")]
mod registry;
#[cfg(feature = "sampling")]
pub mod sampling_hook;
#[cfg(feature = "track")]
mod sync;
#[cfg(feature = "tracing")]
mod tracing_layer;

pub use allocator::TrackingAllocator;
pub use build_handle::{BuildHandle, build};
pub use count::{CountError, ItemCount};
pub use phase::guard::{PhaseGuard, add_items, enter};
pub use phase::handle::{InCurrentPhase, InPhase, PhaseHandle};
#[cfg(feature = "tracing")]
pub use tracing_layer::PhaseLayer;

/// For the expansions of the macros only. Not part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use core;
    pub use std::boxed::Box;

    pub use crate::phase::future::TrackedFuture;
    pub use crate::phase::handle::{CarriedPhase, carried_future, carry, enter_carried};
    pub use crate::phase::site::{Site, any_build_open};

    /// Whether the feature `track` is on.
    pub const MEASURES: bool = cfg!(feature = "track");
}

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
