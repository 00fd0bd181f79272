//! A function, read as far as an expansion has to understand it: the head parsed, the body as it
//! came.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{
    AttrStyle, Attribute, Error, Result, ReturnType, Signature, Token, Type, Visibility, braced,
    token,
};

/// A function with a body, wherever it stands.
#[derive(Clone)]
pub(crate) struct Function {
    /// The outer attributes.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) brace: token::Brace,
    /// The attributes at the top of the body, which speak of the whole function.
    pub(crate) inner_attrs: Vec<Attribute>,
    /// What stands in the braces, after those attributes.
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        if !starts_function(&input.fork()) {
            return Err(input.error("expected a function"));
        }
        let sig: Signature = input.parse()?;
        if let Some(constness) = &sig.constness {
            return Err(Error::new(
                constness.span,
                "a `const fn` cannot be measured, because it may run at compile time",
            ));
        }
        if input.peek(Token![;]) {
            return Err(Error::new(
                sig.ident.span(),
                "a function without a body has nothing to measure; annotate its implementations",
            ));
        }
        let content;
        let brace = braced!(content in input);
        let inner_attrs = content.call(Attribute::parse_inner)?;
        let body = content.parse()?;
        Ok(Function { attrs, vis, sig, brace, inner_attrs, body })
    }
}

/// Whether what follows the visibility is a function's head, whatever its qualifiers.
fn starts_function(input: ParseStream<'_>) -> bool {
    input
        .step(|cursor| {
            let mut rest = *cursor;
            while let Some((token, next)) = rest.token_tree() {
                match token {
                    TokenTree::Ident(ident) if ident == "fn" => return Ok(((), next)),
                    TokenTree::Ident(ident)
                        if ["const", "async", "unsafe", "safe", "extern"]
                            .iter()
                            .any(|qualifier| ident == qualifier) => {}
                    TokenTree::Literal(_) => {}
                    _ => break,
                }
                rest = next;
            }
            Err(cursor.error("no function"))
        })
        .is_ok()
}

impl Function {
    /// The function's own name, as its calls write it but without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.to_string().trim_start_matches("r#").to_owned()
    }

    /// `body`, the function's own or made of it, as a [`block_at`] the user's braces.
    pub(crate) fn block(&self, body: &TokenStream) -> TokenStream {
        block_at(self.brace.span.join(), body)
    }

    /// `tokens` in braces of ours, [`braced_at`] the user's.
    pub(crate) fn braced(&self, tokens: TokenStream) -> TokenStream {
        braced_at(self.brace.span.join(), tokens)
    }

    /// The function with another body; the attributes inside the old one stay.
    pub(crate) fn with_body(&self, sig: &Signature, body: &TokenStream) -> TokenStream {
        let mut tokens = TokenStream::new();
        tokens.append_all(&self.attrs);
        self.vis.to_tokens(&mut tokens);
        sig.to_tokens(&mut tokens);
        self.brace.surround(&mut tokens, |tokens| {
            for attr in &self.inner_attrs {
                debug_assert!(matches!(attr.style, AttrStyle::Inner(_)));
                attr.to_tokens(tokens);
            }
            body.to_tokens(tokens);
        });
        tokens
    }

    /// The type that the function returns, where its head names one.
    pub(crate) fn output(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ungrouped(ty)),
        }
    }

    /// Whether the function never returns, by its type.
    pub(crate) fn never_returns(&self) -> bool {
        matches!(self.output(), Some(Type::Never(_)))
    }
}

/// The type inside parentheses, and inside the groups of `macro_rules!`, which nobody sees.
pub(crate) fn ungrouped(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

/// `body`, the user's own or made of it, as a block of its own in braces that are the user's, at
/// `span`. Its place is at the end of a block of [`braced_at`], or of a closure.
///
/// The empty statement says that the braces are meant: without it, those around a single
/// expression would be reported as unused.
pub(crate) fn block_at(span: Span, body: &TokenStream) -> TokenStream {
    let nothing = quote_spanned!(ours(span)=> ;);
    let mut block = Group::new(Delimiter::Brace, quote!(#nothing #body));
    block.set_span(span);
    TokenTree::Group(block).into()
}

/// `tokens` in braces that are where `span` is, but are ours.
///
/// This crate is of edition 2024, in which what the last expression of a block borrows is let go
/// before the block's variables are. An older edition would keep what the user's body borrows in
/// its last expression until after the variables that an expansion puts before that body, arguments
/// among them, are gone.
pub(crate) fn braced_at(span: Span, tokens: TokenStream) -> TokenStream {
    let mut block = Group::new(Delimiter::Brace, tokens);
    block.set_span(ours(span));
    TokenTree::Group(block).into()
}

/// `span`, with names that neither see the user's variables nor are seen by the user's code.
pub(crate) fn ours(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}
