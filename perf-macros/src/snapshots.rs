//! What the attributes turn functions into, beside what it should be.
//!
//! `snapshots/NAME.rs` holds annotated functions, `snapshots/NAME.expanded.rs` what they become.
//! With `BLESS=1` in the environment, a test writes the latter instead of comparing.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, File, ImplItem, Item, Meta};

use crate::{in_current_phase, tracked_build, tracked_phase};

/// The items of `file` as the compiler would see them.
fn expand_file(file: File, track: bool) -> File {
    let mut items = Vec::new();
    for item in file.items {
        match item {
            Item::Impl(mut block) => {
                block.items = block
                    .items
                    .iter()
                    .flat_map(|item| {
                        let tokens = match item {
                            ImplItem::Fn(function) => {
                                let mut bare = function.clone();
                                bare.attrs.retain(|attr| !is_ours(attr));
                                expand(&function.attrs, bare.to_token_stream(), track)
                            }
                            other => other.to_token_stream(),
                        };
                        let tokens = quote::quote!(impl Methods { #tokens });
                        syn::parse2::<syn::ItemImpl>(tokens).expect("methods").items
                    })
                    .collect();
                items.push(Item::Impl(block));
            }
            Item::Fn(function) => {
                let mut bare = function.clone();
                bare.attrs.retain(|attr| !is_ours(attr));
                let tokens = expand(&function.attrs, bare.to_token_stream(), track);
                items.extend(syn::parse2::<File>(tokens).expect("items").items);
            }
            other => items.push(other),
        }
    }
    let mut file = File { items, ..file };
    ExpandClosures { track }.visit_file_mut(&mut file);
    file
}

/// Expands `in_current_phase!(…)`, and those inside.
struct ExpandClosures {
    track: bool,
}

impl VisitMut for ExpandClosures {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if let Expr::Macro(call) = expression
            && call.mac.path.is_ident("in_current_phase")
        {
            let tokens = in_current_phase::expand(call.mac.tokens.clone(), self.track);
            *expression = syn::parse2(tokens).expect("an expression");
        }
        visit_mut::visit_expr_mut(self, expression);
    }
}

fn is_ours(attr: &Attribute) -> bool {
    attr.path().is_ident("tracked_phase") || attr.path().is_ident("tracked_build")
}

/// What the attribute of ours that is among `attrs` makes of `item`.
fn expand(attrs: &[Attribute], item: TokenStream, track: bool) -> TokenStream {
    let Some(attr) = attrs.iter().find(|attr| is_ours(attr)) else {
        return item;
    };
    let args = match &attr.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    if attr.path().is_ident("tracked_phase") {
        tracked_phase::expand(args, item, track)
    } else {
        tracked_build::expand(args, item, track)
    }
}

/// Compares the expansion of `snapshots/NAME.rs` with the file beside it.
#[track_caller]
fn assert_expansion(name: &str, track: bool) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let input = fs::read_to_string(dir.join(format!("{name}.rs"))).expect("there is an input");
    let file = syn::parse_file(&input).expect("the input is Rust");
    let expanded = prettyplease::unparse(&expand_file(file, track));
    let suffix = if track { "expanded" } else { "untracked" };
    let snapshot = dir.join(format!("{name}.{suffix}.rs"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&snapshot, expanded).expect("the snapshot can be written");
        return;
    }
    let expected = fs::read_to_string(&snapshot).expect("there is a snapshot");
    assert!(
        expanded == expected,
        "{} is not what the expansion is now:\n{expanded}",
        snapshot.display()
    );
}

#[test]
fn a_function_enters_its_phase_before_its_body_and_changes_in_nothing_else() {
    assert_expansion("functions", true);
}

#[test]
fn an_async_function_rebinds_its_arguments_inside_the_tracked_future() {
    assert_expansion("async_functions", true);
}

#[test]
fn a_returned_future_is_tracked_and_its_construction_is_not() {
    assert_expansion("returned_futures", true);
}

#[test]
fn a_build_ends_with_the_outcome_of_what_the_function_returns() {
    assert_expansion("builds", true);
}

#[test]
fn a_closure_enters_the_phase_that_it_carries_before_its_body_and_so_do_the_futures_it_makes() {
    assert_expansion("closures", true);
}

#[test]
fn after_an_error_the_item_stands_as_it_was_written() {
    assert_expansion("errors", true);
    assert_expansion("errors", false);
}

#[test]
fn after_an_error_what_is_no_closure_is_still_evaluated() {
    assert_expansion("closure_errors", true);
    assert_expansion("closure_errors", false);
}

#[test]
fn untracked_what_only_items_uses_is_still_used() {
    assert_expansion("functions", false);
    assert_expansion("async_functions", false);
    assert_expansion("returned_futures", false);
    assert_expansion("builds", false);
}

#[test]
fn untracked_a_closure_is_what_it_was_in_braces() {
    assert_expansion("closures", false);
}
