#[tracked_phase]
async fn nothing() {}

#[tracked_phase(items = pages.len())]
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
    pages.sort()?;
    Ok(Box::new(pages))
}

#[tracked_phase]
async unsafe fn opaque(&self) -> Result<impl Iterator<Item = impl Debug>, Error> {
    self.iter()
}

#[tracked_phase]
async fn all_opaque() -> impl Debug {
    1
}

#[tracked_phase]
async fn never() -> ! {
    loop {}
}

impl Page {
    #[tracked_phase(name = "fetch", crate = ::tool::perf)]
    async fn fetch(mut self: Box<Self>, r#type: &str) -> &str {
        self.text
    }
}
