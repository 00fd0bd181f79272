fn nothing() {}
pub fn result(
    mut pages: Vec<Page>,
    (width, _): (u32, u32),
) -> Result<impl Debug, Error> {
    pages.sort()?;
    Ok(pages)
}
fn never() -> ! {
    loop {}
}
async fn later(full: bool) -> Result<Site, Error> {
    if full {
        return all().await;
    }
    changed().await
}
async fn never_later() -> ! {
    loop {}
}
fn future(full: bool) -> impl Future<Output = Site> {
    if full {
        return all();
    }
    changed()
}
fn boxed(full: bool) -> BoxFuture<Site> {
    Box::pin(all())
}
impl Tool {
    fn build(&mut self) -> &mut Site {
        &mut self.site
    }
}
