//! A trait, an `impl` block and a module take a prefix, not a name.
use perf_runtime::tracked_phase;

struct Page;

#[tracked_phase("name")]
pub trait Render {
    fn render(&self) {}
}

#[tracked_phase(items = 1)]
impl Render for Page {}

#[tracked_phase(name = "pages")]
mod pages {
    pub fn all() {}
}

fn main() {
    Page.render();
    pages::all();
}
