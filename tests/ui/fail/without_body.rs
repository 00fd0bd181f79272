//! A method without a body has nothing to measure, and is still a method.
use perf_runtime::{tracked_build, tracked_phase};

trait Render {
    #[tracked_phase]
    fn render(&self) -> usize;

    #[tracked_phase("fetch")]
    async fn fetch(&self);

    #[tracked_build]
    fn build(&self);
}

struct Page;

impl Render for Page {
    fn render(&self) -> usize {
        1
    }

    async fn fetch(&self) {}

    fn build(&self) {}
}

fn main() {
    Page.render();
    Page.build();
    drop(Page.fetch());
}
