//! A `const fn` is no phase and no build, and stays a `const fn`.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
const fn phase() -> usize {
    1
}

#[tracked_build]
pub const unsafe fn build() -> usize {
    2
}

const SUM: usize = phase() + unsafe { build() };

fn main() {
    let _ = [0; SUM];
}
