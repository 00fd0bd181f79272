//! A small build tool that copies its standard input to its standard output.
//!
//! Its first argument is how it ends: `succeed`, `fail` or `panic`. A second argument is the minimum
//! duration of the build in milliseconds.

use std::{io, process::ExitCode, thread, time::Duration};

use perf_runtime::{tracked_build, tracked_phase};

pub(crate) fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(2);
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
        "fail" => Err("the build fails as requested".to_owned()),
        "panic" => panic!("the build panics as requested"),
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
