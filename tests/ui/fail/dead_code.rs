//! A function that nobody calls is reported, annotated or not.
#![deny(dead_code)]

use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
fn phase() {}

#[tracked_phase]
async fn phase_later() {}

#[tracked_build]
fn build() {}

#[tracked_phase(items = pages.len())]
fn calls(pages: &[u8]) {
    called();
}

#[tracked_phase]
fn called() {}

fn main() {}
