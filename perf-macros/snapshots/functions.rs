#[tracked_phase]
fn plain() {}

/// Documented.
#[tracked_phase("renamed")]
#[inline]
pub(crate) fn renamed<T: Clone, const N: usize>(values: [T; N]) -> impl Iterator<Item = T>
where
    T: Copy,
{
    values.into_iter()
}

#[tracked_phase(name = "counted", items = pages.len())]
fn counted(pages: &[Page], (width, _): (u32, u32)) -> Result<Vec<Html>, Error> {
    #![allow(unused_variables)]
    use std::fmt::Write;
    pages.iter().map(render).collect()
}

#[tracked_phase(crate = crate::tracking)]
unsafe extern "C" fn r#match(mut pointer: *const u8, _: u8) -> ! {
    loop {}
}

impl Page {
    #[tracked_phase(items = self.blocks)]
    fn render(&mut self) -> &str {
        &self.html
    }
}
