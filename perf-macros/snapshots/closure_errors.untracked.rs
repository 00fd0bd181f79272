fn no_closures() {
    let function = {
        ::core::compile_error! {
            "expected a closure, as in `in_current_phase!(|page| render(page))`"
        }
        (render)
    };
    let choice = {
        ::core::compile_error! {
            "expected a closure, as in `in_current_phase!(|page| render(page))`"
        }
        (if full { all } else { some })
    };
    let future = {
        ::core::compile_error! {
            "expected a closure; a future has a method, `.in_current_phase()`"
        }
        (async { render().await })
    };
    let coroutine = {
        ::core::compile_error! {
            "a closure in the current phase cannot be `static`"
        }
        || 1
    };
    let two = {
        ::core::compile_error! {
            "expected nothing after the closure"
        }
        || 1
    };
    let nothing = ::core::compile_error! {
        "expected a closure, as in `in_current_phase!(|page| render(page))`"
    };
}
