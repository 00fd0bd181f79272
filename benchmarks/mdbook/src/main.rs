//! mdBook with its phases annotated: a real tool that allocates much. Without the feature `track` all
//! measuring is compiled out.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use mdbook_driver::MDBook;
use perf_runtime::{PerformanceCollector, TrackingAllocator, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

#[tracked_phase]
fn load(root: PathBuf) -> Result<MDBook> {
    MDBook::load(root)
}

#[tracked_phase(items = book.iter().count())]
fn render(book: &MDBook) -> Result<()> {
    book.build()
}

fn main() -> Result<()> {
    let root = std::env::args_os().nth(1).context("usage: mdbook BOOK")?;
    let mut collector = PerformanceCollector::from_env("mdbook", "0");
    collector.start_build();
    let result = load(root.into()).and_then(|book| render(&book));
    let stats = collector.end_build_with(&result);
    collector.save(&stats);
    result
}
