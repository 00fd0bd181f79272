//! The arguments in the macros' parentheses.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{End, ParseStream, Parser};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitBool, LitStr, Path, Result, Token, parse_quote};

/// The arguments of an attribute, whichever it is.
#[derive(Default)]
pub(crate) struct Args {
    /// The name of the phase, or of the tool.
    pub(crate) name: Option<LitStr>,
    pub(crate) items: Option<Expr>,
    /// Whether the returned value is a future to measure. `None` decides by its type.
    pub(crate) future: Option<LitBool>,
    pub(crate) prefix: Option<LitStr>,
    root: Option<Path>,
}

impl Args {
    /// Parses `name, key = value, …`. Of the keys, only `keys` are accepted.
    ///
    /// # Errors
    ///
    /// At the first argument that is unknown, given twice, or of the wrong type.
    pub(crate) fn parse(tokens: TokenStream, name: NameKind, keys: &[&str]) -> Result<Self> {
        let parser = |input: ParseStream<'_>| {
            let mut args = Self::default();
            if input.peek(Lit) && keys.contains(&"name") {
                args.name = Some(parse_name(input, name)?);
                parse_comma(input)?;
            }
            while !input.is_empty() {
                args.parse_argument(input, name, keys)?;
                parse_comma(input)?;
            }
            Ok(args)
        };
        parser.parse2(tokens)
    }

    /// The path of `perf-runtime`.
    pub(crate) fn root(&self) -> Path {
        self.root.clone().unwrap_or_else(default_root)
    }

    fn parse_argument(
        &mut self,
        input: ParseStream<'_>,
        name: NameKind,
        keys: &[&str],
    ) -> Result<()> {
        if input.peek(Lit) && keys.contains(&"name") {
            let message = format!("the {} comes first, or as `name = \"…\"`", name.describe());
            return Err(input.error(message));
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("expected {}", one_of(keys))));
        }
        let ident = input.call(Ident::parse_any)?;
        let key = ident.to_string();
        let error = |message| Err(Error::new(ident.span(), message));
        if !keys.contains(&key.as_str()) {
            return error(format!("unknown argument `{key}`, expected {}", one_of(keys)));
        }
        if !input.peek(Token![=]) || input.peek2(Token![,]) || input.peek2(End) {
            return error(format!("argument `{key}` has no value, expected `{key} = …`"));
        }
        input.parse::<Token![=]>()?;
        let is_repeated = match key.as_str() {
            "name" => self.name.replace(parse_name(input, name)?).is_some(),
            "items" => self.items.replace(input.parse()?).is_some(),
            "future" => self.future.replace(parse_bool(input)?).is_some(),
            "prefix" => self.prefix.replace(parse_name(input, NameKind::Prefix)?).is_some(),
            _ => self.root.replace(input.call(Path::parse_mod_style)?).is_some(),
        };
        if is_repeated {
            return error(format!("argument `{key}` is given twice"));
        }
        Ok(())
    }
}

/// What a name is the name of.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum NameKind {
    Phase,
    Prefix,
    Tool,
}

impl NameKind {
    fn describe(self) -> &'static str {
        match self {
            Self::Phase => "phase name",
            Self::Prefix => "prefix",
            Self::Tool => "tool name",
        }
    }
}

/// Parses the `crate = PATH,` that may stand before a macro's input.
///
/// # Errors
///
/// Where it begins like that and continues otherwise.
pub(crate) fn parse_root(input: ParseStream<'_>) -> Result<Path> {
    if !input.peek(Token![crate]) || !input.peek2(Token![=]) {
        return Ok(default_root());
    }
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    let root = input.call(Path::parse_mod_style)?;
    parse_comma(input)?;
    Ok(root)
}

fn default_root() -> Path {
    parse_quote!(::perf_runtime)
}

/// Parses a comma, unless the input ends here.
fn parse_comma(input: ParseStream<'_>) -> Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

fn parse_name(input: ParseStream<'_>, kind: NameKind) -> Result<LitStr> {
    let expression: Expr = input.parse()?;
    let mut inner = &expression;
    // `macro_rules!` puts a literal that it passes on into an invisible group.
    while let Expr::Group(group) = inner {
        inner = &group.expr;
    }
    let what = kind.describe();
    let Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) = inner else {
        let message = format!("the {what} must be a string literal");
        return Err(Error::new_spanned(expression, message));
    };
    let value = name.value();
    let problem = if !name.suffix().is_empty() {
        "have a suffix"
    } else if value.is_empty() {
        "be empty"
    } else if value.contains(char::is_control) {
        "contain control characters"
    } else if kind != NameKind::Tool && value.contains('/') {
        "contain `/`, which separates the names in a path"
    } else {
        return Ok(name.clone());
    };
    Err(Error::new(name.span(), format!("the {what} cannot {problem}")))
}

fn parse_bool(input: ParseStream<'_>) -> Result<LitBool> {
    if input.peek(LitBool) { input.parse() } else { Err(input.error("expected `true` or `false`")) }
}

/// "`a`, `b` or `c`".
fn one_of(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    }
}
