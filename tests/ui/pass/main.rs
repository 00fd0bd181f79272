//! Every form of function that can be annotated, and of closure that can be handed off, in a crate
//! that asks for all the warnings there are.
//!
//! `macro_forms.rs` compiles and runs this in every edition, with the feature `track` on and off.
//! Off, functions and closures are bare: what they do and what is to be said against them then is
//! all that they may do, and all that may be said, when they are measured.
#![deny(unsafe_code)]
#![warn(
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    unused,
    unreachable_pub,
    unused_results,
    unused_qualifications,
    unit_bindings,
    let_underscore_drop,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    explicit_outlives_requirements,
    trivial_numeric_casts,
    unused_import_braces,
    variant_size_differences,
    missing_debug_implementations,
    non_ascii_idents,
    unnameable_types,
    unused_lifetimes,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

mod async_depth;
mod async_forms;
mod async_trait_forms;
mod attributes;
mod blocks;
mod build_forms;
mod coercions;
mod crate_path;
mod drop_order;
mod hand_off_closures;
mod hand_off_closures_async;
mod hand_off_closures_names;
mod hand_off_closures_phases;
mod items_argument;
mod macro_made;
mod methods;
mod no_prelude;
mod phase_macro;
mod returned_futures;
mod shadowed_names;
mod sync_forms;
mod unsafe_forms;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

fn main() {
    async_depth::run();
    async_forms::run();
    async_trait_forms::run();
    attributes::run();
    blocks::run();
    build_forms::run();
    coercions::run();
    crate_path::run();
    drop_order::run();
    hand_off_closures::run();
    hand_off_closures_async::run();
    hand_off_closures_names::run();
    hand_off_closures_phases::run();
    items_argument::run();
    macro_made::run();
    methods::run();
    no_prelude::run();
    phase_macro::run();
    returned_futures::run();
    shadowed_names::run();
    sync_forms::run();
    unsafe_forms::run();
    println!("all forms ran");
}

/// Polls to completion a future that wakes itself, if it ever waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Is pending once.
#[derive(Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
}

/// Compiles where the future may move to another thread.
const fn assert_send<T: Send>(value: T) -> T {
    value
}
