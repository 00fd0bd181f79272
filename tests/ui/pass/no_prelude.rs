//! Nothing is in scope but what is named.
#![no_implicit_prelude]

use ::std::assert_eq;
use ::std::boxed::Box;
use ::std::future::Future;
use ::std::pin::Pin;
use ::std::result::Result::{self, Err, Ok};

use crate::{Yield, block_on};

#[::perf_runtime::tracked_phase(items = number)]
fn sync(number: u32) -> u32 {
    number
}

#[::perf_runtime::tracked_phase(items = number)]
async fn asynchronous(number: u32) -> Result<u32, u32> {
    let () = yielding().await;
    if number == 0 {
        return Err(number);
    }
    Ok(number)
}

#[::perf_runtime::tracked_phase]
async fn yielding() {
    <Yield as ::std::default::Default>::default().await;
}

#[::perf_runtime::tracked_phase]
fn opaque(number: u32) -> impl Future<Output = u32> {
    ::std::future::ready(number)
}

#[::perf_runtime::tracked_phase]
fn boxed(number: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(::std::future::ready(number))
}

#[::perf_runtime::tracked_build]
fn build(number: u32) -> Result<u32, u32> {
    if number == 0 {
        return Err(number);
    }
    Ok(number)
}

#[::perf_runtime::tracked_build("tool")]
async fn async_build(number: u32) -> u32 {
    yielding().await;
    number
}

#[::perf_runtime::tracked_build]
fn boxed_build(number: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(::std::future::ready(number))
}

fn block() -> u32 {
    ::perf_runtime::phase!("block", items = 1, { 1 }) + ::perf_runtime::phase!("other", { 1 })
}

pub(crate) fn run() {
    assert_eq!(sync(1), 1);
    assert_eq!(block_on(asynchronous(1)), Ok(1));
    assert_eq!(block_on(opaque(1)), 1);
    assert_eq!(block_on(boxed(1)), 1);
    assert_eq!(build(1), Ok(1));
    assert_eq!(block_on(async_build(1)), 1);
    assert_eq!(block_on(boxed_build(1)), 1);
    assert_eq!(block(), 2);
}
