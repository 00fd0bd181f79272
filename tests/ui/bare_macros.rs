//! The macros of `perf-runtime` as if they were not there.
use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

#[proc_macro_attribute]
pub fn tracked_phase(_args: TokenStream, item: TokenStream) -> TokenStream {
    without_untracked(item)
}

#[proc_macro_attribute]
pub fn tracked_build(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// The closure in braces. In edition 2018, without `move`, the real macro changes what it captures.
#[proc_macro]
pub fn in_current_phase(input: TokenStream) -> TokenStream {
    if std::env::var("CARGO_PKG_NAME").is_ok_and(|package| package == "bare-2018") {
        let path: TokenStream = "::perf_runtime::measured_in_current_phase!".parse().unwrap();
        return path.into_iter().chain([parenthesized(Delimiter::Parenthesis, input)]).collect();
    }
    let mut tokens: Vec<_> = input.into_iter().collect();
    if tokens[0].to_string() == "crate" {
        // `crate = PATH,`
        let comma = tokens.iter().position(|token| token.to_string() == ",").unwrap();
        drop(tokens.drain(..=comma));
    }
    if tokens.last().unwrap().to_string() == "," {
        drop(tokens.pop());
    }
    parenthesized(Delimiter::Brace, tokens.into_iter().collect()).into()
}

fn parenthesized(delimiter: Delimiter, tokens: TokenStream) -> TokenTree {
    TokenTree::Group(Group::new(delimiter, tokens))
}

/// Removes each `#[untracked]`.
fn without_untracked(tokens: TokenStream) -> TokenStream {
    let mut rest = tokens.into_iter().peekable();
    let mut bare = Vec::new();
    while let Some(token) = rest.next() {
        let is_attribute = rest.peek().is_some_and(|next| next.to_string() == "[untracked]");
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_attribute => drop(rest.next()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let mut inner = Group::new(Delimiter::Brace, without_untracked(group.stream()));
                inner.set_span(group.span());
                bare.push(TokenTree::Group(inner));
            }
            token => bare.push(token),
        }
    }
    bare.into_iter().collect()
}
