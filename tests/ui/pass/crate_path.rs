//! The runtime by another name.
use crate::{Yield, block_on};

mod performance {
    pub(crate) use perf_runtime as tracking;
}

#[performance::tracking::tracked_phase(crate = crate::crate_path::performance::tracking)]
fn by_crate() -> u32 {
    1
}

#[performance::tracking::tracked_phase("name", crate = self::performance::tracking, items = number)]
async fn by_self(number: u32) -> u32 {
    Yield::default().await;
    number
}

#[perf_runtime::tracked_build("crate_path", crate = ::perf_runtime)]
fn by_root() -> u32 {
    1
}

#[perf_runtime::tracked_build(crate = performance::tracking)]
async fn by_module() -> Result<u32, String> {
    Yield::default().await;
    Ok(1)
}

pub(crate) fn run() {
    assert_eq!(by_crate() + block_on(by_self(1)) + by_root(), 3);
    assert_eq!(block_on(by_module()), Ok(1));
}
