//! Functions that a crate without unsafe code cannot have.
#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

use perf_runtime::{tracked_build, tracked_phase};

use crate::{Yield, block_on};

/// Reads.
///
/// # Safety
///
/// `pointer` is valid.
#[tracked_phase]
unsafe fn reads(pointer: *const u32) -> u32 {
    unsafe { *pointer }
}

/// Reads.
///
/// # Safety
///
/// `pointer` is valid.
#[tracked_phase]
async unsafe fn reads_later(pointer: *const u32) -> u32 {
    Yield::default().await;
    unsafe { *pointer }
}

/// Reads.
///
/// # Safety
///
/// `pointer` is valid.
#[tracked_build("unsafe")]
unsafe fn builds(pointer: *const u32) -> Result<u32, u32> {
    let number = unsafe { *pointer };
    Err(number)
}

/// Reads.
///
/// # Safety
///
/// `pointer` is valid.
#[tracked_phase]
#[allow(unsafe_op_in_unsafe_fn)]
unsafe fn reads_without_block(pointer: *const u32) -> u32 {
    *pointer
}

/// Reads.
///
/// # Safety
///
/// `pointer` is valid.
#[tracked_phase]
#[allow(unsafe_op_in_unsafe_fn)]
async unsafe fn reads_later_without_block(pointer: *const u32) -> u32 {
    Yield::default().await;
    *pointer
}

#[tracked_phase]
extern "C" fn foreign(number: u32) -> u32 {
    number + 1
}

#[tracked_phase("foreign")]
pub(crate) unsafe extern "C" fn unsafe_foreign(pointer: *const u32) -> u32 {
    unsafe { *pointer }
}

#[tracked_build("unsafe")]
extern "C" fn foreign_build(number: u32) -> u32 {
    number + 1
}

pub(crate) fn run() {
    let number = 1;
    assert_eq!(unsafe { reads(&number) }, 1);
    assert_eq!(block_on(unsafe { reads_later(&number) }), 1);
    assert_eq!(unsafe { builds(&number) }, Err(1));
    assert_eq!(unsafe { reads_without_block(&number) }, 1);
    assert_eq!(block_on(unsafe { reads_later_without_block(&number) }), 1);
    assert_eq!(foreign(1), 2);
    assert_eq!(unsafe { unsafe_foreign(&number) }, 1);
    assert_eq!(foreign_build(1), 2);
}
