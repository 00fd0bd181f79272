//! What is neither a function nor holds functions stays what it is.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
struct Page;

#[tracked_build]
pub const LIMIT: usize = 1;

#[tracked_build("tool")]
mod pages {
    pub fn all() {}
}

#[tracked_phase]
use pages::all;

fn main() {
    all();
    let _ = (LIMIT, Page);
}
