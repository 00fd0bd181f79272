//! `in_current_phase!`: a closure whose calls run in the phase that created it.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{
    Attribute, Block, Error, Expr, ExprBlock, ExprClosure, Pat, PatType, Path, Result, ReturnType,
    Token, parse_quote_spanned,
};

use crate::args::parse_root;
use crate::body::{expect_output, rebind_argument};
use crate::function::{block_at, braced_at, ours};
use crate::returned_future::wrap_made;

/// The closure in its phase. Where there is an error, it goes before what was written.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let parser = |input: ParseStream<'_>| Ok((parse_root(input)?, input.parse()?));
    let (root, written): (Path, TokenStream) = match parser.parse2(input) {
        Ok(parsed) => parsed,
        Err(error) => return error.into_compile_error(),
    };
    if written.is_empty() {
        return Error::new(Span::call_site(), EXPECTED_CLOSURE).into_compile_error();
    }
    match parse_written.parse2(written.clone()) {
        Ok((Expr::Closure(mut closure), None)) => {
            *closure.body = ungrouped(*closure.body);
            expand_closure(closure, end(written), &root)
        }
        Ok((Expr::Closure(closure), Some(error))) => beside(&error, &closure),
        Ok((other, _)) => beside(&not_a_closure(&other), &parenthesised(&other)),
        Err(error) => error.into_compile_error(),
    }
}

const EXPECTED_CLOSURE: &str = "expected a closure, as in `in_current_phase!(|page| render(page))`";

/// Parses one expression. The error is about what stands around it.
fn parse_written(input: ParseStream<'_>) -> Result<(Expr, Option<Error>)> {
    let coroutine: Option<Token![static]> = input.parse()?;
    let expression = ungrouped(input.parse()?);
    input.parse::<Option<Token![,]>>()?;
    let rest: TokenStream = input.parse()?;
    let error = if let Some(keyword) = coroutine {
        Some(Error::new(keyword.span, "a closure in the current phase cannot be `static`"))
    } else if rest.is_empty() {
        None
    } else {
        Some(Error::new_spanned(rest, "expected nothing after the closure"))
    };
    Ok((expression, error))
}

fn not_a_closure(other: &Expr) -> Error {
    let message = match other {
        Expr::Async(_) => "expected a closure; a future has a method, `.in_current_phase()`",
        _ => EXPECTED_CLOSURE,
    };
    Error::new_spanned(other, message)
}

