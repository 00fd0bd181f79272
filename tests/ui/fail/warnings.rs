//! Warnings are those of the bare function, where the user wrote what they are about.
#![deny(warnings)]

use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
pub fn unused_argument(argument: u8) {}

#[tracked_phase]
pub async fn unused_argument_later(argument: u8, (first, _): (u8, u8)) {}

#[tracked_build]
pub fn unused_argument_of_build(argument: u8, (first, _): (u8, u8)) {}

#[tracked_phase]
pub async fn needless_mut(mut argument: u8) -> u8 {
    argument
}

#[tracked_phase]
pub fn unreachable() -> u8 {
    return 1;
    2
}

#[tracked_phase]
pub async fn unreachable_later() -> u8 {
    return 1;
    2
}

#[tracked_phase]
#[must_use]
pub fn must_use() -> u8 {
    1
}

#[tracked_phase]
#[must_use]
pub async fn must_use_later() -> u8 {
    1
}

pub async fn not_used() {
    must_use();
    must_use_later();
    must_use_later().await;
}

fn main() {}
