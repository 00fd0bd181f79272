//! Valgrind's tools watch programs from outside: their memory, compared with the record, and what
//! measuring costs. A binary of its own with its own `main`, because it also is the watched program.
//!
//! The programs are three real ones, and one small enough for every run of the tests. Massif also
//! counts what is outside of the build: what runs before `main`, the C library's own memory, and the
//! program's arguments. That is about a KiB. The runtime's own memory, which no record counts, is
//! printed and not judged.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod callgrind;
mod massif;
mod programs;

use std::process::ExitCode;

use contract_tests::programs::has_valgrind;
use libtest_mimic::{Arguments, Failed, Trial};
use perf_runtime::TrackingAllocator;

use massif::Peaks;
use programs::Program;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// The argument that makes this binary one of the watched programs.
const AS_A_PROGRAM: &str = "--as-a-program";

/// The largest difference between peaks, in percent.
const PERCENT: f64 = 1.0;

fn check_peak(program: Program) -> Result<(), String> {
    let peaks = Peaks::of(program);
    let Peaks { ours, bare, measured } = peaks;
    let (of_bare, of_measured) = (peaks.percent(bare), peaks.percent(measured));
    eprintln!(
        "{:<13} record {ours:>11}  massif {bare:>11} {of_bare:+.3} %  \
         massif, measured {measured:>11} {of_measured:+.3} %",
        program.name()
    );
    if of_bare.abs() > PERCENT {
        return Err(format!("{program:?}: {peaks:?}"));
    }
    Ok(())
}

/// A test that needs valgrind.
fn trial(name: &str, check: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, || if has_valgrind() { check().map_err(Failed::from) } else { Ok(()) })
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(AS_A_PROGRAM) {
        let program = Program::named(&words.next().expect("the program's name"));
        return program.run(program.collector());
    }
    let mut tests = vec![
        trial(
            "a_phase_among_idle_threads_costs_as_many_instructions_as_alone",
            callgrind::check_among_idle_threads,
        ),
        trial(
            "a_phase_takes_the_slow_path_once_for_each_time_that_another_thread_allocated",
            callgrind::check_among_a_thread_that_allocates,
        ),
    ];
    tests.extend(Program::ALL.map(|program| {
        let name = format!("the_peak_of_the_live_heap_is_that_of_massif_in_{}", program.name());
        let large = program != Program::LittleSyntax;
        trial(&name.replace('-', "_"), move || check_peak(program)).with_ignored_flag(large)
    }));
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
