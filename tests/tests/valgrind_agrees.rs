//! An outsider agrees: what valgrind counts of two workloads of one program differs by exactly as
//! much as their records do.
//!
//! Valgrind counts all of a process: what runs before `main`, what the runtime itself allocates, and
//! the build. All but the build is the same for every workload, which is checked, and goes away in
//! the difference. For that the process that valgrind watches ends before its build does, as the
//! size of a record depends on how long things took.
//!
//! One thing is not the same at all times. The runtime asks sysinfo for the processor's name, and that
//! reads `/proc/stat` on its way, line by line, each into memory of just its length. The lines hold what
//! the system has counted since it was started, and whenever one of these numbers gains a digit, every
//! later process allocates a byte more. So what is compared was counted while none of them did.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod tool;

use std::process::Command;

use serde_json::Value;
use tool::{Place, succeed};

const TOOL: &str = env!("CARGO_BIN_EXE_workloads");

/// How many blocks, how large, how often grown.
type Workload = [u64; 3];

/// How often a count may be spoilt by a number that gained a digit, which few are: each further digit
/// takes the system ten times as long as the one before.
const ATTEMPTS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    /// By valgrind: allocations and reallocations together.
    heap_allocations: u64,
    heap_bytes: u64,
    /// In the record.
    allocations: u64,
    reallocations: u64,
    bytes: u64,
}

fn valgrind_is_missing() -> bool {
    let missing =
        !Command::new("valgrind").arg("--version").output().is_ok_and(|it| it.status.success());
    if missing {
        eprintln!("skipped: valgrind is not installed");
    }
    missing
}

/// The command that does a workload. All workloads' arguments are of the same length, as they are
/// on the heap, too.
fn tool(place: &Place, program: &str, workload: Workload) -> Command {
    let mut command = place.command(program);
    if program != TOOL {
        command.arg("--undef-value-errors=no").arg("--log-file=valgrind.txt").arg(TOOL);
    }
    command.args(workload.map(|it| format!("{it:08}"))).env("BUILD_METRICS_DIR", "metrics");
    command
}

/// Does a workload on its own, and under valgrind.
fn count(workload: Workload) -> Counted {
    let place = Place::new();
    succeed(tool(&place, "valgrind", workload).arg("leave"));
    assert!(!place.path("metrics").exists(), "a build that did not end leaves no record");
    let report = std::fs::read_to_string(place.path("valgrind.txt")).unwrap();
    let total = report.lines().find_map(|line| Some(line.split_once("total heap usage:")?.1));
    let total = total.unwrap_or_else(|| panic!("{report}"));
    let [heap_allocations, _frees, heap_bytes] = numbers(total)[..] else { panic!("{total}") };

    succeed(&mut tool(&place, TOOL, workload));
    let [record] = &place.records("metrics")[..] else { panic!("not one record") };
    let number = |of: &Value, name| of.get(name).and_then(Value::as_u64);
    let [work] = &record["phases"].as_array().unwrap()[..] else { panic!("{record}") };
    Counted {
        heap_allocations,
        heap_bytes,
        allocations: number(record, "alloc_count").unwrap(),
        reallocations: number(work, "realloc_count").unwrap_or(0),
        bytes: number(record, "alloc_bytes").unwrap(),
    }
}

/// What `count` gives where none of the system's numbers gained a digit meanwhile.
fn while_no_number_grows_longer<T>(count: impl Fn() -> T) -> T {
    for _ in 0..ATTEMPTS {
        let before = lengths_of_the_systems_numbers();
        let counted = count();
        if lengths_of_the_systems_numbers() == before {
            return counted;
        }
    }
    panic!("a number in /proc/stat gained a digit in each of {ATTEMPTS} attempts");
}

/// How long those lines of `/proc/stat` are that sysinfo reads one by one: those of the processors, and
/// the next, which counts interrupts.
fn lengths_of_the_systems_numbers() -> Vec<usize> {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let is_read = |line: &&str| line.starts_with("cpu") || line.starts_with("intr");
    stat.lines().filter(is_read).map(str::len).collect()
}

/// The whole numbers of a text, whose thousands may be parted by commas.
fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace().filter_map(|word| word.replace(',', "").parse().ok()).collect()
}

#[test]
fn valgrind_counts_as_many_more_allocations_and_bytes_in_a_larger_workload_as_the_record() {
    if valgrind_is_missing() {
        return;
    }
    let [small, large, again] =
        while_no_number_grows_longer(|| [[10, 100, 0], [5_010, 1_003, 0], [10, 100, 0]].map(count));
    assert_eq!(small, again, "the runtime's own share is the same in every run");
    assert_eq!(large.allocations - small.allocations, 5_000);
    assert_eq!(large.bytes - small.bytes, 5_010 * 1_003 - 10 * 100);
    assert_eq!(
        large.heap_allocations - small.heap_allocations,
        large.allocations - small.allocations
    );
    assert_eq!(large.heap_bytes - small.heap_bytes, large.bytes - small.bytes);
    assert_eq!((large.reallocations, small.reallocations), (0, 0));
}

#[test]
fn valgrind_counts_as_many_more_reallocations_in_a_larger_workload_as_the_record() {
    if valgrind_is_missing() {
        return;
    }
    let (small, large) = (count([10, 100, 1]), count([1_010, 70_000, 3]));
    assert_eq!(large.reallocations - small.reallocations, 1_010 * 3 - 10);
    assert_eq!(large.allocations - small.allocations, 1_000);
    assert_eq!(
        large.heap_allocations - small.heap_allocations,
        large.allocations + large.reallocations - small.allocations - small.reallocations
    );
}
