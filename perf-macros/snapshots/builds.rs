#[tracked_build]
fn nothing() {}

#[tracked_build("my-site")]
pub fn result(mut pages: Vec<Page>, (width, _): (u32, u32)) -> Result<impl Debug, Error> {
    pages.sort()?;
    Ok(pages)
}

#[tracked_build(crate = crate::tracking)]
fn never() -> ! {
    loop {}
}

#[tracked_build(name = "my-site")]
async fn later(full: bool) -> Result<Site, Error> {
    if full {
        return all().await;
    }
    changed().await
}

#[tracked_build]
async fn never_later() -> ! {
    loop {}
}

#[tracked_build]
fn future(full: bool) -> impl Future<Output = Site> {
    if full {
        return all();
    }
    changed()
}

#[tracked_build(future = true)]
fn boxed(full: bool) -> BoxFuture<Site> {
    Box::pin(all())
}

impl Tool {
    #[tracked_build]
    fn build(&mut self) -> &mut Site {
        &mut self.site
    }
}
