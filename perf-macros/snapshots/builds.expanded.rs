fn nothing() {
    let __build = ::perf_runtime::__private::BuildGuard::start(
        ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
        ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
        ::perf_runtime::__private::core::cfg!(debug_assertions),
    );
    let __value = {
        fn __call<T, F: ::perf_runtime::__private::core::ops::FnOnce() -> T>(
            __body: F,
        ) -> T {
            __body()
        }
        __call(move || -> () { { } })
    };
    __build
        .finish({
            use ::perf_runtime::__private::OutcomeOfAny as _;
            (&::perf_runtime::__private::OutcomeProbe(&__value)).outcome()
        });
    return __value;
}
pub fn result(pages: Vec<Page>, __arg1: (u32, u32)) -> Result<impl Debug, Error> {
    let __build = ::perf_runtime::__private::BuildGuard::start(
        "my-site",
        ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
        ::perf_runtime::__private::core::cfg!(debug_assertions),
    );
    let __value = {
        fn __call<T, F: ::perf_runtime::__private::core::ops::FnOnce() -> T>(
            __body: F,
        ) -> T {
            __body()
        }
        __call(move || -> Result<_, Error> {
            let mut pages = pages;
            let __arg1 = __arg1;
            let (width, _) = __arg1;
            {
                pages.sort()?;
                Ok(pages)
            }
        })
    };
    __build
        .finish({
            use ::perf_runtime::__private::OutcomeOfAny as _;
            (&::perf_runtime::__private::OutcomeProbe(&__value)).outcome()
        });
    return __value;
}
fn never() -> ! {
    let __build = crate::tracking::__private::BuildGuard::start(
        crate::tracking::__private::core::env!("CARGO_PKG_NAME"),
        crate::tracking::__private::core::option_env!("CARGO_PKG_VERSION"),
        crate::tracking::__private::core::cfg!(debug_assertions),
    );
    {
        {
            loop {}
        }
    }
}
fn later(
    full: bool,
) -> impl ::perf_runtime::__private::core::future::Future<Output = Result<Site, Error>> {
    return ::perf_runtime::__private::build_future(
        async move {
            if let ::perf_runtime::__private::core::option::Option::Some(__output) = ::perf_runtime::__private::core::option::Option::None::<
                Result<Site, Error>,
            > {
                return __output;
            }
            let full = full;
            {
                if full {
                    return all().await;
                }
                changed().await
            }
        },
        "my-site",
        ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
        ::perf_runtime::__private::core::cfg!(debug_assertions),
        |__value| {
            use ::perf_runtime::__private::OutcomeOfAny as _;
            return (&::perf_runtime::__private::OutcomeProbe(__value)).outcome();
        },
    );
}
async fn never_later() -> ! {
    let __build = ::perf_runtime::__private::BuildGuard::start(
        ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
        ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
        ::perf_runtime::__private::core::cfg!(debug_assertions),
    );
    async move {
        {
            loop {}
        }
    }
        .await
}
fn future(full: bool) -> impl Future<Output = Site> {
    return ::perf_runtime::__private::build_future(
        '__body: {
            {
                if full {
                    break '__body all();
                }
                changed()
            }
        },
        ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
        ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
        ::perf_runtime::__private::core::cfg!(debug_assertions),
        |__value| {
            use ::perf_runtime::__private::OutcomeOfAny as _;
            return (&::perf_runtime::__private::OutcomeProbe(__value)).outcome();
        },
    );
}
fn boxed(full: bool) -> BoxFuture<Site> {
    return {
        {
            Box::pin(
                ::perf_runtime::__private::build_future(
                    all(),
                    ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
                    ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
                    ::perf_runtime::__private::core::cfg!(debug_assertions),
                    |__value| {
                        use ::perf_runtime::__private::OutcomeOfAny as _;
                        return (&::perf_runtime::__private::OutcomeProbe(__value))
                            .outcome();
                    },
                ),
            )
        }
    };
}
impl Tool {
    fn build(&mut self) -> &mut Site {
        let __build = ::perf_runtime::__private::BuildGuard::start(
            ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
            ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
            ::perf_runtime::__private::core::cfg!(debug_assertions),
        );
        let __value = {
            fn __call<T, F: ::perf_runtime::__private::core::ops::FnOnce() -> T>(
                __body: F,
            ) -> T {
                __body()
            }
            __call(move || -> &mut Site {
                let _ = &self;
                {
                    &mut self.site
                }
            })
        };
        __build
            .finish({
                use ::perf_runtime::__private::OutcomeOfAny as _;
                (&::perf_runtime::__private::OutcomeProbe(&__value)).outcome()
            });
        return __value;
    }
}
