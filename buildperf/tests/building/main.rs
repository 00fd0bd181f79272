//! Commands that run builds: `run` and `ab`, and what a terminal sees of them.
//!
//! Without the test harness, since this binary is also the build command that they run.
#![forbid(unsafe_code)]

mod ab;
mod fake_build;
#[path = "../../../perf-cli/tests/commands/in_process.rs"]
mod in_process;
mod run;
mod session;
#[path = "../../../perf-cli/tests/commands/snapshot.rs"]
mod snapshot;
mod terminal;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(words) = fake_build::words() {
        return fake_build::play(&words);
    }
    let trials = [run::trials(), ab::trials(), terminal::trials()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that fails by panicking.
fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
