//! Moves a function's arguments to where its body goes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FnArg, Ident, Pat, PatIdent, PatType, Receiver, Signature, Token};

use crate::function::ours;

/// Gives every argument of `sig` a plain name, and returns the statements that bind what the user
/// wrote to those names.
///
/// The statements belong at the top of an `async move` block or `move` closure that stands for the
/// body. They bind in the order and by the steps of the compiler's own `async fn`, so all is
/// dropped in the order of the bare function: variables in reverse, and of an argument taken apart,
/// what no variable took. `self` cannot be bound anew; to be captured whole it has to be mentioned
/// whole, and it is dropped last either way.
///
/// The plain names are spelled like the user's, so that documentation stays as it is, but out of
/// sight of the user's code.
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
pub(crate) fn rebind(sig: &mut Signature) -> TokenStream {
    sig.inputs
        .iter_mut()
        .enumerate()
        .map(|(position, argument)| match argument {
            FnArg::Receiver(receiver) => capture_whole(receiver),
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
            // NOTE: Clippy takes `let _a = a;` for a mistake, wherever it comes from.
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

// Input:
//     (&mut self)
//
// Output:
//     let _ = &self;
fn capture_whole(receiver: &Receiver) -> TokenStream {
    let this = &receiver.self_token;
    quote_spanned!(ours(this.span)=> let _ = &#this;)
}

fn positional(position: usize, span: proc_macro2::Span) -> Ident {
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

/// Which attributes stay on an argument, and which go to the statement that binds it: conditions
/// hold for both, and the level of a lint is for where the user's variables are.
fn share_attributes(attrs: &[Attribute]) -> (Vec<Attribute>, Vec<Attribute>) {
    let is = |attr: &Attribute, names: &[&str]| names.iter().any(|name| attr.path().is_ident(name));
    let condition = |attr: &&Attribute| is(attr, &["cfg", "cfg_attr"]);
    let level = |attr: &&Attribute| is(attr, &["allow", "expect", "warn", "deny", "forbid"]);
    (
        attrs.iter().filter(|attr| !level(attr)).cloned().collect(),
        attrs.iter().filter(|attr| condition(attr) || level(attr)).cloned().collect(),
    )
}
