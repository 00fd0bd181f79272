fn plain() {}
/// Documented.
#[inline]
pub(crate) fn renamed<T: Clone, const N: usize>(
    values: [T; N],
) -> impl Iterator<Item = T>
where
    T: Copy,
{
    values.into_iter()
}
fn counted(pages: &[Page], (width, _): (u32, u32)) -> Result<Vec<Html>, Error> {
    #![allow(unused_variables)]
    if false {
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
    loop {}
}
impl Page {
    fn render(&mut self) -> &str {
        if false {
            ::perf_runtime::add_items(self.blocks);
        }
        {
            {
                &self.html
            }
        }
    }
}
