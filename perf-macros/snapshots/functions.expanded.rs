fn plain() {
    let __guard = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "plain",
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
        );
        &SITE
    }
        .enter_with_items(pages.len());
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
            );
            &SITE
        }
            .enter_with_items(self.blocks);
        {
            {
                &self.html
            }
        }
    }
}
