//! `phase!`: a block as a phase.

/// Runs a block as a phase.
///
/// `return`, `?`, `break` and `continue` in the block mean what they would mean without it. The
/// name is a literal. `items = …` is the number of items that the block works on, evaluated where a
/// build is open.
///
/// ```
/// # extern crate perf_core as perf_runtime;
/// use perf_runtime::phase;
///
/// let pages = ["a", "b"];
/// let length: usize = phase!("measure", items = pages.len(), {
///     pages.iter().map(|page| page.len()).sum()
/// });
/// assert_eq!(length, 2);
/// ```
#[macro_export]
macro_rules! phase {
    ($name:literal, $(items = $items:expr,)? $block:block $(,)?) => {{
        let __guard = {
            static SITE: $crate::__private::Site = $crate::__private::Site::new(
                $name,
                $crate::__private::core::file!(),
                $crate::__private::core::line!(),
            );
            &SITE
        }
        .enter();
        $(if $crate::__private::any_build_open() {
            $crate::add_items($items);
        })?
        $block
    }};
    ($name:literal $(,)?) => {
        ::core::compile_error!("`phase!` needs a block: phase!(\"name\", { … })")
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`phase!` takes a literal name and a block; use `enter` for a name made at run time"
        )
    };
}
