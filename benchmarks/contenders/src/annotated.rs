//! The functions that contenders annotate.

/// The functions that [`crate::phases!`] writes.
pub trait Phases {
    /// One phase.
    fn call(x: u64) -> u64;
    /// Ten phases, each inside the one before.
    fn ten_nested(x: u64) -> u64;
    /// A hundred phases one after another, each with its own call site.
    fn hundred_sites(x: u64) -> u64;
    /// An async phase that is ready at its `count`-th poll.
    fn polls(count: u32) -> impl Future<Output = u64>;
    /// Does `work` inside a phase.
    fn within(work: &mut dyn FnMut());
}

/// Leaves a function as it is: the annotation of a contender that measures no phases.
#[macro_export]
macro_rules! unannotated {
    ($function:item) => {
        $function
    };
}

/// Writes the functions of the workloads as a type `Annotated`. Each function is passed through the
/// macro `$phase`, or `$async_phase` where it is `async`, which adds the contender's annotation.
#[macro_export]
macro_rules! phases {
    ($phase:ident, $async_phase:ident) => {
        /// The functions of the workloads, annotated.
        struct Annotated;

        $phase! { #[inline(never)] fn leaf(x: u64) -> u64 { ::std::hint::black_box(x) } }

        $phase! { #[inline(never)] fn nested_1(x: u64) -> u64 { nested_2(x) } }
        $phase! { #[inline(never)] fn nested_2(x: u64) -> u64 { nested_3(x) } }
        $phase! { #[inline(never)] fn nested_3(x: u64) -> u64 { nested_4(x) } }
        $phase! { #[inline(never)] fn nested_4(x: u64) -> u64 { nested_5(x) } }
        $phase! { #[inline(never)] fn nested_5(x: u64) -> u64 { nested_6(x) } }
        $phase! { #[inline(never)] fn nested_6(x: u64) -> u64 { nested_7(x) } }
        $phase! { #[inline(never)] fn nested_7(x: u64) -> u64 { nested_8(x) } }
        $phase! { #[inline(never)] fn nested_8(x: u64) -> u64 { nested_9(x) } }
        $phase! { #[inline(never)] fn nested_9(x: u64) -> u64 { nested_10(x) } }
        $phase! { #[inline(never)] fn nested_10(x: u64) -> u64 { ::std::hint::black_box(x) } }

        $crate::__private::seq!(N in 0..100 {
            $phase! { #[inline(never)] fn site_~N(x: u64) -> u64 { ::std::hint::black_box(x) } }
        });

        $async_phase! {
            async fn polled(count: u32) -> u64 { $crate::__private::Yields::new(count).await }
        }

        $phase! {
            #[inline(never)]
            fn within(work: &mut dyn FnMut()) {
                work();
            }
        }

        impl $crate::Phases for Annotated {
            #[inline]
            fn call(x: u64) -> u64 {
                leaf(x)
            }

            #[inline]
            fn ten_nested(x: u64) -> u64 {
                nested_1(x)
            }

            #[inline]
            fn hundred_sites(mut x: u64) -> u64 {
                $crate::__private::seq!(N in 0..100 { x = site_~N(x); });
                x
            }

            fn polls(count: u32) -> impl ::std::future::Future<Output = u64> {
                polled(count)
            }

            fn within(work: &mut dyn FnMut()) {
                within(work);
            }
        }
    };
}
