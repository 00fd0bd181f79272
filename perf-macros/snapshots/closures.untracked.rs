fn bodies(pages: &[Page]) {
    let expression = { |page| { (render(page)) } };
    let moved = {
        move |page: &Page| {
            {
                (match page.kind {
                    Kind::Text => 1,
                    _ => 2,
                } + 1)
            }
        }
    };
    let block = {
        |&page, (width, _)| -> Result<Html, Error> {
            {
                let html = render(page)?;
                Ok(html)
            }
        }
    };
    let moved_block = {
        move || {
            {
                {
                    pages.len()
                }
            }
        }
    };
    let nested = {
        |width| {
            ({
                move |page| {
                    { (render(page, width)) }
                }
            })
        }
    };
}
fn heads(pages: &[Page]) {
    let nothing = { || { { } } };
    let attributed = { #[inline] |page| { (page.len()) } };
    let bound = {
        for<'a> |page: &'a Page| -> &'a Html {
            {
                &page.html
            }
        }
    };
    let rooted = { |page| { (render(page)) } };
}
fn futures(pages: &[Page]) {
    let future = { |page| { (async move { render(page).await }) } };
    let after = {
        move |page: &Page| {
            {
                {
                    let page = page.clone();
                    async move { render(page).await }
                }
            }
        }
    };
    let boxed = { |page| { (Box::pin(async move { render(page).await })) } };
    let typed = {
        |page| -> Pin<Box<dyn Future<Output = Html>>> {
            {
                if page.is_empty() {
                    return Box::pin(ready(Html::new()));
                }
                Box::pin(render(page))
            }
        }
    };
    let closure = { async |page: &Page, (width, _)| { (render(page, width).await) } };
    let moved_closure = {
        async move |mut page: Page| -> Result<Html, Error> {
            {
                {
                    if page.is_empty() {
                        return Ok(Html::new());
                    }
                    render(&mut page).await
                }
            }
        }
    };
}
