//! Valgrind agrees: its counts of two workloads of one program differ by exactly as much as their
//! records do.
//!
//! Valgrind counts the whole process: what runs before `main`, the runtime's own allocations, and the
//! build. Everything but the build is the same for every workload, which is checked, and cancels out
//! in the difference. The process that valgrind watches ends before its build does, because the size
//! of a record depends on how long things took.
//!
//! One thing changes over time. The runtime asks sysinfo for the processor's name. sysinfo also reads
//! `/proc/stat`, line by line, and allocates as many bytes as each line has. The numbers in it are
//! counters of the system. When one of them gains a digit, every later process allocates a byte more.
//! So counts are compared only if no counter gained a digit in the meantime.

use std::process::Command;

use contract_tests::programs::{Place, has_valgrind, succeed};
use serde_json::Value;

use crate::BUILD_TOOL;

/// The number of blocks, their size, and how often each is grown.
type Workload = [u64; 3];

/// How often to try again because a counter gained a digit. That is rare: each further digit takes ten
/// times as long as the one before.
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

/// The command that does a workload. The arguments of all workloads have the same length, because they
/// are on the heap, too.
fn command(place: &Place, program: &str, workload: Workload) -> Command {
    let mut command = place.command(program);
    if program != BUILD_TOOL {
        command.args(["--undef-value-errors=no", "--log-file=valgrind.txt", BUILD_TOOL]);
    }
    command.arg("workloads").args(workload.map(|number| format!("{number:08}")));
    command.env("BUILD_METRICS_DIR", "metrics");
    command
}

/// Does a workload on its own, and under valgrind.
fn count(workload: Workload) -> Counted {
    let place = Place::new();
    succeed(command(&place, "valgrind", workload).arg("leave"));
    assert!(!place.path("metrics").exists(), "an unfinished build leaves no record");
    let report = std::fs::read_to_string(place.path("valgrind.txt")).unwrap();
    let total = report.lines().find_map(|line| Some(line.split_once("total heap usage:")?.1));
    let total = total.unwrap_or_else(|| panic!("{report}"));
    let [heap_allocations, _frees, heap_bytes] = numbers(total)[..] else { panic!("{total}") };

    succeed(&mut command(&place, BUILD_TOOL, workload));
    let record = &place.only_record("metrics");
    let number = |object: &Value, name| object.get(name).and_then(Value::as_u64);
    let [work] = &record["phases"].as_array().unwrap()[..] else { panic!("{record}") };
    Counted {
        heap_allocations,
        heap_bytes,
        allocations: number(record, "alloc_count").unwrap(),
        reallocations: number(work, "realloc_count").unwrap_or(0),
        bytes: number(record, "alloc_bytes").unwrap(),
    }
}

/// The result of `count` of an attempt during which no counter of the system gained a digit.
fn while_no_counter_grows_longer<T>(count: impl Fn() -> T) -> T {
    for _ in 0..ATTEMPTS {
        let before = lengths_of_system_counters();
        let counted = count();
        if lengths_of_system_counters() == before {
            return counted;
        }
    }
    panic!("a number in /proc/stat gained a digit in each of {ATTEMPTS} attempts");
}

/// The lengths of the lines of `/proc/stat` that sysinfo reads: those of the processors, and the next
/// one, which counts interrupts.
fn lengths_of_system_counters() -> Vec<usize> {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let is_read = |line: &&str| line.starts_with("cpu") || line.starts_with("intr");
    stat.lines().filter(is_read).map(str::len).collect()
}

/// The integers in a text, with or without commas between thousands.
fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace().filter_map(|word| word.replace(',', "").parse().ok()).collect()
}

#[test]
fn valgrind_and_the_record_count_the_same_additional_allocations_and_bytes() {
    if !has_valgrind() {
        return;
    }
    let [small, large, again] = while_no_counter_grows_longer(|| {
        [[10, 100, 0], [5_010, 1_003, 0], [10, 100, 0]].map(count)
    });
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
fn valgrind_and_the_record_count_the_same_additional_reallocations() {
    if !has_valgrind() {
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
