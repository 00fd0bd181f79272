//! The tracking allocator over jemalloc, with the feature `jemalloc`: a binary for its global allocator.

mod inner_allocator;

use perf_runtime::TrackingAllocator;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: TrackingAllocator<Jemalloc> = TrackingAllocator::new(Jemalloc);
