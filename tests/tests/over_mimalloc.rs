//! The tracking allocator over mimalloc: a binary for its global allocator.

mod inner_allocator;

use mimalloc::MiMalloc;
use perf_runtime::TrackingAllocator;

#[global_allocator]
static ALLOCATOR: TrackingAllocator<MiMalloc> = TrackingAllocator::new(MiMalloc);
