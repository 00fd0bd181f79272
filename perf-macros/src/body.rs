//! Moves a function's body, with its arguments, into an `async` block or a closure.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, FnArg, Ident, Pat, PatIdent, PatType, Path, Signature, Token, Type,
    parse_quote_spanned,
};

use crate::function::{Function, ours};

/// The body of an `async fn` as an `async` block, and the signature that fits it.
///
/// `first` runs when the body is first polled, once the arguments are bound.
// Input:
//     async fn f<T>(mut x: T) -> Result<impl Debug, Error> {
//         body
//     }
//
// Output:
//     async fn f<T>(x: T) -> Result<impl Debug, Error>
//
//     async move {
//         if let Some(__output) = None::<Result<_, Error>> {
//             return __output;
//         }
//         let mut x = x;
//         { body }
//     }
pub(crate) fn in_async_block(
    function: &Function,
    root: &Path,
    first: Option<&TokenStream>,
) -> (Signature, TokenStream) {
    let mut sig = function.sig.clone();
    let arguments = rebind(&mut sig);
    let output = match function.output() {
        Some(ty) => expect_output(ty, root),
        None => Some(quote_spanned!(ours(function.sig.ident.span())=> if false { return; })),
    };
    let body = function.block(&function.body);
    let block = function.braced(quote!(#output #arguments #first #body));
    let tokens = quote_spanned!(ours(function.brace.span.join())=> async move #block);
    (sig, tokens)
}

/// The value of a function's body, evaluated in a closure, and the signature that fits it.
///
/// A `return` anywhere in the body, also one that a macro expands to, leaves the closure.
// Input:
//     fn f<T>(mut x: T) -> Result<impl Debug, Error> {
//         body
//     }
//
// Output:
//     fn f<T>(x: T) -> Result<impl Debug, Error>
//
//     {
//         fn __call<T, F: FnOnce() -> T>(__body: F) -> T {
//             __body()
//         }
//         __call(move || -> Result<_, Error> {
//             let mut x = x;
//             { body }
//         })
//     }
//
// NOTE: `__call` is there for its bound. Without one, a closure that returns what it has mutably
// borrowed from an argument would be inferred as `FnMut`, and would not compile. The bound only
// reaches the closure where the function is called by its name.
pub(crate) fn in_closure(function: &Function, root: &Path) -> (Signature, TokenStream) {
    let mut sig = function.sig.clone();
    let arguments = rebind(&mut sig);
    let body = function.block(&function.body);
    let block = function.braced(quote!(#arguments #body));
    let span = ours(function.brace.span.join());
    let output = function
        .output()
        .map_or_else(|| quote_spanned!(span=> ()), |ty| erase_impl_trait(ty).to_token_stream());
    let fn_once = quote_spanned!(span=> #root::__private::core::ops::FnOnce);
    let value = quote_spanned! {span=>
        {
            fn __call<T, F: #fn_once() -> T>(__body: F) -> T {
                __body()
            }
            __call(move || -> #output #block)
        }
    };
    (sig, value)
}

/// A statement that gives an `async` block the type of its output. As in a function with that
/// return type, the compiler then coerces what the body returns, and reports a mismatch where the
/// user wrote it.
///
/// There is none for an `impl Trait` as a whole, whose type is inferred, and for `!`.
// Input:
//     async fn f() -> Result<impl Debug, Error> {}
//
// Output:
//     if let Option::Some(__output) = Option::None::<Result<_, Error>> {
//         return __output;
//     }
pub(crate) fn expect_output(ty: &Type, root: &Path) -> Option<TokenStream> {
    let ty = erase_impl_trait(ty);
    if matches!(ty, Type::Infer(_) | Type::Never(_)) {
        return None;
    }
    let option = quote_spanned!(ours(ty.span())=> #root::__private::core::option::Option);
    Some(quote_spanned! {ours(ty.span())=>
        if let #option::Some(__output) = #option::None::<#ty> {
            return __output;
        }
    })
}

/// `ty` with `_` for every `impl Trait`, which is only allowed in a function's signature.
fn erase_impl_trait(ty: &Type) -> Type {
    struct EraseImplTrait;

    impl VisitMut for EraseImplTrait {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(opaque) = ty {
                *ty = parse_quote_spanned!(opaque.impl_token.span=> _);
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }

    let mut ty = ty.clone();
    EraseImplTrait.visit_type_mut(&mut ty);
    ty
}

/// Gives every argument of `sig` a plain name, and returns the statements that bind what the user
/// wrote to those names.
///
/// The statements belong at the top of the `async move` block or `move` closure that the body moves
/// into. They bind in the order and by the steps of the compiler's own `async fn`, so everything is
/// dropped in the order of the bare function: variables in reverse, then the parts of an argument
/// that no variable took. `self` cannot be rebound. Mentioning it as a whole captures it as a
/// whole, and it is dropped last either way.
///
/// The plain names are spelled like the user's, so that documentation stays as it is, but the
/// user's code cannot see them.
// Input:
//     (mut self, mut a: A, #[allow(unused)] b: B, (c, _): (C, D), _: E, _f: F)
//
// Output:
//     (mut self, a: A, b: B, __arg3: (C, D), __arg4: E, _f: F)
//
//     let _ = &self;
//     let mut a = a;
//     #[allow(unused)]
//     let b = b;
//     let __arg3 = __arg3;
//     let (c, _) = __arg3;
//     let __arg4 = __arg4;
//     let (_f,) = (_f,);
fn rebind(sig: &mut Signature) -> TokenStream {
    sig.inputs
        .iter_mut()
        .enumerate()
        .map(|(position, argument)| match argument {
            FnArg::Receiver(receiver) => {
                let this = &receiver.self_token;
                quote_spanned!(ours(this.span)=> let _ = &#this;)
            }
            FnArg::Typed(argument) => rebind_argument(position, argument),
        })
        .collect()
}

/// Does for one argument what [`rebind`] does for all.
pub(crate) fn rebind_argument(position: usize, argument: &mut PatType) -> TokenStream {
    let (on_argument, on_statement) = share_attributes(&argument.attrs);
    argument.attrs = on_argument;
    let pattern = &*argument.pat;
    let span = ours(pattern.span());
    let (plain, statement) = match pattern {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => {
            let mut plain = ident.clone();
            plain.set_span(span);
            // NOTE: Clippy reports `let _a = a;` as a mistake, even in an expansion.
            let statement = if ident.to_string().starts_with('_') {
                quote_spanned!(span=> #(#on_statement)* let (#pattern,) = (#plain,);)
            } else {
                quote_spanned!(span=> #(#on_statement)* let #pattern = #plain;)
            };
            (plain, statement)
        }
        Pat::Wild(_) => {
            let plain = positional(position, span);
            let statement = quote_spanned!(span=> #(#on_statement)* let #plain = #plain;);
            (plain, statement)
        }
        _ => {
            let plain = positional(position, span);
            let mutability = borrows_mutably(pattern).then(|| Token![mut](span));
            let statement = quote_spanned! {span=>
                #(#on_statement)* let #mutability #plain = #plain;
                #(#on_statement)* let #pattern = #plain;
            };
            (plain, statement)
        }
    };
    *argument.pat = Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: plain,
        subpat: None,
    });
    statement
}

fn positional(position: usize, span: Span) -> Ident {
    format_ident!("__arg{position}", span = span)
}

/// Whether a pattern has a `ref mut`, which needs what it is matched with to be mutable.
fn borrows_mutably(pattern: &Pat) -> bool {
    struct FindRefMut(bool);

    impl VisitMut for FindRefMut {
        fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
            self.0 |= pattern.by_ref.is_some() && pattern.mutability.is_some();
            visit_mut::visit_pat_ident_mut(self, pattern);
        }
    }

    let mut find = FindRefMut(false);
    find.visit_pat_mut(&mut pattern.clone());
    find.0
}

/// The attributes that stay on an argument, and those that go to the statement that binds it.
/// Conditions go to both; lint levels go to where the user's variables are.
fn share_attributes(attrs: &[Attribute]) -> (Vec<Attribute>, Vec<Attribute>) {
    let is = |attr: &Attribute, names: &[&str]| names.iter().any(|name| attr.path().is_ident(name));
    let is_condition = |attr: &&Attribute| is(attr, &["cfg", "cfg_attr"]);
    let is_level = |attr: &&Attribute| is(attr, &["allow", "expect", "warn", "deny", "forbid"]);
    (
        attrs.iter().filter(|attr| !is_level(attr)).cloned().collect(),
        attrs.iter().filter(|attr| is_condition(attr) || is_level(attr)).cloned().collect(),
    )
}
