async fn nothing() {}
async fn arguments<T>(
    mut pages: Vec<T>,
    (width, _): (u32, u32),
    _: u8,
    _unused: u8,
    #[cfg(feature = "trace")]
    #[allow(unused_variables)]
    trace: &Trace,
    ref borrowed: String,
    Pair(ref mut first, _): Pair,
) -> Result<Box<dyn Debug>, Error> {
    if false {
        ::perf_runtime::add_items(pages.len());
    }
    {
        {
            pages.sort()?;
            Ok(Box::new(pages))
        }
    }
}
async unsafe fn opaque(&self) -> Result<impl Iterator<Item = impl Debug>, Error> {
    self.iter()
}
async fn all_opaque() -> impl Debug {
    1
}
async fn never() -> ! {
    loop {}
}
impl Page {
    async fn fetch(mut self: Box<Self>, r#type: &str) -> &str {
        self.text
    }
}