// Input:
//     render
//
// Output:
//     {
//         compile_error! { "expected a closure, …" }
//         (render)
//     }
fn beside(error: &Error, written: &impl ToTokens) -> TokenStream {
    let error = error.to_compile_error();
    quote!({ #error #written })
}

// Input:
//     |page| render(page)
//
// Output:
//     {
//         let __phase = ::perf_runtime::__private::carry();
//         |page| {
//             let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
//             (render(page))
//         }
//     }
//
// NOTE: `*__phase` outlives the block that declares `__phase`. A closure that borrows the former,
// without `move`, may therefore leave that block: from edition 2021 on, a closure captures the place
// that it mentions, not the variable that leads there.
fn expand_closure(mut closure: ExprClosure, end: Span, root: &Path) -> TokenStream {
    let span = ours(closure.inputs_begin.span);
    let written = closure.body.span();
    let body = match closure.asyncness {
        None => body(&mut closure, root),
        Some(_) => async_body(&mut closure, root),
    };
    let mut body = braced_at(written, body);
    if closure.capture.is_some() {
        // It begins and ends with the user's tokens, so it captures by the rules of their edition.
        // NOTE: Clippy would ask for a `;` in a block of several lines.
        body = block_at(end, &body);
    } else {
        put_into_our_edition(&mut closure);
    }
    let ExprClosure { attrs, lifetimes, constness, asyncness, capture, .. } = &closure;
    let ExprClosure { inputs_begin, inputs, inputs_end, output, .. } = &closure;
    quote_spanned! {span=>
        {
            let __phase = #root::__private::carry();
            #(#attrs)* #lifetimes #constness #asyncness #capture
            #inputs_begin #inputs #inputs_end #output #body
        }
    }
}

/// Gives the closure this crate's edition, by the spans of the tokens before its body.
fn put_into_our_edition(closure: &mut ExprClosure) {
    let ExprClosure { lifetimes, constness, asyncness, inputs_begin, inputs_end, .. } = closure;
    if let Some(binder) = lifetimes {
        binder.for_token.span = ours(binder.for_token.span);
    }
    if let Some(keyword) = constness {
        keyword.span = ours(keyword.span);
    }
    if let Some(keyword) = asyncness {
        keyword.span = ours(keyword.span);
    }
    for bar in [inputs_begin, inputs_end] {
        bar.span = ours(bar.span);
    }
}

/// The body inside the carried phase, and so are the futures that it makes.
// Input:
//     |page| {
//         let page = page.clone();
//         async move { render(page).await }
//     }
//
// Output:
//     {
//         let __guard = ::perf_runtime::__private::enter_carried(&*__phase);
//         {
//             let page = page.clone();
//             ::perf_runtime::__private::carried_future(
//                 &*__phase,
//                 async move { render(page).await },
//             )
//         }
//     }
fn body(closure: &mut ExprClosure, root: &Path) -> TokenStream {
    let span = ours(closure.inputs_begin.span);
    let output = match &closure.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(&**ty),
    };
    let makes_nothing_else = matches!(&*closure.body, Expr::Async(_));
    wrap_made(&mut closure.body, output, &|future| carried_future(span, root, future));
    let body = value(&closure.body);
    let guard = (!makes_nothing_else).then(|| {
        quote_spanned! {span=>
            let __guard = #root::__private::enter_carried(&*__phase);
        }
    });
    quote!(#guard #body)
}

/// The body of an `async` closure: its arguments and everything that it does move into a future that
/// is handed off.
///
/// The closure keeps what it captured, so that it can be called again: the inner block only borrows
/// where the body does.
// Input:
//     async |(page, _): (Page, Token)| -> Result<Html, Error> {
//         body
//     }
//
// Output:
//     async |__arg0: (Page, Token)| -> Result<Html, Error> {
//         ::perf_runtime::__private::carried_future(&*__phase, async {
//             if let Some(__output) = None::<Result<Html, Error>> {
//                 return __output;
//             }
//             let __arg0 = __arg0;
//             let (page, _) = __arg0;
//             { body }
//         })
//         .await
//     }
fn async_body(closure: &mut ExprClosure, root: &Path) -> TokenStream {
    let span = ours(closure.inputs_begin.span);
    let written = closure.body.span();
    let output = match &closure.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => expect_output(ty, root),
    };
    let mut arguments = TokenStream::new();
    for (position, input) in closure.inputs.iter_mut().enumerate() {
        let mut argument = typed(input);
        arguments.extend(rebind_argument(position, &mut argument));
        *input = Pat::Type(argument);
    }
    let body = value(&closure.body);
    let block = braced_at(written, quote!(#output #arguments #body));
    let future = carried_future(span, root, &quote_spanned!(span=> async #block));
    quote_spanned!(span=> #future.await)
}

/// An argument in the form of a function's: with a type, and its attributes beside the pattern.
fn typed(argument: &Pat) -> PatType {
    if let Pat::Type(argument) = argument {
        return argument.clone();
    }
    let span = ours(argument.span());
    let split = |input: ParseStream<'_>| {
        Ok((input.call(Attribute::parse_outer)?, Pat::parse_single(input)?))
    };
    let (attrs, pat) =
        split.parse2(argument.to_token_stream()).unwrap_or_else(|_| (Vec::new(), argument.clone()));
    PatType {
        attrs,
        pat: Box::new(pat),
        colon_token: Token![:](span),
        ty: parse_quote_spanned!(span=> _),
    }
}

// Output:
//     ::perf_runtime::__private::carried_future(&*__phase, future)
fn carried_future(span: Span, root: &Path, future: &TokenStream) -> TokenStream {
    quote_spanned!(span=> #root::__private::carried_future(&*__phase, #future))
}

/// A body as the last expression of a block.
fn value(body: &Expr) -> TokenStream {
    match block_of(body) {
        Some(block) => {
            let stmts = &block.stmts;
            block_at(block.brace_token.span.join(), &quote!(#(#stmts)*))
        }
        None => parenthesised(body),
    }
}

/// An expression in this macro's parentheses, so that `match x {} + 1` is not parsed as a statement
/// and half an expression.
fn parenthesised(expression: &Expr) -> TokenStream {
    quote_spanned!(ours(expression.span())=> (#expression))
}

/// The plain block that a body consists of.
fn block_of(body: &Expr) -> Option<&Block> {
    match body {
        Expr::Block(ExprBlock { attrs, label: None, block }) if attrs.is_empty() => Some(block),
        _ => None,
    }
}

/// Where the closure ends: before a trailing comma.
fn end(written: TokenStream) -> Span {
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    match written.into_iter().filter(|token| !is_comma(token)).last() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => {
            end(group.stream())
        }
        Some(TokenTree::Group(group)) => group.span_close(),
        Some(token) => token.span(),
        None => Span::call_site(),
    }
}

/// The expression inside parentheses and the invisible groups of `macro_rules!`.
fn ungrouped(mut expression: Expr) -> Expr {
    loop {
        expression = match expression {
            Expr::Group(group) => *group.expr,
            Expr::Paren(paren) => *paren.expr,
            other => return other,
        };
    }
}
