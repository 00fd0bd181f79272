//! A library that annotates itself, and leaves it to the program whether that measures.

use perf_runtime::{TrackingAllocator, phase, tracked_build, tracked_phase};

/// An allocator for the program.
pub const ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// Generates the text of a program.
#[tracked_phase("generate", items = numbers.len())]
pub fn generate(numbers: &[u32]) -> String {
    phase!("join", { numbers.iter().map(|number| format!("{number},")).collect() })
}

/// Generates the text as a build of its own.
#[tracked_build("helper")]
pub fn build(numbers: &[u32]) -> Result<String, std::fmt::Error> {
    Ok(generate(numbers))
}
