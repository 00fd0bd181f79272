//! What stands in the macros' parentheses, beside what they work on.

use syn::ext::IdentExt;
use syn::parse::{End, Parse, ParseStream, Parser};
use syn::{Error, Expr, Ident, Lit, LitBool, LitStr, Path, Result, Token, parse_quote};

use proc_macro2::TokenStream;

/// The arguments of `#[tracked_phase]`.
pub(crate) struct PhaseArgs {
    pub(crate) name: Option<LitStr>,
    pub(crate) items: Option<Expr>,
    /// Whether the returned value is a future to measure; by its type where this is `None`.
    pub(crate) future: Option<LitBool>,
    /// Where the runtime is found.
    pub(crate) root: Path,
}

/// The arguments of `#[tracked_build]`.
pub(crate) struct BuildArgs {
    /// The tool's name; the package's where there is none.
    pub(crate) tool: Option<LitStr>,
    /// As for a phase.
    pub(crate) future: Option<LitBool>,
    /// Where the runtime is found.
    pub(crate) root: Path,
}

/// Any of the arguments, each with the key that it was given under.
#[derive(Default)]
struct Given {
    name: Option<LitStr>,
    items: Option<Expr>,
    future: Option<LitBool>,
    root: Option<Path>,
}

impl PhaseArgs {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// At the first argument that is unknown, given twice, or of the wrong type.
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let keys = ["name", "items", "future", "crate"];
        let given = (|input: ParseStream<'_>| Given::parse(input, "a phase's name", &keys))
            .parse2(tokens)?;
        if let Some(name) = &given.name
            && name.value().contains('/')
        {
            return Err(Error::new(
                name.span(),
                "a phase's name holds no `/`, which joins the names of a path",
            ));
        }
        Ok(PhaseArgs {
            name: given.name,
            items: given.items,
            future: given.future,
            root: given.root.unwrap_or_else(runtime),
        })
    }
}

impl BuildArgs {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// As for [`PhaseArgs::parse`].
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let keys = ["name", "future", "crate"];
        let given = (|input: ParseStream<'_>| Given::parse(input, "a tool's name", &keys))
            .parse2(tokens)?;
        Ok(BuildArgs {
            tool: given.name,
            future: given.future,
            root: given.root.unwrap_or_else(runtime),
        })
    }
}

/// Reads where the runtime is from what may stand before a macro's input, `crate = PATH,`.
///
/// # Errors
///
/// Where it begins so and goes on otherwise.
pub(crate) fn parse_root(input: ParseStream<'_>) -> Result<Path> {
    if !input.peek(Token![crate]) || !input.peek2(Token![=]) {
        return Ok(runtime());
    }
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    let root = input.call(Path::parse_mod_style)?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(root)
}

/// Where the runtime is, unless an argument says otherwise.
fn runtime() -> Path {
    parse_quote!(::perf_runtime)
}

impl Given {
    fn parse(input: ParseStream<'_>, what_name_is: &str, keys: &[&str]) -> Result<Self> {
        let mut given = Given::default();
        if input.peek(Lit) {
            given.name = Some(parse_name(input, what_name_is)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        while !input.is_empty() {
            given.parse_argument(input, what_name_is, keys)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(given)
    }

    fn parse_argument(
        &mut self,
        input: ParseStream<'_>,
        what_name_is: &str,
        keys: &[&str],
    ) -> Result<()> {
        if input.peek(Lit) {
            return Err(
                input.error(format!("{what_name_is} is the first argument, or `name = \"…\"`"))
            );
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("expected {}", one_of(keys))));
        }
        let key = input.call(Ident::parse_any)?;
        let name = key.to_string();
        if !keys.contains(&name.as_str()) {
            return Err(Error::new(
                key.span(),
                format!("unknown argument `{name}`, expected {}", one_of(keys)),
            ));
        }
        let repeated = match name.as_str() {
            "name" => self.name.is_some(),
            "items" => self.items.is_some(),
            "future" => self.future.is_some(),
            _ => self.root.is_some(),
        };
        if repeated {
            return Err(Error::new(key.span(), format!("argument `{name}` is given twice")));
        }
        if !input.peek(Token![=]) || input.peek2(Token![,]) || input.peek2(End) {
            return Err(Error::new(
                key.span(),
                format!("argument `{name}` has no value, expected `{name} = …`"),
            ));
        }
        input.parse::<Token![=]>()?;
        match name.as_str() {
            "name" => self.name = Some(parse_name(input, what_name_is)?),
            "items" => self.items = Some(input.parse()?),
            "future" => self.future = Some(parse_bool(input)?),
            _ => self.root = Some(input.call(Path::parse_mod_style)?),
        }
        Ok(())
    }
}

/// `what_name_is` as its error calls it.
fn parse_name(input: ParseStream<'_>, what_name_is: &str) -> Result<LitStr> {
    let expression: Expr = input.parse()?;
    let mut inner = &expression;
    // A literal that came through a `macro_rules!` fragment is in a group that nobody sees.
    while let Expr::Group(group) = inner {
        inner = &group.expr;
    }
    let Expr::Lit(syn::ExprLit { lit: Lit::Str(name), .. }) = inner else {
        return Err(Error::new_spanned(expression, format!("{what_name_is} is a string literal")));
    };
    if !name.suffix().is_empty() {
        return Err(Error::new(name.span(), format!("{what_name_is} has no suffix")));
    }
    if name.value().is_empty() {
        return Err(Error::new(name.span(), format!("{what_name_is} is not empty")));
    }
    if name.value().contains(char::is_control) {
        return Err(Error::new(name.span(), format!("{what_name_is} holds no control character")));
    }
    Ok(name.clone())
}

fn parse_bool(input: ParseStream<'_>) -> Result<LitBool> {
    if input.peek(LitBool) {
        LitBool::parse(input)
    } else {
        Err(input.error("expected `true` or `false`"))
    }
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
