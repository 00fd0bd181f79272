//! The scripts of the GitHub action, against a stand-in for GitHub's API and repositories of their own.
//!
//! Without the test harness, since this binary is also the build command that they run. Skipped where
//! bash, git, curl or jq are missing.
#![forbid(unsafe_code)]

mod api;
mod comments;
#[path = "../building/fake_build.rs"]
mod fake_build;
mod histories;
mod scripts;
mod verdicts;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(words) = fake_build::words() {
        return fake_build::play(&words);
    }
    let missing: Vec<&str> = ["bash", "git", "curl", "jq"]
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if !missing.is_empty() {
        println!("skipped: the scripts of the action need {}", missing.join(", "));
        return ExitCode::SUCCESS;
    }
    let trials = [comments::trials(), histories::trials(), verdicts::trials()];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that fails by panicking.
fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
