//! A minimal tool that records its builds. It has two phases, one of them on other threads.
//!
//! Run `cargo run -p perf-runtime --example smallest`, then look at `.build-metrics/latest.json`.

use std::io;
use std::thread;

use perf_runtime::{TrackingAllocator, phase, tracked_build, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

#[tracked_phase("read")]
fn read() -> Vec<String> {
    let pages: Vec<_> = (1..=8).map(|number| format!("# Page {number}\n").repeat(1_000)).collect();
    perf_runtime::add_items(pages.len());
    pages
}

#[tracked_phase("render")]
fn render(page: &str) -> String {
    let mut html = String::new();
    for line in page.lines() {
        html.push_str("<h1>");
        html.push_str(line.trim_start_matches("# "));
        html.push_str("</h1>\n");
    }
    html
}

#[tracked_build("smallest")]
fn build() -> Result<usize, io::Error> {
    let pages = read();
    let bytes = phase!("render-all", {
        thread::scope(|scope| {
            let workers: Vec<_> =
                pages.chunks(4).map(|half| scope.spawn(|| render(&half.concat()).len())).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).sum()
        })
    });
    perf_runtime::build().set_parallel(true);
    perf_runtime::build().count("total_pages", pages.len());
    Ok(bytes)
}

fn main() -> Result<(), io::Error> {
    let bytes = build()?;
    println!("{bytes} bytes of HTML; see .build-metrics/latest.json");
    Ok(())
}
