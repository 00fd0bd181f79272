//! `#[tracked_phase]` on an `impl` block, a trait or an inline module: annotates its functions.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Error, Expr, ImplItemFn, Item, ItemFn, Path, Result, Signature, TraitItemFn,
    Visibility, parse_quote_spanned,
};

use crate::args::{Args, NameKind};

/// The item with every function in it annotated. `None` where it is not such an item.
///
/// # Errors
///
/// Where an argument is wrong, or the module's functions are in another file.
// Input:
//     #[tracked_phase(prefix = "site")]
//     impl Site {
//         fn load(&self) {}
//         #[untracked]
//         fn page(&self) {}
//         #[tracked_phase("draw")]
//         fn render(&self) {}
//         const fn len(&self) {}
//     }
//
// Output:
//     impl Site {
//         #[::perf_runtime::tracked_phase("site.load", crate = ::perf_runtime)]
//         fn load(&self) {}
//         fn page(&self) {}
//         #[tracked_phase("draw")]
//         fn render(&self) {}
//         const fn len(&self) {}
//     }
pub(crate) fn annotate(args: &TokenStream, item: &TokenStream) -> Result<Option<TokenStream>> {
    if !starts_block.parse2(item.clone())? {
        return Ok(None);
    }
    let args = Args::parse(args.clone(), NameKind::Prefix, &["prefix", "crate"])?;
    let mut item: Item = syn::parse2(item.clone())?;
    if let Item::Mod(module) = &item {
        if module.content.is_none() {
            let message = "the functions are in another file; annotate them there";
            return Err(Error::new(module.ident.span(), message));
        }
    }
    let prefix = args.prefix.as_ref().map(|prefix| prefix.value() + ".");
    let mut annotate = Annotate { prefix: prefix.as_deref(), root: &args.root() };
    visit_mut::visit_item_mut(&mut annotate, &mut item);
    Ok(Some(item.into_token_stream()))
}

fn starts_block(input: ParseStream<'_>) -> Result<bool> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    input.step(|cursor| {
        let mut rest = *cursor;
        let mut is_block = false;
        while let Some((ident, next)) = rest.ident() {
            is_block = ["impl", "mod", "trait"].iter().any(|keyword| ident == keyword);
            if is_block || !["auto", "default", "unsafe"].iter().any(|keyword| ident == keyword) {
                break;
            }
            rest = next;
        }
        // The rest is read as well, as a parser has to.
        while let Some((_, next)) = rest.token_tree() {
            rest = next;
        }
        Ok((is_block, rest))
    })
}

struct Annotate<'a> {
    /// Stands before each function's name, with its `.`.
    prefix: Option<&'a str>,
    root: &'a Path,
}

impl Annotate<'_> {
    fn annotate(&self, attrs: &mut Vec<Attribute>, sig: &Signature) {
        if takes_no_attribute(attrs) || sig.constness.is_some() {
            return;
        }
        let (root, ident) = (self.root, &sig.ident);
        // NOTE: the span is the user's, so that `line!()` is the function's line.
        let span = ident.span();
        attrs.push(match self.prefix {
            None => parse_quote_spanned!(span=> #[#root::tracked_phase(crate = #root)]),
            Some(prefix) => {
                let name = prefix.to_owned() + ident.to_string().trim_start_matches("r#");
                parse_quote_spanned!(span=> #[#root::tracked_phase(#name, crate = #root)])
            }
        });
    }
}

impl VisitMut for Annotate<'_> {
    fn visit_item_mut(&mut self, item: &mut Item) {
        let attrs = match item {
            Item::Impl(block) => &mut block.attrs,
            Item::Mod(module) => &mut module.attrs,
            Item::Trait(definition) => &mut definition.attrs,
            _ => return visit_mut::visit_item_mut(self, item),
        };
        if !takes_no_attribute(attrs) {
            visit_mut::visit_item_mut(self, item);
        }
    }

    fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
        self.annotate(&mut function.attrs, &function.sig);
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut ImplItemFn) {
        self.annotate(&mut function.attrs, &function.sig);
    }

    fn visit_trait_item_fn_mut(&mut self, function: &mut TraitItemFn) {
        if function.default.is_some() {
            self.annotate(&mut function.attrs, &function.sig);
        }
    }

    // What is inside of functions and constants stays as it is.
    fn visit_block_mut(&mut self, _: &mut Block) {}
    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

/// Whether an item has an attribute of its own that stands instead. Removes `#[untracked]`.
fn takes_no_attribute(attrs: &mut Vec<Attribute>) -> bool {
    let is = |attr: &Attribute, names: &[&str]| {
        let last: Option<&Ident> = attr.path().segments.last().map(|segment| &segment.ident);
        last.is_some_and(|last| names.iter().any(|name| last == name))
    };
    let decides = attrs.iter().any(|attr| {
        is(attr, &["tracked_phase", "tracked_build"]) || attr.path().is_ident("untracked")
    });
    attrs.retain(|attr| !attr.path().is_ident("untracked"));
    decides
}
