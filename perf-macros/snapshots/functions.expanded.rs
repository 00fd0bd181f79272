fn plain() {
    let __guard = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "plain",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    }
        .enter();
    { { } }
}
/// Documented.
#[inline]
pub(crate) fn renamed<T: Clone, const N: usize>(
    values: [T; N],
) -> impl Iterator<Item = T>
where
    T: Copy,
{
    let __guard = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "renamed",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    }
        .enter();
    {
        {
            values.into_iter()
        }
    }
}
fn counted(pages: &[Page], (width, _): (u32, u32)) -> Result<Vec<Html>, Error> {
    #![allow(unused_variables)]
    let __guard = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "counted",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    }
        .enter();
    if ::perf_runtime::__private::any_build_open() {
        ::perf_runtime::add_items(pages.len());
    }
    {
        {
            use std::fmt::Write;
            pages.iter().map(render).collect()
        }
    }
}
unsafe extern "C" fn r#match(mut pointer: *const u8, _: u8) -> ! {
    let __guard = {
        static SITE: crate::tracking::__private::Site = crate::tracking::__private::Site::new(
            "match",
            crate::tracking::__private::core::file!(),
            crate::tracking::__private::core::line!(),
        );
        &SITE
    }
        .enter();
    {
        {
            loop {}
        }
    }
}
impl Page {
    fn render(&mut self) -> &str {
        let __guard = {
            static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
                "render",
                ::perf_runtime::__private::core::file!(),
                ::perf_runtime::__private::core::line!(),
            );
            &SITE
        }
            .enter();
        if ::perf_runtime::__private::any_build_open() {
            ::perf_runtime::add_items(self.blocks);
        }
        {
            {
                &self.html
            }
        }
    }
}
