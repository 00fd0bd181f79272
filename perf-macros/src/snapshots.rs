//! Compares expansions with the expected ones.
//!
//! `snapshots/NAME.rs` holds uses of the macros, `snapshots/NAME.expanded.rs` what they expand to.
//! With `BLESS=1` in the environment, the test writes the latter instead of comparing.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, File, ImplItem, Item, ItemImpl, Meta};

use crate::{in_current_phase, tracked_build, tracked_phase};

const SNAPSHOTS: [&str; 8] = [
    "functions",
    "async_functions",
    "returned_futures",
    "builds",
    "blocks",
    "closures",
    "errors",
    "closure_errors",
];

#[test]
fn every_use_of_a_macro_expands_to_its_snapshot() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    for name in SNAPSHOTS {
        let input = fs::read_to_string(dir.join(format!("{name}.rs"))).expect("there is an input");
        let mut file = syn::parse_file(&input).expect("the input is Rust");
        Expand.visit_file_mut(&mut file);
        let expanded = prettyplease::unparse(&file);
        let snapshot = dir.join(format!("{name}.expanded.rs"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&snapshot, &expanded).expect("the snapshot can be written");
        }
        let expected = fs::read_to_string(&snapshot).expect("there is a snapshot");
        assert!(expanded == expected, "{} differs:\n{expanded}", snapshot.display());
    }
}

/// Replaces items and expressions by what the compiler would replace them by.
struct Expand;

impl VisitMut for Expand {
    fn visit_file_mut(&mut self, file: &mut File) {
        file.items = std::mem::take(&mut file.items).into_iter().flat_map(expand_item).collect();
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_impl_mut(&mut self, block: &mut ItemImpl) {
        block.items =
            std::mem::take(&mut block.items).into_iter().flat_map(expand_method).collect();
        visit_mut::visit_item_impl_mut(self, block);
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if let Expr::Macro(call) = expression
            && call.mac.path.is_ident("in_current_phase")
        {
            let tokens = in_current_phase::expand(call.mac.tokens.clone());
            *expression = syn::parse2(tokens).expect("an expression");
        }
        visit_mut::visit_expr_mut(self, expression);
    }
}

fn expand_item(mut item: Item) -> Vec<Item> {
    let attr = match &mut item {
        Item::Fn(function) => take_attribute(&mut function.attrs),
        Item::Impl(block) => take_attribute(&mut block.attrs),
        Item::Mod(module) => take_attribute(&mut module.attrs),
        Item::Trait(definition) => take_attribute(&mut definition.attrs),
        _ => None,
    };
    let Some(attr) = attr else { return vec![item] };
    syn::parse2::<File>(expand(&attr, item.to_token_stream())).expect("items").items
}

fn expand_method(mut item: ImplItem) -> Vec<ImplItem> {
    let attr = match &mut item {
        ImplItem::Fn(function) => take_attribute(&mut function.attrs),
        _ => None,
    };
    let Some(attr) = attr else { return vec![item] };
    let methods = expand(&attr, item.to_token_stream());
    syn::parse2::<ItemImpl>(quote!(impl Methods { #methods })).expect("methods").items
}

/// Takes the attribute of this crate from among `attrs`.
fn take_attribute(attrs: &mut Vec<Attribute>) -> Option<Attribute> {
    let is_ours = |attr: &Attribute| {
        attr.path().is_ident("tracked_phase") || attr.path().is_ident("tracked_build")
    };
    attrs.iter().position(is_ours).map(|position| attrs.remove(position))
}

fn expand(attr: &Attribute, item: TokenStream) -> TokenStream {
    let args = match &attr.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    if attr.path().is_ident("tracked_phase") {
        tracked_phase::expand(args, item)
    } else {
        tracked_build::expand(args, item)
    }
}
