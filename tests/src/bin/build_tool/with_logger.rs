//! A build tool with a logger that writes to standard output. Its arguments are names of counts to set.

use perf_runtime::tracked_build;

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

pub(crate) fn main() {
    static LOGGER: ToStandardOutput = ToStandardOutput;
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
    build();
}

#[tracked_build("with-logger")]
fn build() {
    for name in std::env::args().skip(2) {
        perf_runtime::build().count(&name, 1);
    }
    perf_runtime::build().set_label("set by", "the program");
}
