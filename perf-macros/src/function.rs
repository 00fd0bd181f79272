//! Parses a function as far as an expansion has to understand it: its signature, but not its body.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{
    AttrStyle, Attribute, Error, Result, ReturnType, Signature, Token, Type, Visibility, braced,
    token,
};

/// A function with a body: free, or a method.
#[derive(Clone)]
pub(crate) struct Function {
    /// The outer attributes.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) brace: token::Brace,
    /// The attributes at the top of the body, which apply to the whole function.
    pub(crate) inner_attrs: Vec<Attribute>,
    /// What the braces hold after those attributes.
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
                "a `const fn` cannot be measured because it may run at compile time",
            ));
        }
        if input.peek(Token![;]) {
            return Err(Error::new(
                sig.ident.span(),
                "a function without a body cannot be measured; annotate its implementations",
            ));
        }
        let content;
        let brace = braced!(content in input);
        let inner_attrs = content.call(Attribute::parse_inner)?;
        let body = content.parse()?;
        Ok(Function { attrs, vis, sig, brace, inner_attrs, body })
    }
}

/// Whether a function follows the visibility, whatever its qualifiers.
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
    /// The function's own name, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.to_string().trim_start_matches("r#").to_owned()
    }

    /// `body` in a [`block_at`] the user's braces.
    pub(crate) fn block(&self, body: &TokenStream) -> TokenStream {
        block_at(self.brace.span.join(), body)
    }

    /// `tokens` in a block that is [`braced_at`] the user's braces.
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

    /// The return type, where there is one.
    pub(crate) fn output(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ungrouped(ty)),
        }
    }

    /// Whether the return type is `!`.
    pub(crate) fn never_returns(&self) -> bool {
        matches!(self.output(), Some(Type::Never(_)))
    }
}

/// The type inside parentheses and the invisible groups of `macro_rules!`.
pub(crate) fn ungrouped(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

/// `body` as a block in the user's braces, at `span`. It goes at the end of a block of
/// [`braced_at`], or of a closure.
///
/// The empty statement keeps the braces from being reported as unused around a single expression.
pub(crate) fn block_at(span: Span, body: &TokenStream) -> TokenStream {
    let nothing = quote_spanned!(ours(span)=> ;);
    let mut block = Group::new(Delimiter::Brace, quote!(#nothing #body));
    block.set_span(span);
    TokenTree::Group(block).into()
}

/// `tokens` in braces of this crate's edition, at `span`.
///
/// In edition 2024, the temporaries of a block's last expression are dropped before the block's
/// variables. In an older one, the last expression of the user's body could not borrow from the
/// variables that an expansion puts before that body, arguments among them.
pub(crate) fn braced_at(span: Span, tokens: TokenStream) -> TokenStream {
    let mut block = Group::new(Delimiter::Brace, tokens);
    block.set_span(ours(span));
    TokenTree::Group(block).into()
}

/// `span` with the hygiene of this macro: such variables do not see the user's, nor the user's code
/// them.
pub(crate) fn ours(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}
