//! Finds the futures that a function returns, and wraps them.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::parse::Parser;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Error, Expr, ExprAsync, ExprCall, ExprClosure, ExprReturn, GenericArgument, Item,
    Lifetime, LitBool, Macro, Path, PathArguments, Result, Signature, Stmt, Type, TypeParamBound,
};

use crate::body::in_closure;
use crate::function::{Function, ours, ungrouped};

/// How the futures that a function returns are found.
enum Returned {
    /// All that is returned is of one type, the function's own choice.
    Opaque,
    /// The arguments of the `Box::pin(…)` that are returned.
    Boxed,
    /// The `async` blocks that are returned, bare or as arguments of `Box::pin(…)`.
    Blocks,
}

/// The signature and body of a function that returns futures, with `wrap` applied to each of them.
/// `None` where the function returns something else, by its type or by `future`, the attribute's
/// argument.
///
/// # Errors
///
/// Where `future` contradicts the function.
// Input:
//     fn f(x: u32) -> Pin<Box<dyn Future<Output = u32>>> {
//         if x == 0 {
//             return Box::pin(zero());
//         }
//         Box::pin(async move { x })
//     }
//
// Output:
//     {
//         {
//             if x == 0 {
//                 return Box::pin(wrap!(zero()));
//             }
//             Box::pin(wrap!(async move { x }))
//         }
//     }
//
// Input:
//     fn f(x: u32) -> impl Future<Output = u32> {
//         if x == 0 {
//             return ready(0);
//         }
//         ready(x)
//     }
//
// Output:
//     wrap!('__body: {
//         {
//             if x == 0 {
//                 break '__body ready(0);
//             }
//             ready(x)
//         }
//     })
pub(crate) fn wrap_returned(
    function: &Function,
    future: Option<&LitBool>,
    root: &Path,
    wrap: &dyn Fn(&TokenStream) -> TokenStream,
) -> Result<Option<(Signature, TokenStream)>> {
    if let (Some(future), Some(_)) = (future, function.sig.asyncness) {
        return Err(Error::new(future.span, "an `async fn` is always measured as a future"));
    }
    let demanded = match future {
        Some(future) if future.value => Some(future),
        Some(_) => return Ok(None),
        None => None,
    };
    let Some(returned) = returned(function.output(), demanded.is_some()) else {
        return Ok(None);
    };
    let mut block = Block {
        brace_token: function.brace,
        stmts: Block::parse_within.parse2(function.body.clone())?,
    };
    let is_opaque = matches!(returned, Returned::Opaque);
    let mut wrapper = WrapReturned { returned, wrap, found: false, may_hide_return: false };
    wrapper.visit_block_mut(&mut block);
    if !is_opaque {
        wrapper.wrap_last(&mut block);
        if !wrapper.found {
            let message = "the function's last expression is not `Box::pin(…)`, so its future \
                           cannot be measured";
            return demanded.map_or(Ok(None), |future| Err(Error::new(future.span, message)));
        }
    }
    if wrapper.may_hide_return {
        return Ok(Some(wrap_value(function, is_opaque, root, wrap)));
    }
    let stmts = &block.stmts;
    let mut body = function.braced(function.block(&quote!(#(#stmts)*)));
    if is_opaque {
        let label = wrapper.found.then(|| {
            let label = body_label();
            quote!(#label:)
        });
        body = wrap(&quote!(#label #body));
    }
    Ok(Some((function.sig.clone(), body)))
}

/// Wraps whatever the body evaluates to: a macro in it may expand to a `return`.
// Input:
//     fn f(x: u32) -> Pin<Box<dyn Future<Output = u32>>> {
//         return_if!(x == 0, Box::pin(zero()));
//         Box::pin(async move { x })
//     }
//
// Output:
//     {
//         let __future = call!(|| { body });
//         if MEASURES { Box::pin(wrap!(__future)) } else { __future }
//     }
//
// Output for `impl Future`:
//     wrap!(call!(|| { body }))
fn wrap_value(
    function: &Function,
    is_opaque: bool,
    root: &Path,
    wrap: &dyn Fn(&TokenStream) -> TokenStream,
) -> (Signature, TokenStream) {
    let span = ours(function.brace.span.join());
    let (sig, value) = in_closure(function, root);
    if is_opaque {
        return (sig, wrap(&value));
    }
    let future = wrap(&quote_spanned!(span=> __future));
    let private = quote_spanned!(span=> #root::__private);
    let body = quote_spanned! {span=>
        {
            let __future = #value;
            if #private::MEASURES { #private::Box::pin(#future) } else { __future }
        }
    };
    (sig, body)
}

/// Applies `wrap` to every future that the body of a closure visibly makes. `output` is the closure's
/// return type. Returns whether there are any.
// Input:
//     {
//         let page = page.clone();
//         async move { render(page).await }
//     }
//
// Output:
//     {
//         let page = page.clone();
//         wrap!(async move { render(page).await })
//     }
pub(crate) fn wrap_made(
    body: &mut Expr,
    output: Option<&Type>,
    wrap: &dyn Fn(&TokenStream) -> TokenStream,
) -> bool {
    let returned = returned(output, false).unwrap_or(Returned::Blocks);
    let mut wrapper = WrapReturned { returned, wrap, found: false, may_hide_return: false };
    wrapper.visit_expr_mut(body);
    wrapper.wrap_value(body);
    wrapper.found
}

/// The label of a body that a rewritten `return` leaves.
fn body_label() -> Lifetime {
    Lifetime::new("'__body", Span::mixed_site())
}

struct WrapReturned<'a> {
    returned: Returned,
    wrap: &'a dyn Fn(&TokenStream) -> TokenStream,
    /// Whether there was a `return` to rewrite (opaque), or a future to wrap (others).
    found: bool,
    /// Whether there was a macro that may expand to a `return`.
    may_hide_return: bool,
}

impl WrapReturned<'_> {
    /// Wraps what a block ends with.
    fn wrap_last(&mut self, block: &mut Block) {
        if let Some(Stmt::Expr(last, None)) = block.stmts.last_mut() {
            self.wrap_value(last);
        }
    }

    /// Wraps every future that `value` visibly evaluates to.
    fn wrap_value(&mut self, value: &mut Expr) {
        match value {
            Expr::Block(block) => self.wrap_last(&mut block.block),
            Expr::Unsafe(block) => self.wrap_last(&mut block.block),
            Expr::Paren(paren) => self.wrap_value(&mut paren.expr),
            Expr::Group(group) => self.wrap_value(&mut group.expr),
            Expr::Match(choice) => {
                for arm in &mut choice.arms {
                    self.wrap_value(&mut arm.body);
                }
            }
            Expr::If(choice) => {
                self.wrap_last(&mut choice.then_branch);
                if let Some((_, otherwise)) = &mut choice.else_branch {
                    self.wrap_value(otherwise);
                }
            }
            Expr::Call(call) if is_box_pin(call) => {
                if let Returned::Blocks = self.returned {
                    self.wrap_value(&mut call.args[0]);
                } else {
                    self.wrap_future(&mut call.args[0]);
                }
            }
            Expr::Async(_) if matches!(self.returned, Returned::Blocks) => self.wrap_future(value),
            _ => {}
        }
    }

    fn wrap_future(&mut self, future: &mut Expr) {
        *future = Expr::Verbatim((self.wrap)(&quote!(#future)));
        self.found = true;
    }
}

impl VisitMut for WrapReturned<'_> {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        let Expr::Return(ExprReturn { expr: value, .. }) = expression else {
            return;
        };
        match self.returned {
            Returned::Opaque => {
                let label = body_label();
                *expression = Expr::Verbatim(quote!(break #label #value));
                self.found = true;
            }
            Returned::Boxed | Returned::Blocks => {
                if let Some(value) = value {
                    self.wrap_value(value);
                }
            }
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        self.may_hide_return |= may_hide_return(call);
    }

    // A `return` in these does not return from the function.
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Whether a macro may expand to a `return`. Of the standard library's, those that are common in
/// such functions only do where they are given one.
fn may_hide_return(call: &Macro) -> bool {
    const STANDARD: [&str; 26] = [
        "assert",
        "assert_eq",
        "assert_ne",
        "concat",
        "dbg",
        "debug_assert",
        "debug_assert_eq",
        "debug_assert_ne",
        "env",
        "eprint",
        "eprintln",
        "file",
        "format",
        "format_args",
        "line",
        "matches",
        "option_env",
        "panic",
        "print",
        "println",
        "stringify",
        "todo",
        "unimplemented",
        "unreachable",
        "vec",
        "write",
    ];
    let is_standard = call
        .path
        .segments
        .last()
        .is_some_and(|last| STANDARD.iter().any(|name| last.ident == name));
    !is_standard || has_return(call.tokens.clone())
}

fn has_return(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "return",
        TokenTree::Group(group) => has_return(group.stream()),
        _ => false,
    })
}

fn returned(output: Option<&Type>, demanded: bool) -> Option<Returned> {
    match output {
        Some(Type::ImplTrait(opaque)) if demanded || names_future(&opaque.bounds) => {
            Some(Returned::Opaque)
        }
        _ if demanded => Some(Returned::Boxed),
        Some(ty) if is_pinned_future(ty) => Some(Returned::Boxed),
        _ => None,
    }
}

/// Whether `ty` is `Pin<Box<dyn Future>>`.
fn is_pinned_future(ty: &Type) -> bool {
    let object = argument_of(ty, "Pin").and_then(|ty| argument_of(ty, "Box"));
    matches!(object, Some(Type::TraitObject(object)) if names_future(&object.bounds))
}

/// The `T` of `NAME<T>`, by whatever path.
fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(ty) = ty else { return None };
    let last = ty.path.segments.last()?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == name => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ungrouped(ty)),
                _ => None,
            })
        }
        _ => None,
    }
}

fn names_future<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> bool {
    bounds.into_iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => is_last(&bound.path, "Future"),
        _ => false,
    })
}

fn is_last(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// Whether this is `Box::pin(…)`, by whatever path, with its type left open.
fn is_box_pin(call: &ExprCall) -> bool {
    let Expr::Path(function) = &*call.func else {
        return false;
    };
    let mut last = function.path.segments.iter().rev();
    let (Some(pin), Some(of)) = (last.next(), last.next()) else {
        return false;
    };
    call.args.len() == 1
        && pin.ident == "pin"
        && of.ident == "Box"
        && of.arguments.is_none()
        && pin.arguments.is_none()
}
