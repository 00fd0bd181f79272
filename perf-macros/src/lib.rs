//! The macros of `perf-runtime`: `#[tracked_phase]`, `#[tracked_build]` and `in_current_phase!`.
//!
//! Use them through `perf-runtime`, which re-exports them and which the generated code refers to.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod args;
mod body;
mod every_function;
mod function;
mod in_current_phase;
mod returned_future;
#[cfg(test)]
mod snapshots;
mod tracked_build;
mod tracked_phase;

use proc_macro::TokenStream;

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
/// - `items = EXPR`: adds to the phase's items; any integer. Evaluated once per call, at entry, where
///   a build is open. It may use the function's arguments.
/// - `future = true`: the function returns a future that its type does not show: a type alias, an
///   associated type, a trait of one's own. `future = false` measures the construction of one that
///   it does show.
/// - `crate = PATH`: where `perf-runtime` is found, for crates that re-export it.
///
/// # Many functions at once
///
/// On an `impl` block, a trait or an inline module, the attribute annotates every function with a
/// body, also those of blocks inside a module. Each phase is named after its function. With
/// `prefix = "site"`, the phases are named `site.load`, `site.render` and so on. `crate = PATH` is
/// passed on.
///
/// ```ignore
/// #[tracked_phase(prefix = "site")]
/// impl Site {
///     fn load(&mut self) -> Result<(), Error> { Ok(()) }
///
///     #[untracked]
///     fn page(&self, index: usize) -> &Page { &self.pages[index] }
///
///     #[tracked_phase("draw", items = self.pages.len())]
///     fn render(&self) -> Vec<Html> { self.pages.iter().map(Page::html).collect() }
/// }
/// ```
///
/// `#[untracked]` leaves out a function, or a block inside a module. An attribute of its own, as on
/// `render`, replaces the one from the block. A `const fn` is left out.
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
    tracked_phase::expand(args.into(), item.into()).into()
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
    tracked_build::expand(args.into(), item.into()).into()
}

/// A closure whose calls run in the phase that made it, wherever they run: the hand-off of work to
/// another thread.
///
/// The time and memory of a call belong to the phase that was open innermost where
/// `in_current_phase!` was evaluated, and phases entered by the call are its children. A call of
/// the closure is no call of the phase. Without it, what another thread does counts at the root of
/// the build.
///
/// ```ignore
/// #[tracked_phase("render")]
/// fn render(pages: &[Page]) -> Vec<Html> {
///     pages.par_iter().map(in_current_phase!(|page| markdown(page))).collect()
/// }
///
/// // Recorded as `render/markdown`, on all threads of the pool.
/// #[tracked_phase("markdown")]
/// fn markdown(page: &Page) -> Html {
///     Html::from(&page.text)
/// }
/// ```
///
/// It is written as a closure is, and is `FnOnce`, `FnMut` or `Fn` by its body; types are inferred,
/// and captures made, as if it were bare. It goes wherever a closure goes:
///
/// ```ignore
/// // A thread, in a scope or not.
/// let worker = thread::spawn(in_current_phase!(move || index(&pages)));
/// thread::scope(|scope| scope.spawn(in_current_phase!(|| index(&pages))));
///
/// // Rayon's other ways in.
/// rayon::join(in_current_phase!(|| render(left)), in_current_phase!(|| render(right)));
/// rayon::scope(|scope| scope.spawn(in_current_phase!(|_| render(pages))));
/// pages.par_sort_by_key(in_current_phase!(|page| page.date));
///
/// // A channel to a pool of one's own: the job is of the phase that sends it.
/// jobs.send(Box::new(in_current_phase!(move || render(page))))?;
/// ```
///
/// # Futures
///
/// The futures of an `async` closure are handed off, and so are those of a closure that returns an
/// `async` block, or `Box::pin` of one. (In a closure with the return type
/// `Pin<Box<dyn Future<…>>>`, `Box::pin` of any.) Other futures have a method for it,
/// `.in_current_phase()`.
///
/// ```ignore
/// tasks.extend(urls.map(in_current_phase!(|url| async move { fetch(url).await })));
/// ```
///
/// # What belongs to the phase
///
/// The body, from its first statement to the end of what is temporary in its last expression.
/// Arguments, and captured values that go with a closure that is called only once, are dropped
/// after it, as the bare closure drops them. What `let pages = pages;` moves into a variable of the
/// body is dropped within.
///
/// Making the closure, and moving it to where it is called, belong to where that is done.
///
/// # What it costs
///
/// Where the closure runs on the thread and in the phase that made it, a check. Elsewhere the
/// thread goes over to the phase and back, with two reads of the clock. Outside of a build that is
/// a check as well, and with the feature `track` off it is nothing. For work that is smaller than
/// that, hand off a chunk at a time: `par_chunks`, or the closure that runs the loop.
///
/// # What is different from a bare closure
///
/// - It captures the phase, and so is no function pointer (`fn(Page) -> Html`).
/// - The compiler looks at an argument that is a bare closure last, when it knows the types of the
///   others. This one it takes as they come. Where one closure is to know what another returns, as
///   in `map_init` and `fold`, hand off both, or give the argument a type.
/// - In edition 2018, one without `move` captures as from edition 2021 on: fields, not whole
///   variables.
///
/// # Arguments
///
/// `crate = PATH` before the closure says where `perf-runtime` is found, for crates that re-export
/// it: `in_current_phase!(crate = tool::perf, |page| render(page))`.
///
/// # Errors
///
/// What is no closure is a compile error at the token at fault.
#[proc_macro]
pub fn in_current_phase(input: TokenStream) -> TokenStream {
    in_current_phase::expand(input.into()).into()
}
