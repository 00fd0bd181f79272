//! The places that allocated most, as estimated from samples, compared with the exact bytes that DHAT saw.
//! A binary of its own, because its allocator reports to DHAT and because it also is the watched program.
//!
//! Programs and seed are always the same, so that no test fails by chance.
#![cfg(target_os = "linux")]
#![deny(unsafe_code)]

mod dhat;
#[path = "../outsiders/programs.rs"]
mod programs;
mod signals;

use std::collections::BTreeMap;
use std::process::ExitCode;

use contract_tests::programs::{Place, has_valgrind, succeed};
use libtest_mimic::{Arguments, Failed, Trial};
use perf_runtime::{AllocationSampling, TrackingAllocator};

use dhat::Line;
use programs::Program;
use signals::Signalling;

#[global_allocator]
static ALLOCATOR: TrackingAllocator<Signalling> = TrackingAllocator::new(Signalling);

/// The argument that makes this binary one of the watched programs.
const AS_A_PROGRAM: &str = "--as-a-program";
/// The argument that makes it signal its requests to DHAT instead of sampling them.
const WATCHED: &str = "watched";

/// The number of places to compare.
const LARGEST: usize = 10;
/// The approximate number of samples. There is room for all their stacks, even if all differ.
const SAMPLES: u64 = 15_000;
const SEED: u64 = 1;

/// The estimate of a line in the record, with its interval.
///
/// A line that allocated in several phases has several estimates. Their sum is within the summed
/// intervals at least as surely.
#[derive(Debug, Clone, Copy, Default)]
struct Estimate {
    bytes: u64,
    low: u64,
    high: u64,
    samples: u64,
    phases: u64,
}

/// The estimates in the record by line, and the bytes that the build requested.
fn estimates(program: Program, sample_bytes: u64) -> (BTreeMap<Line, Estimate>, u64) {
    let place = Place::new();
    program.prepare(&place.path("."));
    let mut command = place.command(std::env::current_exe().unwrap().to_str().unwrap());
    command.args([AS_A_PROGRAM, program.name(), &sample_bytes.to_string()]);
    succeed(command.env("BUILD_METRICS_DIR", "metrics").env("RAYON_NUM_THREADS", "1"));
    let record = place.only_record("metrics");
    assert_eq!(record["allocators"]["dropped"].as_u64().unwrap_or(0), 0, "{record}");
    let parts = record["phases"].as_array().unwrap().iter().chain([&record["unattributed"]]);
    let mut estimates: BTreeMap<Line, Estimate> = BTreeMap::new();
    for place in parts.filter_map(|part| part["top_allocators"].as_array()).flatten() {
        let (Some(file), Some(line)) = (place["file"].as_str(), place["line"].as_u64()) else {
            continue;
        };
        let number = |field: &str| place[field].as_u64().unwrap_or(0);
        let sum = estimates.entry((file.to_owned(), line)).or_default();
        sum.bytes += number("alloc_bytes");
        sum.low += number("alloc_bytes_low");
        sum.high += number("alloc_bytes_high");
        sum.samples += number("samples");
        sum.phases += 1;
    }
    (estimates, record["alloc_bytes"].as_u64().unwrap())
}

/// Whether a file of a record, which leaves out everything before the package, is a file that the
/// compiler knew by its whole path or its end.
fn is_same_file(of_record: &str, of_compiler: &str) -> bool {
    let of_record = of_record.trim_start_matches('~');
    of_compiler.ends_with(of_record) || of_record.ends_with(of_compiler)
}

/// Each of the largest places is what it is estimated to be.
fn check_places(program: Program) -> Result<(), String> {
    let exact = dhat::bytes_by_line(program);
    let seen: u64 = exact.values().sum();
    let sample_bytes = (seen / SAMPLES).max(1);
    let (estimates, requested) = estimates(program, sample_bytes);
    eprintln!("{}: {seen} bytes seen, {requested} recorded, one in {sample_bytes}", program.name());
    let mut wrong = Vec::new();
    // Outside of the build, the program allocates hardly more than its switches.
    if seen.abs_diff(requested) > requested / 1_000 + (16 << 10) {
        wrong.push(format!("{seen} bytes seen, but {requested} recorded"));
    }
    let mut largest: Vec<_> = estimates.into_iter().collect();
    largest.sort_by_key(|(_, estimate)| std::cmp::Reverse(estimate.bytes));
    largest.truncate(LARGEST);
    if largest.len() < LARGEST {
        wrong.push(format!("only {} places", largest.len()));
    }
    for ((file, line), it) in largest {
        let same =
            exact.iter().filter(|(place, _)| place.1 == line && is_same_file(&file, &place.0));
        let exact: u64 = same.map(|(_, bytes)| bytes).sum();
        let row = format!(
            "{exact:>11} in {:>11} ..{:>11}, estimated {:>11} of {:>5} samples in {} phases: {file}:{line}",
            it.low, it.high, it.bytes, it.samples, it.phases
        );
        eprintln!("{row}");
        if !(it.low..=it.high).contains(&exact) {
            wrong.push(row);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn trial(program: Program) -> Trial {
    let name = format!("the_largest_places_are_those_of_dhat_in_{}", program.name());
    let large = program != Program::LittleSyntax;
    let test =
        move || if has_valgrind() { check_places(program).map_err(Failed::from) } else { Ok(()) };
    Trial::test(name.replace('-', "_"), test).with_ignored_flag(large)
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() != Some(AS_A_PROGRAM) {
        let tests = Program::ALL.map(trial).into();
        return libtest_mimic::run(&Arguments::from_args(), tests).exit_code();
    }
    let program = Program::named(&words.next().expect("the program's name"));
    let collector = program.collector();
    match words.next().expect("what is done to it").as_str() {
        WATCHED => {
            signals::begin();
            program.run(collector)
        }
        sample_bytes => {
            let sample_bytes = sample_bytes.parse().expect("a number");
            let sampling = AllocationSampling::every(sample_bytes).with_seed(SEED);
            program.run(collector.sample_allocations(sampling))
        }
    }
}
