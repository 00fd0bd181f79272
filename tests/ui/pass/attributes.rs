//! Other attributes above and below ours, and on arguments.
use perf_runtime::{tracked_build, tracked_phase};

use crate::{Yield, block_on};

#[tracked_phase]
#[track_caller]
fn tracks_caller() -> u32 {
    std::panic::Location::caller().line()
}

#[track_caller]
#[tracked_phase]
fn tracks_caller_too() -> u32 {
    std::panic::Location::caller().line()
}

/// Documented.
#[must_use]
#[tracked_phase]
#[inline]
fn must_use_above() -> u32 {
    1
}

/// Documented.
#[inline(never)]
#[tracked_phase]
#[must_use = "because"]
fn must_use_below() -> u32 {
    1
}

#[cfg(any())]
#[tracked_phase]
fn absent(_: DoesNotExist) {}

#[tracked_phase]
#[cfg(not(any()))]
fn present() -> u32 {
    1
}

#[tracked_phase]
#[cfg_attr(not(any()), must_use)]
fn conditional() -> u32 {
    1
}

#[tracked_phase]
#[allow(clippy::missing_const_for_fn)]
#[deprecated = "for the test"]
fn deprecated() {}

#[tracked_phase]
fn on_arguments(#[allow(unused_variables)] unused: u32, #[cfg(any())] absent: DoesNotExist) -> u32 {
    1
}

#[tracked_phase]
async fn async_on_arguments(
    #[allow(unused_variables)] unused: u32,
    #[expect(unused_variables)] expected: u32,
    #[cfg(any())] absent: DoesNotExist,
    #[cfg(not(any()))] present: u32,
    #[cfg_attr(not(any()), allow(unused_variables))] conditional: u32,
) -> u32 {
    Yield::default().await;
    present
}

#[tracked_phase]
#[test]
fn test_below() {}

#[test]
#[tracked_phase]
fn test_above() {}

#[tokio::main(flavor = "current_thread")]
#[tracked_phase]
async fn tokio_above() -> u32 {
    Yield::default().await;
    1
}

#[tracked_phase]
#[tokio::main(flavor = "current_thread")]
async fn tokio_below() -> Result<u32, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    let number = "1".parse::<u32>()?;
    Ok(number)
}

#[tokio::main(flavor = "current_thread")]
#[tracked_build("attributes")]
async fn tokio_above_build() -> Result<u32, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    let number = "1".parse::<u32>()?;
    Ok(number)
}

#[tracked_build("attributes")]
#[tokio::main(flavor = "current_thread")]
async fn tokio_below_build() -> Result<u32, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    let number = "1".parse::<u32>()?;
    Ok(number)
}

pub(crate) fn run() {
    assert_eq!((tracks_caller(), tracks_caller_too()), (line!(), line!()));
    assert_eq!(must_use_above() + must_use_below(), 2);
    assert_eq!(present() + conditional(), 2);
    #[allow(deprecated)]
    deprecated();
    assert_eq!(on_arguments(1), 1);
    assert_eq!(block_on(async_on_arguments(1, 2, 3, 4)), 3);
    assert_eq!(tokio_above(), 1);
    assert_eq!(tokio_below(), Ok(1));
    assert_eq!(tokio_above_build(), Ok(1));
    assert_eq!(tokio_below_build(), Ok(1));
}
