//! What valgrind's tools say who watch a program from outside: of its memory, against what the record
//! says, and of what measuring costs.
//!
//! Memory is that of three real programs, and of one small enough to be watched at each run of the
//! tests. The outsider counts everything outside of the build as well: what runs before `main`, what
//! the C library takes for itself, and the program's arguments. That is a KiB. What the runtime takes for
//! itself, and counts nowhere, is told and not judged.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod callgrind;
mod massif;
#[path = "../tool/mod.rs"]
mod place;
mod programs;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use perf_runtime::TrackingAllocator;

use massif::Peaks;
use programs::Program;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// What makes this program one of those that are watched.
const AS_A_PROGRAM: &str = "--as-a-program";

/// By how many hundredths a peak may be missed.
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

/// A test that wants valgrind.
fn trial(name: &str, check: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, || {
        if !Command::new("valgrind").arg("--version").output().is_ok_and(|it| it.status.success()) {
            eprintln!("skipped: valgrind is not installed");
            return Ok(());
        }
        check().map_err(Failed::from)
    })
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
            "a_phase_takes_a_longer_way_once_for_each_time_that_another_thread_allocated",
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
