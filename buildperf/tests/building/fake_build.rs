//! A build command with known records: this test program, called with [`FAKE_BUILD`] as its first
//! argument.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use perf_history::{AllocationPlace, BuildStats, History, PhaseStats, System};

/// The first argument of a build.
const FAKE_BUILD: &str = "--fake-build";

/// The command that makes such a build, for `run` and, joined by blanks, for a shell.
pub(crate) fn command(words: &[&str]) -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    let words = words.iter().map(|&word| word.to_owned());
    [program, FAKE_BUILD.to_owned()].into_iter().chain(words).collect()
}

/// The words of the build, if this process is one.
pub(crate) fn words() -> Option<Vec<String>> {
    let mut words = std::env::args().skip(1);
    (words.next()? == FAKE_BUILD).then(|| words.collect())
}

/// Builds. The words:
///
/// - `time=100`: the recorded time in milliseconds, plus up to 2 %; several, as in `time=100,140`, are
///   those of the pairs of `ab` in turn;
/// - `allocations=1000`: the recorded allocations of each phase;
/// - `place=FUNCTION`: where most of them were made, in the phase `render`;
/// - `peak=12`: its memory peak, in 2^20 bytes, and up to 2 % more;
/// - `cores=4`: the recorded number of processors;
/// - `records=2`: how many records it leaves;
/// - `impatient=1`: it does not wait for the lock of the history, and has an id of its own;
/// - `say=TEXT`, `cry=TEXT`: what it writes to standard output and to standard error;
/// - `after=N`: from the N-th record in the history on,
/// - `exit=3`: it fails;
/// - `touch=FILE`: it creates this file, with the number of records in its name,
/// - `sleep=MS`: and sleeps this long before it records,
/// - `sleep-after-first=MS`: unless nothing is recorded yet.
pub(crate) fn play(words: &[String]) -> ExitCode {
    let told: BTreeMap<&str, &str> = words.iter().filter_map(|word| word.split_once('=')).collect();
    let number =
        |key: &str, default: u32| told.get(key).map_or(default, |text| text.parse().unwrap());
    if let Some(text) = told.get("say") {
        println!("{text}");
    }
    if let Some(text) = told.get("cry") {
        eprintln!("{text}");
    }
    let history = std::env::var_os("BUILD_METRICS_DIR").expect("a place for the record");
    let mut history = History::open(Path::new(&history));
    if told.contains_key("impatient") {
        history = history.with_lock_wait(Duration::ZERO);
    }
    if let Some(file) = told.get("touch") {
        std::fs::write(format!("{file}{}", history.iter().count()), "").unwrap();
    }
    std::thread::sleep(Duration::from_millis(number("sleep", 0).into()));
    if history.latest().unwrap().is_some() {
        std::thread::sleep(Duration::from_millis(number("sleep-after-first", 0).into()));
    }
    for _ in 0..number("records", 1) {
        let before = u32::try_from(history.iter().count()).unwrap();
        let mut stats = record(before, time(&told, before), number("allocations", 1_000));
        stats.memory_peak_mb = Some(f64::from(number("peak", 12)) * variation(before));
        let places = told.get("place").map(|function| {
            let mut place = AllocationPlace::default();
            place.function = (*function).into();
            place.file = Some("src/page.rs".to_owned());
            place.line = Some(12);
            place.alloc_bytes = stats.alloc_bytes.unwrap();
            place
        });
        stats.phases[1].top_allocators.extend(places);
        let cores = Some(number("cores", 4).into());
        let mut system = System::default();
        system.cores = cores;
        stats.system = Some(system);
        if told.contains_key("impatient") {
            stats.build_id = format!("build-of-process-{}", std::process::id());
        }
        history.append(&stats).unwrap();
    }
    let recorded = u32::try_from(history.iter().count()).unwrap();
    match number("exit", 0) {
        code if code > 0 && recorded >= number("after", 0) => {
            ExitCode::from(u8::try_from(code).unwrap())
        }
        _ => ExitCode::SUCCESS,
    }
}

/// How long the build says that it took that comes after so many others.
fn time(told: &BTreeMap<&str, &str>, before: u32) -> u32 {
    let times: Vec<u32> =
        told.get("time").unwrap_or(&"100").split(',').map(|text| text.parse().unwrap()).collect();
    times[before as usize / 2 % times.len()]
}

/// The same numbers in the same history, and not the same in each build.
fn variation(number: u32) -> f64 {
    1.0 + f64::from(number * 5 % 11) * 0.002
}

fn record(number: u32, time: u32, allocations: u32) -> BuildStats {
    let time = f64::from(time) * variation(number);
    let phase = |path: &str, share: f64| {
        let mut phase = PhaseStats::new(path);
        phase.calls = 1;
        phase.total_ms = time * share;
        phase.self_ms = time * share;
        phase.build_thread_ms = Some(time * share);
        phase.build_thread_self_ms = Some(time * share);
        phase.elapsed_ms = time * share;
        phase.items = 10;
        phase.alloc_count = Some(allocations.into());
        phase.self_alloc_count = Some(allocations.into());
        phase
    };
    let labels = std::env::var("BUILD_METRICS_LABELS").unwrap_or_default();
    let labels = labels.split(',').filter_map(|label| label.split_once('='));
    let mut stats = BuildStats::default();
    stats.build_id = format!("build-{number:04}");
    stats.timestamp = "2026-11-24T00:30:00Z".into();
    stats.tool = "fake-site".into();
    stats.build_time_ms = time;
    stats.alloc_count = Some(2 * u64::from(allocations));
    stats.alloc_bytes = Some(2 * u64::from(allocations) * 100);
    stats.phases = vec![phase("read", 0.25), phase("render", 0.7)];
    stats.labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    stats
}
