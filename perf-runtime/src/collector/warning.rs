//! The one way in which the runtime speaks: a warning, to the program's log or to standard error.

use std::io::Write;

/// Warns through the `log` crate, or on standard error where no logger is installed.
pub(super) fn warn(text: &str) {
    // NOTE: without a logger the level is off. So it is where a program turned its logger off by
    // the level, which then gets what it would otherwise not hear of on standard error.
    if log::max_level() == log::LevelFilter::Off {
        // A closed standard error is nothing to stop a build for.
        let _ = writeln!(std::io::stderr(), "warning: {text}");
    } else {
        log::warn!(target: "perf_runtime", "{text}");
    }
}
