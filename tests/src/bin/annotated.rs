//! A small build tool with tracking, which tests run as a process of its own.
//!
//! It copies its standard input to its standard output, says what it built, and ends as its first argument says:
//! `succeed`, `fail` or `panic`. A second argument is how many milliseconds the build takes at least.
#![forbid(unsafe_code)]

use std::{io, process::ExitCode, thread, time::Duration};

use perf_runtime::{TrackingAllocator, tracked_build, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let ending = arguments.next().unwrap_or_default();
    let milliseconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    match build(&ending, Duration::from_millis(milliseconds)) {
        Ok(pages) => {
            println!("built {pages} pages");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

#[tracked_build("annotated")]
fn build(ending: &str, at_least: Duration) -> Result<usize, String> {
    let pages = read().map_err(|error| error.to_string())?;
    thread::sleep(at_least);
    println!("{}", render(&pages));
    match ending {
        "fail" => Err("the build was told to fail".to_owned()),
        "panic" => panic!("the build was told to panic"),
        _ => {
            perf_runtime::build().count("total_pages", pages.len());
            Ok(pages.len())
        }
    }
}

#[tracked_phase("read")]
fn read() -> io::Result<Vec<String>> {
    io::stdin().lines().collect()
}

#[tracked_phase("render", items = pages.len())]
fn render(pages: &[String]) -> String {
    pages.join("\n")
}
