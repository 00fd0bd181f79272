//! `#[tracked_phase]`: turns a function into a phase.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::parse::{Parse, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, LitStr, Path, ReturnType, Signature, Token, Type};

use crate::args::{Args, NameKind};
use crate::body::in_async_block;
use crate::every_function::annotate;
use crate::function::{Function, ours};
use crate::returned_future::wrap_returned;

/// The item as a phase. Where there is an error, it goes before the bare item.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    try_expand(args, item.clone()).unwrap_or_else(|error| {
        let mut tokens = error.into_compile_error();
        tokens.extend(item);
        tokens
    })
}

fn try_expand(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    if let Some(tokens) = annotate(&args, &item)? {
        return Ok(tokens);
    }
    let args = Args::parse(args, NameKind::Phase, &["name", "items", "future", "crate"])?;
    let function = Function::parse.parse2(item)?;
    Ok(if let Some(tokens) = expand_returned(&function, &args)? {
        tokens
    } else if function.sig.asyncness.is_some() {
        expand_async(&function, &args)
    } else {
        expand_sync(&function, &args)
    })
}

// Input:
//     #[tracked_phase("render", items = pages.len())]
//     fn render(pages: &[Page]) -> Html {
//         body
//     }
//
// Output:
//     fn render(pages: &[Page]) -> Html {
//         let __guard = {
//             static SITE: Site = Site::new("render", file!(), line!());
//             &SITE
//         }
//         .enter();
//         if any_build_open() {
//             add_items(pages.len());
//         }
//         { body }
//     }
fn expand_sync(function: &Function, args: &Args) -> TokenStream {
    let site = site(function, args);
    let items = add_items(function, args);
    let body = function.braced(function.block(&function.body));
    function.with_body(
        &function.sig,
        &quote_spanned! {ours(function.sig.ident.span())=>
            let __guard = #site.enter();
            #items
            #body
        },
    )
}

