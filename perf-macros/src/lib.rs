//! What `#[tracked_phase]` and `#[tracked_build]` turn a function into.
//!
//! Use them through `perf-runtime`, which re-exports both and which the code that they generate
//! names. With the feature `track` off, both check what they are given and leave the function bare.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod args;
mod arguments;
mod body;
mod function;
mod returned_future;
#[cfg(test)]
mod snapshots;
mod tracked_build;
mod tracked_phase;

use proc_macro::TokenStream;

/// Whether expansions measure (the feature `track`) or leave the function bare.
const TRACK: bool = cfg!(feature = "track");

/// Makes a function a phase of the build: its calls, time, memory and items are recorded.
///
/// ```ignore
/// #[tracked_phase("render", items = pages.len())]
/// fn render(pages: &[Page]) -> Result<Vec<Html>, Error> {
///     pages.iter().map(Page::render).collect()
/// }
/// ```
///
/// # Arguments
///
/// All are optional.
///
/// - `"name"`, first, or `name = "…"` anywhere: the phase's name, else the function's own. A
///   non-empty string literal without `/` and control characters.
/// - `items = EXPR`: adds to the phase's items; any integer. Evaluated once per call, at entry, and
///   may use the function's arguments.
/// - `future = true`: the function returns a future that its type does not show: a type alias, an
///   associated type, a trait of one's own. `future = false` measures the construction of one that
///   it does show.
/// - `crate = PATH`: where `perf-runtime` is found, for crates that re-export it.
///
/// # What is measured
///
/// A function is measured from entry to return. Arguments are dropped where the bare function drops
/// them, after the phase.
///
/// An `async fn` is measured while it is polled, and so are the futures that a function returns as
/// `impl Future` or makes with `Box::pin(…)` as its last expression, or that of a `return`, where
/// its type is `Pin<Box<dyn Future>>` (as `#[async_trait]` writes it) or where `future = true`. The
/// construction of such a future is not. A `Pin<Box<dyn Future>>` made in another way is a value
/// like any other: its construction is measured.
///
/// # Errors
///
/// A `const fn`, an item without a body or that is no function, an argument that is unknown or
/// given twice, a name that cannot be one: each is a compile error at the token at fault, and the
/// item is left as it was.
#[proc_macro_attribute]
pub fn tracked_phase(args: TokenStream, item: TokenStream) -> TokenStream {
    tracked_phase::expand(args.into(), item.into(), TRACK).into()
}

/// Makes a function the build: a call of it starts, ends and saves one.
///
/// The build's outcome is `failed` where the function returns an `Err` or its future is dropped
/// half-way, `panicked` where it unwinds, else `success`.
///
/// ```ignore
/// #[tracked_build("my-site")]
/// fn build(incremental: bool) -> Result<Site, Error> {
///     Site::load(incremental)?.render()
/// }
/// ```
///
/// # Arguments
///
/// All are optional.
///
/// - `"tool"`, first, or `name = "…"` anywhere: the tool's name, else that of the package. A
///   non-empty string literal without control characters.
/// - `future = true` and `crate = PATH`: as for `#[tracked_phase]`.
///
/// The tool's version is that of the package that the function is in.
///
/// # Notes
///
/// The body runs inside a closure, so that `return` and `?` leave the body and not the build: under
/// `#[track_caller]`, `Location::caller()` sees that closure's caller.
///
/// On a function that is a phase as well, this attribute goes below `#[tracked_phase]`: what is
/// nearer to the function is around what is above it.
///
/// # Errors
///
/// As for `#[tracked_phase]`.
#[proc_macro_attribute]
pub fn tracked_build(args: TokenStream, item: TokenStream) -> TokenStream {
    tracked_build::expand(args.into(), item.into(), TRACK).into()
}
