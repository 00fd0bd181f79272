//! Tests that count every allocation of the process: a binary of their own, without the usual harness,
//! because its threads would allocate while a build is measured.

#[cfg(target_os = "linux")]
mod late_destructors;
mod random_programs;
mod unpublished_levels;

use std::fmt::Debug;

use libtest_mimic::{Arguments, Failed, Trial};
use perf_runtime::TrackingAllocator;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

use random_programs::trace::TracingAllocator;

#[global_allocator]
static ALLOCATOR: TrackingAllocator<TracingAllocator> = TrackingAllocator::new(TracingAllocator);

/// Checks random programs. `differences` runs one and returns what is wrong in its record.
fn check_random<P: Debug>(
    cases: u32,
    programs: impl Strategy<Value = P>,
    differences: impl Fn(P) -> Vec<String>,
) -> Result<(), Failed> {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: given.unwrap_or(cases),
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&programs, |program| {
        let differences = differences(program);
        prop_assert!(differences.is_empty(), "\n{}", differences.join("\n"));
        Ok(())
    });
    result.map_err(|failure| failure.to_string().into())
}

fn main() {
    // One test after the other, on this thread.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    // Outside of any checkout, so that git does not run thousands of times.
    std::env::set_current_dir(std::env::temp_dir()).expect("there is one");
    let mut tests: Vec<Trial> = random_programs::trials();
    tests.extend(unpublished_levels::trials());
    #[cfg(target_os = "linux")]
    tests.extend(late_destructors::trials());
    libtest_mimic::run(&arguments, tests).exit();
}
