//! `#[tracked_phase]`: a function becomes a phase.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::parse::{Parse, Parser};
use syn::spanned::Spanned;
use syn::{Expr, LitStr, Path, Result};

use crate::args::PhaseArgs;
use crate::body::in_async_block;
use crate::function::{Function, ours};
use crate::returned_future::wrap_returned;

/// The item as a phase, or as it was where `track` is off; an error goes before the bare item.
pub(crate) fn expand(args: TokenStream, item: TokenStream, track: bool) -> TokenStream {
    try_expand(args, item.clone(), track).unwrap_or_else(|error| {
        let mut tokens = error.into_compile_error();
        tokens.extend(item);
        tokens
    })
}

fn try_expand(args: TokenStream, item: TokenStream, track: bool) -> Result<TokenStream> {
    let args = PhaseArgs::parse(args)?;
    let function = Function::parse.parse2(item.clone())?;
    let tracked = if let Some(body) = wrap_future(&function, &args)? {
        function.with_body(&function.sig, &body)
    } else if function.sig.asyncness.is_some() {
        expand_async(&function, &args)
    } else {
        expand_sync(&function, &args)
    };
    Ok(match (track, &args.items) {
        (true, _) => tracked,
        (false, Some(items)) => expand_untracked(&function, &args.root, items),
        (false, None) => item,
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
//             static SITE: ::perf_runtime::__private::Site =
//                 ::perf_runtime::__private::Site::new("render");
//             &SITE
//         }
//         .enter_with_items(pages.len());
//         { body }
//     }
fn expand_sync(function: &Function, args: &PhaseArgs) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let site = site(function, args);
    let entry = args.items.as_ref().map_or_else(
        || quote_spanned!(span=> .enter()),
        |items| quote_spanned!(span=> .enter_with_items(#items)),
    );
    let body = function.braced(function.block(&function.body));
    function.with_body(
        &function.sig,
        &quote_spanned! {span=>
            let __guard = #site #entry;
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
//     async fn fetch(__arg0: (Vec<Page>, Token)) -> Html {
//         let __site = {
//             static SITE: ::perf_runtime::__private::Site =
//                 ::perf_runtime::__private::Site::new("fetch");
//             &SITE
//         };
//         __site.future(async move {
//             if let Some(output) = None::<Html> {
//                 return output;
//             }
//             let __arg0 = __arg0;
//             let (pages, _) = __arg0;
//             ::perf_runtime::add_items(pages.len());
//             { body }
//         })
//         .await
//     }
fn expand_async(function: &Function, args: &PhaseArgs) -> TokenStream {
    let span = ours(function.sig.ident.span());
    let root = &args.root;
    let site = site(function, args);
    let items = args.items.as_ref().map(|items| quote_spanned!(span=> #root::add_items(#items);));
    let (sig, block) = in_async_block(function, root, items.as_ref());
    function.with_body(
        &sig,
        &quote_spanned! {span=>
            let __site = #site;
            __site.future(#block).await
        },
    )
}

/// The body of a function that returns futures.
// Input:
//     #[tracked_phase("fetch", items = urls.len())]
//     fn fetch(urls: Vec<Url>) -> impl Future<Output = Html> {
//         future
//     }
//
// Output:
//     let __site = {
//         static SITE: ::perf_runtime::__private::Site =
//             ::perf_runtime::__private::Site::new("fetch");
//         &SITE
//     };
//     let __items = urls.len();
//     __site.future_with_items(__items, { future })
fn wrap_future(function: &Function, args: &PhaseArgs) -> Result<Option<TokenStream>> {
    let span = ours(function.sig.ident.span());
    let wrap = |future: &TokenStream| {
        args.items.as_ref().map_or_else(
            || quote_spanned!(span=> __site.future(#future)),
            |items| {
                // Where it is of the wrong type, this is where it was written.
                let items = quote_spanned!(ours(items.span())=> __items);
                quote_spanned!(span=> __site.future_with_items(#items, #future))
            },
        )
    };
    let Some(body) = wrap_returned(function, args.future.as_ref(), &wrap)? else {
        return Ok(None);
    };
    let site = site(function, args);
    let items = args.items.as_ref().map(|items| quote_spanned!(span=> let __items = #items;));
    Ok(Some(quote_spanned!(span=> let __site = #site; #items #body)))
}

/// The function with `track` off: bare, but for the mention of what only `items` uses.
// Input:
//     #[tracked_phase(items = pages.len())]
//     fn render(pages: &[Page]) {
//         body
//     }
//
// Output:
//     fn render(pages: &[Page]) {
//         if false {
//             ::perf_runtime::add_items(pages.len());
//         }
//         { body }
//     }
fn expand_untracked(function: &Function, root: &Path, items: &Expr) -> TokenStream {
    let body = function.braced(function.block(&function.body));
    function.with_body(
        &function.sig,
        &quote_spanned! {ours(function.sig.ident.span())=>
            if false {
                #root::add_items(#items);
            }
            #body
        },
    )
}

/// The phase's site, in a scope where no name of the user's is shadowed.
// Input:
//     #[tracked_phase]
//     fn render() {}
//
// Output:
//     {
//         static SITE: ::perf_runtime::__private::Site =
//             ::perf_runtime::__private::Site::new("render");
//         &SITE
//     }
fn site(function: &Function, args: &PhaseArgs) -> TokenStream {
    let root = &args.root;
    let name = match &args.name {
        Some(name) => name.to_token_stream(),
        None => LitStr::new(&function.name(), function.sig.ident.span()).to_token_stream(),
    };
    let span = ours(function.sig.ident.span());
    let ty = quote_spanned!(span=> #root::__private::Site);
    let new = quote_spanned!(span=> #ty::new(#name));
    let statics = quote_spanned!(span=> static SITE: #ty = #new; &SITE);
    quote_spanned!(span=> { #statics })
}
