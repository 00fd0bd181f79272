impl<T: Clone> Site<T> {
    const LIMIT: usize = {
        fn inner() {}
        1
    };
    /// Documented.
    #[::perf_runtime::tracked_phase(crate = ::perf_runtime)]
    pub fn load(&self) {
        fn inner() {}
    }
    fn left_out(&self) {}
    #[perf_runtime::tracked_phase("draw")]
    fn render(&self) {}
    fn build(
        &self,
    ) -> impl ::perf_runtime::__private::core::future::Future<Output = ()> {
        return ::perf_runtime::__private::build_future(
            async move {
                if false {
                    return;
                }
                let _ = &self;
                { }
            },
            ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
            ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
            ::perf_runtime::__private::core::cfg!(debug_assertions),
            |__value| {
                use ::perf_runtime::__private::OutcomeOfAny as _;
                return (&::perf_runtime::__private::OutcomeProbe(__value)).outcome();
            },
        );
    }
    const fn constant(&self) {}
    #[::perf_runtime::tracked_phase(crate = ::perf_runtime)]
    async unsafe fn r#match(&self) {}
}
pub unsafe trait Render {
    fn without_body(&self);
    #[crate::tracking::tracked_phase("trait.with_body", crate = crate::tracking)]
    fn with_body(&self) {}
}
mod pages {
    use super::Site;
    pub struct Page;
    #[::perf_runtime::tracked_phase("pages.load", crate = ::perf_runtime)]
    fn load() {}
    impl Page {
        #[::perf_runtime::tracked_phase("pages.new", crate = ::perf_runtime)]
        fn new() -> Self {
            Page
        }
    }
    impl Drop for Page {
        fn drop(&mut self) {}
    }
    mod inner {
        #[::perf_runtime::tracked_phase("pages.type", crate = ::perf_runtime)]
        fn r#type() {}
    }
    extern "C" {
        fn foreign();
    }
}
