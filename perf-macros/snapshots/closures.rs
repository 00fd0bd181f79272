fn bodies(pages: &[Page]) {
    let expression = in_current_phase!(|page| render(page));
    let moved = in_current_phase!(move |page: &Page| match page.kind {
        Kind::Text => 1,
        _ => 2,
    } + 1);
    let block = in_current_phase!(|&page, (width, _)| -> Result<Html, Error> {
        let html = render(page)?;
        Ok(html)
    });
    let moved_block = in_current_phase!(move || {
        pages.len()
    });
    let nested = in_current_phase!(|width| in_current_phase!(move |page| render(page, width)));
}

fn heads(pages: &[Page]) {
    let nothing = in_current_phase!(|| {},);
    let attributed = in_current_phase!(
        #[inline]
        |page| page.len()
    );
    let bound = in_current_phase!(for<'a> |page: &'a Page| -> &'a Html { &page.html });
    let rooted = in_current_phase!(crate = crate::tracking, |page| render(page));
}

fn futures(pages: &[Page]) {
    let future = in_current_phase!(|page| async move { render(page).await });
    let after = in_current_phase!(move |page: &Page| {
        let page = page.clone();
        async move { render(page).await }
    });
    let boxed = in_current_phase!(|page| Box::pin(async move { render(page).await }));
    let typed = in_current_phase!(|page| -> Pin<Box<dyn Future<Output = Html>>> {
        if page.is_empty() {
            return Box::pin(ready(Html::new()));
        }
        Box::pin(render(page))
    });
    let closure = in_current_phase!(async |page: &Page, (width, _)| render(page, width).await);
    let moved_closure = in_current_phase!(async move |mut page: Page| -> Result<Html, Error> {
        if page.is_empty() {
            return Ok(Html::new());
        }
        render(&mut page).await
    });
}
