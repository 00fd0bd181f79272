//! `future = …` where there is none to measure, or no doubt about it.
use std::pin::Pin;

use perf_runtime::{tracked_build, tracked_phase};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

#[tracked_phase(future = true)]
async fn asynchronous() {}

#[tracked_phase(future = false)]
async fn asynchronous_and_not() {}

#[tracked_phase(future = true)]
fn nothing() {}

#[tracked_phase(future = true)]
fn another_expression() -> BoxFuture<u32> {
    let future = async { 1 };
    let boxed = Box::pin(future);
    boxed
}

#[tracked_build(future = true)]
fn build() -> BoxFuture<u32> {
    another_expression()
}

fn main() {
    drop(asynchronous());
    drop(asynchronous_and_not());
    nothing();
    drop(another_expression());
    drop(build());
}
