//! Puts a function's body where it can be watched from outside: into an `async` block, or a
//! closure.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Path, Signature, Token, Type, TypeInfer};

use crate::arguments::rebind;
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
//     (x: T)
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

/// The body of a function as a closure without arguments, and the signature that fits it.
// Input:
//     fn f<T>(mut x: T) -> Result<impl Debug, Error> {
//         body
//     }
//
// Output:
//     (x: T)
//
//     move || -> Result<_, Error> {
//         let mut x = x;
//         { body }
//     }
pub(crate) fn in_closure(function: &Function) -> (Signature, TokenStream) {
    let mut sig = function.sig.clone();
    let arguments = rebind(&mut sig);
    let body = function.block(&function.body);
    let block = function.braced(quote!(#arguments #body));
    let span = ours(function.brace.span.join());
    let output = function
        .output()
        .map_or_else(|| quote_spanned!(span=> ()), |ty| erase_impl_trait(ty).to_token_stream());
    let tokens = quote_spanned!(span=> move || -> #output #block);
    (sig, tokens)
}

/// A statement that tells an `async` block the type of its output, as a function's head tells its
/// body: what the body returns is then coerced to it, and compared with it where the user wrote it.
///
/// Nothing can be said of a type that only the body knows, and a `return` of `!` would be
/// unreachable.
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

/// `ty` with `_` for every `impl Trait`, which only a function's head may hold.
fn erase_impl_trait(ty: &Type) -> Type {
    struct EraseImplTrait;

    impl VisitMut for EraseImplTrait {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(opaque) = ty {
                *ty = Type::Infer(TypeInfer {
                    attrs: Vec::new(),
                    underscore_token: Token![_](opaque.impl_token.span),
                });
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }

    let mut ty = ty.clone();
    EraseImplTrait.visit_type_mut(&mut ty);
    ty
}
