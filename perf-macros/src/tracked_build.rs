//! `#[tracked_build]`: a call of a function becomes a build.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::Result;
use syn::parse::{Parse, Parser};

use crate::args::BuildArgs;
use crate::body::{in_async_block, in_closure};
use crate::function::{Function, ours};
use crate::returned_future::wrap_returned;

/// The item as a build, or as it was where `track` is off; an error goes before the bare item.
pub(crate) fn expand(args: TokenStream, item: TokenStream, track: bool) -> TokenStream {
    try_expand(args, item.clone(), track).unwrap_or_else(|error| {
        let mut tokens = error.into_compile_error();
        tokens.extend(item);
        tokens
    })
}

fn try_expand(args: TokenStream, item: TokenStream, track: bool) -> Result<TokenStream> {
    let args = BuildArgs::parse(args)?;
    let function = Function::parse.parse2(item.clone())?;
    let wrap = |future: &TokenStream| expand_future(&function, &args, future);
    let tracked = if let Some(body) = wrap_returned(&function, args.future.as_ref(), &wrap)? {
        function.with_body(&function.sig, &body)
    } else if function.sig.asyncness.is_some() {
        expand_async(&function, &args)
    } else {
        expand_sync(&function, &args)
    };
    Ok(if track { tracked } else { item })
}

// Input:
//     #[tracked_build("my-site")]
//     fn build(full: bool) -> Result<Site, Error> {
//         body
//     }
//
// Output:
//     fn build(full: bool) -> Result<Site, Error> {
//         let __build = BuildGuard::start("my-site", option_env!("CARGO_PKG_VERSION"));
//         let __value = {
//             fn __call<T, F: FnOnce() -> T>(__body: F) -> T {
//                 __body()
//             }
//             __call(move || -> Result<Site, Error> {
//                 let full = full;
//                 { body }
//             })
//         };
//         __build.finish({
//             use OutcomeOfAny as _;
//             (&OutcomeProbe(&__value)).outcome()
//         });
//         __value
//     }
//
// NOTE: `__call` is there for its bound. Without one, a closure that returns what it has mutably
// borrowed from an argument would pass for one that can be called again, and would not compile.
// The bound only reaches the closure where the function is called by its name.
fn expand_sync(function: &Function, args: &BuildArgs) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let root = &args.root;
    let start = start(function, args);
    if function.never_returns() {
        let body = function.braced(function.block(&function.body));
        return function
            .with_body(&function.sig, &quote_spanned! {span=> let __build = #start; #body });
    }
    let (sig, closure) = in_closure(function);
    let finish = finish(function, args);
    function.with_body(
        &sig,
        &quote_spanned! {span=>
            let __build = #start;
            let __value = {
                fn __call<T, F: #root::__private::core::ops::FnOnce() -> T>(__body: F) -> T {
                    __body()
                }
                __call(#closure)
            };
            #finish
            __value
        },
    )
}

// Input:
//     #[tracked_build("my-site")]
//     async fn build(full: bool) -> Result<Site, Error> {
//         body
//     }
//
// Output:
//     async fn build(full: bool) -> Result<Site, Error> {
//         let __build = BuildGuard::start("my-site", option_env!("CARGO_PKG_VERSION"));
//         let __value = async move {
//             if let Some(__output) = None::<Result<Site, Error>> {
//                 return __output;
//             }
//             let full = full;
//             { body }
//         }
//         .await;
//         __build.finish({
//             use OutcomeOfAny as _;
//             (&OutcomeProbe(&__value)).outcome()
//         });
//         __value
//     }
fn expand_async(function: &Function, args: &BuildArgs) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let start = start(function, args);
    let (sig, block) = in_async_block(function, &args.root, None);
    if function.never_returns() {
        return function
            .with_body(&sig, &quote_spanned!(span=> let __build = #start; #block.await));
    }
    let finish = finish(function, args);
    function.with_body(
        &sig,
        &quote_spanned! {span=>
            let __build = #start;
            let __value = #block.await;
            #finish
            __value
        },
    )
}

// Input:
//     future
//
// Output:
//     {
//         let __future = future;
//         async move {
//             let __build = BuildGuard::start("my-site", option_env!("CARGO_PKG_VERSION"));
//             let __value = __future.await;
//             __build.finish({
//                 use OutcomeOfAny as _;
//                 (&OutcomeProbe(&__value)).outcome()
//             });
//             __value
//         }
//     }
fn expand_future(function: &Function, args: &BuildArgs, future: &TokenStream) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let start = start(function, args);
    let finish = finish(function, args);
    quote_spanned! {span=>
        {
            let __future = #future;
            async move {
                let __build = #start;
                let __value = __future.await;
                #finish
                __value
            }
        }
    }
}

/// Starts the build. The package is that of the user's function, because its compilation evaluates
/// the variables.
// Output:
//     ::perf_runtime::__private::BuildGuard::start(
//         ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
//         ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
//     )
fn start(function: &Function, args: &BuildArgs) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let root = &args.root;
    let core = quote_spanned!(span=> #root::__private::core);
    let tool = args.tool.as_ref().map_or_else(
        || quote_spanned!(span=> #core::env!("CARGO_PKG_NAME")),
        ToTokens::to_token_stream,
    );
    quote_spanned! {span=>
        #root::__private::BuildGuard::start(#tool, #core::option_env!("CARGO_PKG_VERSION"))
    }
}

/// Ends the build with the outcome of what the function returns.
// Output:
//     __build.finish({
//         use ::perf_runtime::__private::OutcomeOfAny as _;
//         (&::perf_runtime::__private::OutcomeProbe(&__value)).outcome()
//     });
fn finish(function: &Function, args: &BuildArgs) -> TokenStream {
    let root = &args.root;
    quote_spanned! {ours(function.sig.ident.span())=>
        __build.finish({
            use #root::__private::OutcomeOfAny as _;
            (&#root::__private::OutcomeProbe(&__value)).outcome()
        });
    }
}
