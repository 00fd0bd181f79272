fn opaque<'a>(text: &'a str) -> impl Future<Output = usize> + Send + 'a {
    assert!(! text.is_empty());
    async move { text.len() }
}
fn opaque_with_return(number: u32) -> impl std::future::Future<Output = u32> {
    if false {
        ::perf_runtime::add_items(number);
    }
    {
        {
            if number == 0 {
                return ready(1);
            }
            let closure = || {
                return 2;
            };
            ready(closure())
        }
    }
}
fn boxed(number: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'static>> {
    if number == 0 {
        return Box::pin(zero());
    }
    match number {
        1 => std::boxed::Box::pin(one()),
        2 => recursive(),
        _ => {
            if number > 5 {
                Box::pin(async move { number })
            } else {
                unsafe { Box::pin(few()) }
            }
        }
    }
}
fn alias() -> BoxFuture<'static, u32> {
    if false {
        ::perf_runtime::add_items(3);
    }
    {
        {
            Box::pin(async { 1 })
        }
    }
}
fn construction() -> impl Future<Output = u32> {
    ready(1)
}
fn made_elsewhere() -> Pin<Box<dyn Future<Output = u32>>> {
    elsewhere()
}
