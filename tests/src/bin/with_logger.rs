//! A build tool with a logger, which writes to standard output what it is told.
//!
//! Its arguments are the names of counts to set.
#![forbid(unsafe_code)]

use perf_runtime::{TrackingAllocator, tracked_build};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

struct ToStandardOutput;

impl log::Log for ToStandardOutput {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("{} {}: {}", record.level(), record.target(), record.args());
    }

    fn flush(&self) {}
}

fn main() {
    static LOGGER: ToStandardOutput = ToStandardOutput;
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
    build();
}

#[tracked_build("with-logger")]
fn build() {
    for name in std::env::args().skip(1) {
        perf_runtime::build().count(&name, 1);
    }
    perf_runtime::build().set_label("set by", "the program");
}
