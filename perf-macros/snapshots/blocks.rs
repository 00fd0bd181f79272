#[tracked_phase]
impl<T: Clone> Site<T> {
    const LIMIT: usize = {
        fn inner() {}
        1
    };

    /// Documented.
    pub fn load(&self) {
        fn inner() {}
    }

    #[untracked]
    fn left_out(&self) {}

    #[perf_runtime::tracked_phase("draw")]
    fn render(&self) {}

    #[tracked_build]
    async fn build(&self) {}

    const fn constant(&self) {}

    async unsafe fn r#match(&self) {}
}

#[tracked_phase(prefix = "trait", crate = crate::tracking)]
pub unsafe trait Render {
    fn without_body(&self);

    fn with_body(&self) {}
}

#[tracked_phase(prefix = "pages")]
mod pages {
    use super::Site;

    pub struct Page;

    fn load() {}

    impl Page {
        fn new() -> Self {
            Page
        }
    }

    #[untracked]
    impl Drop for Page {
        fn drop(&mut self) {}
    }

    mod inner {
        fn r#type() {}
    }

    extern "C" {
        fn foreign();
    }
}
