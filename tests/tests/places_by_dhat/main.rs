//! The places that allocated most, as samples estimate them, beside what DHAT saw of each, to the byte.
//!
//! Programs and seed are always the same, so that a test never fails by chance.
#![cfg(target_os = "linux")]
#![deny(unsafe_code)]

mod dhat;
#[path = "../tool/mod.rs"]
mod place;
#[path = "../outsiders/programs.rs"]
mod programs;
mod signals;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use perf_runtime::{AllocationSampling, TrackingAllocator};

use dhat::Line;
use place::{Place, succeed};
use programs::Program;
use signals::Signalling;

#[global_allocator]
static ALLOCATOR: TrackingAllocator<Signalling> = TrackingAllocator::new(Signalling);

/// What makes this program one of those that are watched.
const AS_A_PROGRAM: &str = "--as-a-program";
/// What makes it tell DHAT of its requests, instead of sampling them.
const WATCHED: &str = "watched";

/// How many places are looked at.
const LARGEST: usize = 10;
/// About how many samples are taken: their stacks all have room, should each be another one.
const SAMPLES: u64 = 15_000;
const SEED: u64 = 1;

/// What the record says of a line: bytes and the ends of the interval.
///
/// Of a line that allocated in several phases there are several estimates. Their sum is within the sums
/// of the ends at least as surely.
#[derive(Debug, Clone, Copy, Default)]
struct Estimate {
    bytes: u64,
    low: u64,
    high: u64,
    samples: u64,
    phases: u64,
}

/// What the record says of each line, and how many bytes the build requested.
fn estimates(program: Program, sample_bytes: u64) -> (BTreeMap<Line, Estimate>, u64) {
    let place = Place::new();
    program.prepare(&place.path("."));
    let mut command = place.command(std::env::current_exe().unwrap().to_str().unwrap());
    command.args([AS_A_PROGRAM, program.name(), &sample_bytes.to_string()]);
    succeed(command.env("BUILD_METRICS_DIR", "metrics").env("RAYON_NUM_THREADS", "1"));
    let [record] = &place.records("metrics")[..] else { panic!("not one record") };
    assert_eq!(record["allocators"]["dropped"].as_u64().unwrap_or(0), 0, "{record}");
    let parts = record["phases"].as_array().unwrap().iter().chain([&record["unattributed"]]);
    let mut estimates: BTreeMap<Line, Estimate> = BTreeMap::new();
    for told in parts.filter_map(|it| it["top_allocators"].as_array()).flatten() {
        let (Some(file), Some(line)) = (told["file"].as_str(), told["line"].as_u64()) else {
            continue;
        };
        let number = |field: &str| told[field].as_u64().unwrap_or(0);
        let sum = estimates.entry((file.to_owned(), line)).or_default();
        sum.bytes += number("alloc_bytes");
        sum.low += number("alloc_bytes_low");
        sum.high += number("alloc_bytes_high");
        sum.samples += number("samples");
        sum.phases += 1;
    }
    (estimates, record["alloc_bytes"].as_u64().unwrap())
}

/// Whether a file of a record, which leaves out what is before the package, is one that the compiler
/// knew by all of its path, or by the end of it.
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
    // Outside of the build, the one that is not measured reads its switches, and hardly more.
    if seen.abs_diff(requested) > requested / 1_000 + (16 << 10) {
        wrong.push(format!("{seen} bytes seen, but {requested} recorded"));
    }
    let mut largest: Vec<_> = estimates.into_iter().collect();
    largest.sort_by_key(|it| std::cmp::Reverse(it.1.bytes));
    largest.truncate(LARGEST);
    if largest.len() < LARGEST {
        wrong.push(format!("only {} places", largest.len()));
    }
    for ((file, line), it) in largest {
        let same =
            exact.iter().filter(|(place, _)| place.1 == line && is_same_file(&file, &place.0));
        let exact: u64 = same.map(|it| it.1).sum();
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
    let test = move || {
        if !Command::new("valgrind").arg("--version").output().is_ok_and(|it| it.status.success()) {
            eprintln!("skipped: valgrind is not installed");
            return Ok(());
        }
        check_places(program).map_err(Failed::from)
    };
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
