//! `phase!`: a block as a phase.

/// Runs a block as a phase.
///
/// `return`, `?`, `break` and `continue` in the block mean what they would mean without it. The
/// name is a literal; `items = …` says on how many items the block works.
///
/// ```
/// use perf_runtime::phase;
///
/// let pages = ["a", "b"];
/// let length: usize = phase!("measure", items = pages.len(), {
///     pages.iter().map(|page| page.len()).sum()
/// });
/// assert_eq!(length, 2);
/// ```
#[cfg(feature = "track")]
#[macro_export]
macro_rules! phase {
    ($name:literal, items = $items:expr, $block:block $(,)?) => {{
        let __guard = {
            static SITE: $crate::__private::Site = $crate::__private::Site::new($name);
            &SITE
        }
        .enter_with_items($items);
        $block
    }};
    ($name:literal, $block:block $(,)?) => {{
        let __guard = {
            static SITE: $crate::__private::Site = $crate::__private::Site::new($name);
            &SITE
        }
        .enter();
        $block
    }};
    ($name:literal $(,)?) => {
        ::core::compile_error!("`phase!` needs a block: phase!(\"name\", { … })")
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`phase!` takes a literal name and a block; a name made at run time goes to `enter`"
        )
    };
}

/// Runs a block; measuring is compiled out.
#[cfg(not(feature = "track"))]
#[macro_export]
macro_rules! phase {
    ($name:literal, items = $items:expr, $block:block $(,)?) => {{
        let _ = || $crate::ItemCount::to_count($items);
        $block
    }};
    ($name:literal, $block:block $(,)?) => {{ $block }};
    ($name:literal $(,)?) => {
        ::core::compile_error!("`phase!` needs a block: phase!(\"name\", { … })")
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`phase!` takes a literal name and a block; a name made at run time goes to `enter`"
        )
    };
}
