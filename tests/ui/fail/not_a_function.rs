//! What is no function stays what it is.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
struct Page;

#[tracked_phase("name")]
pub trait Render {
    fn render(&self) {}
}

#[tracked_phase]
impl Render for Page {}

#[tracked_build]
pub const LIMIT: usize = 1;

#[tracked_build("tool")]
mod pages {
    pub fn all() {}
}

#[tracked_phase]
use pages::all;

#[tracked_phase]
unsafe impl Send for Raw {}

struct Raw(*const u8);

fn main() {
    Page.render();
    all();
    let _ = (LIMIT, Raw(std::ptr::null()));
}
