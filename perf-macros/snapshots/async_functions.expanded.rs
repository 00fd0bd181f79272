fn nothing() -> impl ::perf_runtime::__private::core::future::Future<Output = ()> {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "nothing",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    return __site
        .future(async move {
            if false {
                return;
            }
            { }
        });
}
fn arguments<T>(
    pages: Vec<T>,
    __arg1: (u32, u32),
    __arg2: u8,
    _unused: u8,
    #[cfg(feature = "trace")]
    trace: &Trace,
    __arg5: String,
    __arg6: Pair,
) -> impl ::perf_runtime::__private::core::future::Future<
    Output = Result<Box<dyn Debug>, Error>,
> {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "arguments",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    return __site
        .future(async move {
            if let ::perf_runtime::__private::core::option::Option::Some(__output) = ::perf_runtime::__private::core::option::Option::None::<
                Result<Box<dyn Debug>, Error>,
            > {
                return __output;
            }
            let mut pages = pages;
            let __arg1 = __arg1;
            let (width, _) = __arg1;
            let __arg2 = __arg2;
            let (_unused,) = (_unused,);
            #[cfg(feature = "trace")]
            #[allow(unused_variables)]
            let trace = trace;
            let __arg5 = __arg5;
            let ref borrowed = __arg5;
            let mut __arg6 = __arg6;
            let Pair(ref mut first, _) = __arg6;
            if ::perf_runtime::__private::any_build_open() {
                ::perf_runtime::add_items(pages.len());
            }
            {
                pages.sort()?;
                Ok(Box::new(pages))
            }
        });
}
unsafe fn opaque(
    &self,
) -> impl ::perf_runtime::__private::core::future::Future<
    Output = Result<impl Iterator<Item = impl Debug>, Error>,
> {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "opaque",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    return __site
        .future(async move {
            if let ::perf_runtime::__private::core::option::Option::Some(__output) = ::perf_runtime::__private::core::option::Option::None::<
                Result<_, Error>,
            > {
                return __output;
            }
            let _ = &self;
            {
                self.iter()
            }
        });
}
fn all_opaque() -> impl ::perf_runtime::__private::core::future::Future<
    Output = impl Debug,
> {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "all_opaque",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    return __site
        .future(async move {
            {
                1
            }
        });
}
async fn never() -> ! {
    let __site = {
        static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
            "never",
            ::perf_runtime::__private::core::file!(),
            ::perf_runtime::__private::core::line!(),
        );
        &SITE
    };
    __site
        .future(async move {
            {
                loop {}
            }
        })
        .await
}
impl Page {
    fn fetch(
        mut self: Box<Self>,
        r#type: &str,
    ) -> impl ::tool::perf::__private::core::future::Future<Output = &str> {
        let __site = {
            static SITE: ::tool::perf::__private::Site = ::tool::perf::__private::Site::new(
                "fetch",
                ::tool::perf::__private::core::file!(),
                ::tool::perf::__private::core::line!(),
            );
            &SITE
        };
        return __site
            .future(async move {
                if let ::tool::perf::__private::core::option::Option::Some(__output) = ::tool::perf::__private::core::option::Option::None::<
                    &str,
                > {
                    return __output;
                }
                let _ = &self;
                let r#type = r#type;
                {
                    self.text
                }
            });
    }
}
