fn opaque<'a>(text: &'a str) -> impl Future<Output = usize> + Send + 'a {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "opaque",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    return __site
        .future({
            {
                assert!(! text.is_empty());
                async move { text.len() }
            }
        });
}
fn opaque_with_return(number: u32) -> impl std::future::Future<Output = u32> {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "opaque_with_return",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    let __items = if ::perf_runtime::__private::MEASURES {
        ::perf_runtime::ItemCount::to_count(number)
    } else {
        0
    };
    return __site
        .future_with_items(
            __items,
            '__body: {
                {
                    if number == 0 {
                        break '__body ready(1);
                    }
                    let closure = || {
                        return 2;
                    };
                    ready(closure())
                }
            },
        );
}
fn boxed(number: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'static>> {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "boxed",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    return {
        {
            if number == 0 {
                return Box::pin(__site.future(zero()));
            }
            match number {
                1 => std::boxed::Box::pin(__site.future(one())),
                2 => recursive(),
                _ => {
                    if number > 5 {
                        Box::pin(__site.future(async move { number }))
                    } else {
                        unsafe { Box::pin(__site.future(few())) }
                    }
                }
            }
        }
    };
}
fn alias() -> BoxFuture<'static, u32> {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "alias",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    let __items = if ::perf_runtime::__private::MEASURES {
        ::perf_runtime::ItemCount::to_count(3)
    } else {
        0
    };
    return {
        {
            Box::pin(__site.future_with_items(__items, async { 1 }))
        }
    };
}
fn construction() -> impl Future<Output = u32> {
    let __guard = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "construction",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    }
        .enter();
    {
        {
            ready(1)
        }
    }
}
fn made_elsewhere() -> Pin<Box<dyn Future<Output = u32>>> {
    let __guard = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "made_elsewhere",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    }
        .enter();
    {
        {
            elsewhere()
        }
    }
}