// Input:
//     #[tracked_phase(items = pages.len())]
//     async fn fetch((pages, _): (Vec<Page>, Token)) -> Html {
//         body
//     }
//
// Output:
//     fn fetch(__arg0: (Vec<Page>, Token)) -> impl Future<Output = Html> {
//         let __site = {
//             static SITE: Site = Site::new("fetch", file!(), line!());
//             &SITE
//         };
//         return __site.future(async move {
//             if let Some(output) = None::<Html> {
//                 return output;
//             }
//             let __arg0 = __arg0;
//             let (pages, _) = __arg0;
//             if any_build_open() {
//                 add_items(pages.len());
//             }
//             { body }
//         });
//     }
//
// Output, where `async` has to stay:
//     async fn fetch(__arg0: (Vec<Page>, Token)) -> Html {
//         …
//         return __site.future(…).await;
//     }
//
// PERF: in the first form the arguments are in one coroutine, as in the bare function. In the
// second they are in two: each level of nesting more than doubles the size of the future.
fn expand_async(function: &Function, args: &Args) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let root = args.root();
    let site = site(function, args);
    let (mut sig, block) = in_async_block(function, &root, add_items(function, args).as_ref());
    let future = quote_spanned!(span=> __site.future(#block));
    // NOTE: `return` is for `clippy::implicit_return`. Clippy does not report one in an expansion
    // as needless.
    let value = if function.never_returns() {
        quote_spanned!(span=> #future.await)
    } else if let Some(plain) = without_async(function, &sig, &root) {
        sig = plain;
        quote_spanned!(span=> return #future;)
    } else {
        quote_spanned!(span=> return #future.await;)
    };
    function.with_body(&sig, &quote_spanned!(span=> let __site = #site; #value))
}

/// The signature of an `async fn` as that of a function that returns its future. `None` where an
/// attribute needs the `async`.
// Input:
//     async fn fetch() -> Html
//
// Output:
//     fn fetch() -> impl ::perf_runtime::__private::core::future::Future<Output = Html>
//
// NOTE: the tokens are of this crate's edition, 2024, in which `impl Trait` captures all lifetimes
// in scope, as the future of an `async fn` does in every edition.
pub(crate) fn without_async(
    function: &Function,
    sig: &Signature,
    root: &Path,
) -> Option<Signature> {
    if !function.attrs.iter().all(is_inert) {
        return None;
    }
    let output = function.output().map_or_else(
        || quote_spanned!(ours(function.sig.ident.span())=> ()),
        ToTokens::to_token_stream,
    );
    let span = ours(output.span());
    let future = quote_spanned! {span=>
        impl #root::__private::core::future::Future<Output = #output>
    };
    let output = ReturnType::Type(Token![->](span), Box::new(Type::Verbatim(future)));
    Some(Signature { asyncness: None, output, ..sig.clone() })
}

/// Whether an attribute means the same on a function that returns a future as on an `async fn`.
/// Most attribute macros look for the `async`, and `#[must_use]` is also about its output.
fn is_inert(attr: &Attribute) -> bool {
    const INERT: [&str; 10] =
        ["allow", "cfg", "cold", "deny", "deprecated", "doc", "expect", "forbid", "inline", "warn"];
    let path = attr.path();
    INERT.iter().any(|name| path.is_ident(name))
        || path
            .segments
            .first()
            .is_some_and(|tool| tool.ident == "rustfmt" || tool.ident == "clippy")
}

// Input:
//     #[tracked_phase("fetch", items = urls.len())]
//     fn fetch(urls: Vec<Url>) -> impl Future<Output = Html> {
//         future
//     }
//
// Output:
//     fn fetch(urls: Vec<Url>) -> impl Future<Output = Html> {
//         let __site = {
//             static SITE: Site = Site::new("fetch", file!(), line!());
//             &SITE
//         };
//         let __items = if MEASURES { ItemCount::to_count(urls.len()) } else { 0 };
//         return __site.future_with_items(__items, { future });
//     }
fn expand_returned(function: &Function, args: &Args) -> syn::Result<Option<TokenStream>> {
    let span = ours(function.sig.ident.span());
    let root = args.root();
    let wrap = |future: &TokenStream| {
        if args.items.is_some() {
            quote_spanned!(span=> __site.future_with_items(__items, #future))
        } else {
            quote_spanned!(span=> __site.future(#future))
        }
    };
    let Some((sig, body)) = wrap_returned(function, args.future.as_ref(), &root, &wrap)? else {
        return Ok(None);
    };
    let site = site(function, args);
    let items = args.items.as_ref().map(|items| {
        quote_spanned! {span=>
            let __items =
                if #root::__private::MEASURES { #root::ItemCount::to_count(#items) } else { 0 };
        }
    });
    let body = quote_spanned!(span=> let __site = #site; #items return #body;);
    Ok(Some(function.with_body(&sig, &body)))
}

/// The statement that evaluates `items = EXPR`, where a build is open.
// Output:
//     if ::perf_runtime::__private::any_build_open() {
//         ::perf_runtime::add_items(pages.len());
//     }
fn add_items(function: &Function, args: &Args) -> Option<TokenStream> {
    let root = args.root();
    args.items.as_ref().map(|items| {
        quote_spanned! {ours(function.sig.ident.span())=>
            if #root::__private::any_build_open() {
                #root::add_items(#items);
            }
        }
    })
}

/// The phase's site, in a scope of its own so that it shadows no name of the user's.
// Output:
//     {
//         static SITE: ::perf_runtime::__private::Site = ::perf_runtime::__private::Site::new(
//             "render",
//             ::perf_runtime::__private::core::file!(),
//             ::perf_runtime::__private::core::line!(),
//         );
//         &SITE
//     }
fn site(function: &Function, args: &Args) -> TokenStream {
    let root = args.root();
    let name = match &args.name {
        Some(name) => name.to_token_stream(),
        None => LitStr::new(&function.name(), function.sig.ident.span()).to_token_stream(),
    };
    let span = ours(function.sig.ident.span());
    let ty = quote_spanned!(span=> #root::__private::Site);
    let core = quote_spanned!(span=> #root::__private::core);
    quote_spanned! {span=>
        {
            static SITE: #ty = #ty::new(#name, #core::file!(), #core::line!());
            &SITE
        }
    }
}
