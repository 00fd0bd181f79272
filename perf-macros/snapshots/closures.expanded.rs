fn bodies(pages: &[Page]) {
    let expression = {
        let __phase = ::perf_runtime::__private::carry();
        |page| {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            (render(page))
        }
    };
    let moved = {
        let __phase = ::perf_runtime::__private::carry();
        move |page: &Page| {
            {
                let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
                (match page.kind {
                    Kind::Text => 1,
                    _ => 2,
                } + 1)
            }
        }
    };
    let block = {
        let __phase = ::perf_runtime::__private::carry();
        |&page, (width, _)| -> Result<Html, Error> {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            {
                let html = render(page)?;
                Ok(html)
            }
        }
    };
    let moved_block = {
        let __phase = ::perf_runtime::__private::carry();
        move || {
            {
                let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
                {
                    pages.len()
                }
            }
        }
    };
    let nested = {
        let __phase = ::perf_runtime::__private::carry();
        |width| {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            ({
                let __phase = ::perf_runtime::__private::carry();
                move |page| {
                    {
                        let __guard = ::perf_runtime::__private::enter_carried(
                            &*__phase,
                        );
                        (render(page, width))
                    }
                }
            })
        }
    };
}
fn heads(pages: &[Page]) {
    let nothing = {
        let __phase = ::perf_runtime::__private::carry();
        || {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            { }
        }
    };
    let attributed = {
        let __phase = ::perf_runtime::__private::carry();
        #[inline]
        |page| {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            (page.len())
        }
    };
    let bound = {
        let __phase = ::perf_runtime::__private::carry();
        for<'a> |page: &'a Page| -> &'a Html {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            {
                &page.html
            }
        }
    };
    let rooted = {
        let __phase = crate::tracking::__private::carry();
        |page| {
            let __guard = crate::tracking::__private::enter_carried(&*__phase);
            (render(page))
        }
    };
}
fn futures(pages: &[Page]) {
    let future = {
        let __phase = ::perf_runtime::__private::carry();
        |page| {
            (::perf_runtime::__private::carried_future(
                &*__phase,
                async move { render(page).await },
            ))
        }
    };
    let after = {
        let __phase = ::perf_runtime::__private::carry();
        move |page: &Page| {
            {
                let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
                {
                    let page = page.clone();
                    ::perf_runtime::__private::carried_future(
                        &*__phase,
                        async move { render(page).await },
                    )
                }
            }
        }
    };
    let boxed = {
        let __phase = ::perf_runtime::__private::carry();
        |page| {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            (Box::pin(
                ::perf_runtime::__private::carried_future(
                    &*__phase,
                    async move { render(page).await },
                ),
            ))
        }
    };
    let typed = {
        let __phase = ::perf_runtime::__private::carry();
        |page| -> Pin<Box<dyn Future<Output = Html>>> {
            let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
            {
                if page.is_empty() {
                    return Box::pin(
                        ::perf_runtime::__private::carried_future(
                            &*__phase,
                            ready(Html::new()),
                        ),
                    );
                }
                Box::pin(
                    ::perf_runtime::__private::carried_future(&*__phase, render(page)),
                )
            }
        }
    };
    let closure = {
        let __phase = ::perf_runtime::__private::carry();
        async |page: &Page, __arg1: _| {
            ::perf_runtime::__private::carried_future(
                    &*__phase,
                    async {
                        let page = page;
                        let __arg1 = __arg1;
                        let (width, _) = __arg1;
                        (render(page, width).await)
                    },
                )
                .await
        }
    };
    let moved_closure = {
        let __phase = ::perf_runtime::__private::carry();
        async move |page: Page| -> Result<Html, Error> {
            {
                ::perf_runtime::__private::carried_future(
                        &*__phase,
                        async {
                            if let ::perf_runtime::__private::core::option::Option::Some(
                                __output,
                            ) = ::perf_runtime::__private::core::option::Option::None::<
                                Result<Html, Error>,
                            > {
                                return __output;
                            }
                            let mut page = page;
                            {
                                if page.is_empty() {
                                    return Ok(Html::new());
                                }
                                render(&mut page).await
                            }
                        },
                    )
                    .await
            }
        }
    };
}
