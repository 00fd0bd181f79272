//! Functions of each form that can be annotated. They are compiled with and without annotations, and
//! the machine code is compared.
#![forbid(unsafe_code)]

#[cfg(feature = "annotated")]
use perf_runtime::tracked_phase;

use std::fmt::Write as _;
use std::future::ready;
use std::hint::black_box;

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    blocks: Vec<u32>,
}

/// An ordinary function.
#[cfg_attr(feature = "annotated", tracked_phase("plain"))]
#[inline(never)]
#[must_use]
pub fn plain(x: u64) -> u64 {
    black_box(x).rotate_left(7) ^ 0x9e37
}

/// A function that counts items and can fail.
///
/// # Errors
///
/// Where a page has no title.
#[cfg_attr(feature = "annotated", tracked_phase("render", items = pages.len()))]
#[inline(never)]
pub fn fallible(pages: &[Page]) -> Result<String, std::fmt::Error> {
    let mut html = String::new();
    for page in pages {
        if page.title.is_empty() {
            return Err(std::fmt::Error);
        }
        write!(html, "<h1>{}</h1>", page.title)?;
    }
    Ok(html)
}

/// A function that owns its arguments.
#[cfg_attr(feature = "annotated", tracked_phase)]
#[inline(never)]
#[must_use]
pub fn owning(mut pages: Vec<Page>, title: String) -> Vec<Page> {
    pages.push(Page { title, blocks: Vec::new() });
    pages
}

/// A function that returns a closure behind an opaque type.
#[cfg_attr(feature = "annotated", tracked_phase)]
#[inline(never)]
pub fn opaque(by: u32) -> impl Iterator<Item = u32> {
    (0..black_box(8)).map(move |number| number * by)
}

/// Calls `opaque`, so that code is generated for it.
#[inline(never)]
#[must_use]
pub fn use_of_opaque(by: u32) -> u32 {
    opaque(by).sum()
}

/// A recursive function.
#[cfg_attr(feature = "annotated", tracked_phase)]
#[inline(never)]
#[must_use]
pub fn recursive(n: u32) -> u32 {
    if n < 2 { n } else { recursive(n - 1) + recursive(n - 2) }
}

/// A function that can panic.
///
/// # Panics
///
/// Where `blocks` is empty.
#[cfg_attr(feature = "annotated", tracked_phase)]
#[inline(never)]
#[must_use]
pub fn panicking(blocks: &[u32]) -> u32 {
    *blocks.first().expect("there is a block")
}

impl Page {
    /// A method.
    #[cfg_attr(feature = "annotated", tracked_phase("method", items = self.blocks.len()))]
    #[inline(never)]
    pub fn method(&mut self) -> &[u32] {
        self.blocks.sort_unstable();
        &self.blocks
    }

    /// An async method.
    #[cfg_attr(feature = "annotated", tracked_phase)]
    pub async fn asynchronous(&self, by: u32) -> u32 {
        let mut sum = 0;
        for block in &self.blocks {
            sum += ready(black_box(*block)).await * by;
        }
        sum
    }
}

/// Polls `asynchronous`, so that code is generated for it.
#[inline(never)]
#[must_use]
pub fn use_of_asynchronous(page: &Page) -> Option<u32> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(page.asynchronous(3)).as_mut().poll(&mut context) {
        std::task::Poll::Ready(sum) => Some(sum),
        std::task::Poll::Pending => None,
    }
}
