//! The user's names are those of the expansions, and mean something else.
#![allow(dead_code, unused_macros, non_camel_case_types, clippy::missing_const_for_fn)]

use crate::{Yield, block_on};

mod core {}
mod std {}
mod perf_runtime {}
mod __private {}

struct Option;
struct Some;
struct None;
struct Site;
struct Box;
struct Future;
struct FnOnce;
struct BuildGuard;
struct OutcomeProbe;
struct call;
struct value;

static SITE: u32 = 1;

trait OutcomeOfAny {
    fn outcome(&self) -> u32 {
        1
    }
}

impl<T> OutcomeOfAny for T {}

fn drop(_: u32) {}

fn add_items(_: u32) {}

macro_rules! env {
    () => {
        compile_error!("not this one")
    };
}

macro_rules! option_env {
    () => {
        compile_error!("nor this one")
    };
}

#[::perf_runtime::tracked_phase(items = SITE)]
fn sync(site: u32, _guard: u32, items: u32) -> u32 {
    drop(site);
    add_items(items);
    let guard = _guard_of(_guard);
    guard + SITE
}

fn _guard_of(number: u32) -> u32 {
    number
}

#[::perf_runtime::tracked_phase(items = site + SITE)]
async fn asynchronous(
    site: u32,
    output: u32,
    __arg2: u32,
    (items, _): (u32, u32),
) -> Result<u32, u32> {
    Yield::default().await;
    if output == 0 {
        return Err(site);
    }
    Ok(site + output + __arg2 + items + SITE)
}

#[::perf_runtime::tracked_phase(items = SITE)]
fn future(site: u32, items: u32) -> impl ::std::future::Future<Output = u32> {
    async move {
        Yield::default().await;
        site + items + SITE
    }
}

#[::perf_runtime::tracked_build]
fn build(build: u32, body: u32) -> Result<u32, u32> {
    let other = build.outcome();
    let body = || body;
    if body() == 0 {
        return Err(build);
    }
    Ok(build + body() + other)
}

#[::perf_runtime::tracked_build]
async fn async_build(build: u32, future: u32) -> Result<u32, u32> {
    Yield::default().await;
    Ok(build + future)
}

fn block(_guard: u32) -> u32 {
    ::perf_runtime::phase!("block", items = SITE, { _guard + SITE })
}

#[::perf_runtime::tracked_phase]
async fn shadowing_generics<Site, SITE>(site: Site, other: SITE) -> (Site, SITE) {
    Yield::default().await;
    (site, other)
}

pub(crate) fn run() {
    assert_eq!(sync(1, 2, 3), 3);
    assert_eq!(block_on(asynchronous(1, 2, 3, (4, 5))), Ok(11));
    assert_eq!(block_on(future(1, 2)), 4);
    assert_eq!(build(1, 2), Ok(4));
    assert_eq!(block_on(async_build(1, 2)), Ok(3));
    assert_eq!(block(1), 2);
    assert_eq!(block_on(shadowing_generics(1, 2)), (1, 2));
}
