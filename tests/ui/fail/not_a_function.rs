//! An item that cannot be annotated is an error and stays as it is.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
struct Page;

#[tracked_phase("name")]
pub type Alias = Page;

#[tracked_build]
pub const LIMIT: usize = 1;

#[tracked_build("tool")]
mod pages {
    pub fn all() {}
}

#[tracked_phase]
use pages::all;

#[tracked_build]
impl Page {
    fn render(&self) {}
}

fn main() {
    let page: Alias = Page;
    page.render();
    all();
    let _ = LIMIT;
}
