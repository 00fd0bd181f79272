//! A build tool that did not install the tracking allocator.
#![forbid(unsafe_code)]

use perf_runtime::{tracked_build, tracked_phase};

fn main() {
    println!("{}", build());
}

#[tracked_build("without-allocator")]
fn build() -> usize {
    let pages = std::thread::spawn(render).join().unwrap_or(0);
    perf_runtime::build().count("total_pages", pages);
    pages + render()
}

#[tracked_phase("render")]
fn render() -> usize {
    std::thread::sleep(std::time::Duration::from_millis(40));
    std::hint::black_box(vec![0_u8; 1_000]).len()
}
