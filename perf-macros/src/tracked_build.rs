//! `#[tracked_build]`: turns each call of a function into a build.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::Result;
use syn::parse::{Parse, Parser};

use crate::args::{Args, NameKind};
use crate::body::{in_async_block, in_closure};
use crate::function::{Function, ours};
use crate::returned_future::wrap_returned;
use crate::tracked_phase::without_async;

/// The item as a build. Where there is an error, it goes before the bare item.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    try_expand(args, item.clone()).unwrap_or_else(|error| {
        let mut tokens = error.into_compile_error();
        tokens.extend(item);
        tokens
    })
}

fn try_expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let args = Args::parse(args, NameKind::Tool, &["name", "future", "crate"])?;
    let function = Function::parse.parse2(item)?;
    let wrap = |future: &TokenStream| expand_future(&function, &args, future);
    let returned = wrap_returned(&function, args.future.as_ref(), &args.root(), &wrap)?;
    Ok(if let Some((sig, body)) = returned {
        function.with_body(&sig, &quote_spanned!(ours(sig.ident.span())=> return #body;))
    } else if function.sig.asyncness.is_some() {
        expand_async(&function, &args)
    } else {
        expand_sync(&function, &args)
    })
}

// Input:
//     #[tracked_build("my-site")]
//     fn build(full: bool) -> Result<Site, Error> {
//         body
//     }
//
// Output:
//     fn build(full: bool) -> Result<Site, Error> {
//         let __build = BuildGuard::start("my-site", …);
//         let __value = call!(|| { body });
//         __build.finish({
//             use OutcomeOfAny as _;
//             (&OutcomeProbe(&__value)).outcome()
//         });
//         return __value;
//     }
fn expand_sync(function: &Function, args: &Args) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let start = start(function, args);
    if function.never_returns() {
        let body = function.braced(function.block(&function.body));
        return function
            .with_body(&function.sig, &quote_spanned! {span=> let __build = #start; #body });
    }
    let (sig, value) = in_closure(function, &args.root());
    let finish = finish(function, args);
    function.with_body(
        &sig,
        &quote_spanned! {span=>
            let __build = #start;
            let __value = #value;
            #finish
            return __value;
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
//     fn build(full: bool) -> impl Future<Output = Result<Site, Error>> {
//         return build_future!(async move {
//             if let Some(__output) = None::<Result<Site, Error>> {
//                 return __output;
//             }
//             let full = full;
//             { body }
//         });
//     }
fn expand_async(function: &Function, args: &Args) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let root = args.root();
    let (sig, block) = in_async_block(function, &root, None);
    if function.never_returns() {
        let start = start(function, args);
        return function
            .with_body(&sig, &quote_spanned!(span=> let __build = #start; #block.await));
    }
    let future = expand_future(function, args, &block);
    match without_async(function, &sig, &root) {
        Some(sig) => function.with_body(&sig, &quote_spanned!(span=> return #future;)),
        None => function.with_body(&sig, &quote_spanned!(span=> return #future.await;)),
    }
}

// Input:
//     future
//
// Output:
//     ::perf_runtime::__private::build_future(future, "my-site", …, |__value| {
//         use ::perf_runtime::__private::OutcomeOfAny as _;
//         return (&::perf_runtime::__private::OutcomeProbe(__value)).outcome();
//     })
fn expand_future(function: &Function, args: &Args, future: &TokenStream) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let root = args.root();
    let private = quote_spanned!(span=> #root::__private);
    let facts = facts(function, args);
    quote_spanned! {span=>
        #private::build_future(#future, #facts, |__value| {
            use #private::OutcomeOfAny as _;
            return (&#private::OutcomeProbe(__value)).outcome();
        })
    }
}

/// Starts the build.
// Output:
//     ::perf_runtime::__private::BuildGuard::start("my-site", …)
fn start(function: &Function, args: &Args) -> TokenStream {
    let root = args.root();
    let facts = facts(function, args);
    quote_spanned!(ours(function.sig.ident.span())=> #root::__private::BuildGuard::start(#facts))
}

/// Tool, version and profile. Package and profile are those of the crate that the function is in.
// Output:
//     ::perf_runtime::__private::core::env!("CARGO_PKG_NAME"),
//     ::perf_runtime::__private::core::option_env!("CARGO_PKG_VERSION"),
//     ::perf_runtime::__private::core::cfg!(debug_assertions)
fn facts(function: &Function, args: &Args) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let root = args.root();
    let core = quote_spanned!(span=> #root::__private::core);
    let tool = args.name.as_ref().map_or_else(
        || quote_spanned!(span=> #core::env!("CARGO_PKG_NAME")),
        ToTokens::to_token_stream,
    );
    quote_spanned! {span=>
        #tool, #core::option_env!("CARGO_PKG_VERSION"), #core::cfg!(debug_assertions)
    }
}

/// Ends the build with the outcome of what the function returns.
// Output:
//     __build.finish({
//         use ::perf_runtime::__private::OutcomeOfAny as _;
//         (&::perf_runtime::__private::OutcomeProbe(&__value)).outcome()
//     });
fn finish(function: &Function, args: &Args) -> TokenStream {
    let root = args.root();
    quote_spanned! {ours(function.sig.ident.span())=>
        __build.finish({
            use #root::__private::OutcomeOfAny as _;
            (&#root::__private::OutcomeProbe(&__value)).outcome()
        });
    }
}
