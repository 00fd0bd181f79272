//! The cost of a phase does not rise with the number of threads, as long as they do not allocate:
//! measured in instructions and in slow paths, not in time.

use std::collections::HashMap;

use contract_tests::programs::{Place, succeed};

const TOOL: &str = env!("CARGO_BIN_EXE_build_tool");

/// The function that is called if another thread has published a level.
const SLOW_PATH: &str = "raise_published_peak";

/// What callgrind counted in one process.
#[derive(Debug, Clone, Copy)]
struct Counted {
    instructions: i64,
    slow_paths: i64,
}

fn count(threads: usize, calls: usize, every: usize) -> Counted {
    let place = Place::new();
    let mut command = place.command("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=counts", "--log-file=log"]);
    command.args([TOOL, "among-threads"]);
    // Of the same length, because they are on the heap, too.
    succeed(command.args([threads, calls, every].map(|number| format!("{number:08}"))));
    read(&std::fs::read_to_string(place.path("counts")).unwrap())
}

/// Reads a callgrind file: `cfn=(12) name` is the called function, and later lines leave out the name;
/// `calls=3 …` is the number of calls.
fn read(counts: &str) -> Counted {
    let mut names = HashMap::new();
    let (mut called, mut instructions, mut slow_paths) = ("", None, 0);
    for line in counts.lines() {
        if let Some((kind, function)) = line.split_once("fn=(") {
            let (id, name) = function.split_once(')').unwrap();
            if !name.is_empty() {
                names.insert(id, name);
            }
            if kind == "c" {
                called = names[id];
            }
        } else if let Some(calls) = line.strip_prefix("calls=") {
            if called.contains(SLOW_PATH) {
                slow_paths += calls.split(' ').next().unwrap().parse::<i64>().unwrap();
            }
        } else if let Some(total) = line.strip_prefix("totals:") {
            instructions = Some(total.trim().parse().unwrap());
        }
    }
    Counted { instructions: instructions.unwrap(), slow_paths }
}

/// By how much the number of slow paths may vary while threads and a build start.
const AT_THE_START: i64 = 3;

const FEW: usize = 500;
const MANY: usize = 2_500;

/// The cost of a phase among idle threads is the cost alone, up to two percent: the resident set is
/// read every 10 ms, however many calls that are.
pub(crate) fn check_among_idle_threads() -> Result<(), String> {
    let [alone, among] = [0, 6].map(|threads| {
        let [few, many] = [FEW, MANY].map(|calls| count(threads, calls, 0));
        (many.instructions - few.instructions, many.slow_paths - few.slow_paths)
    });
    if alone.1.abs().max(among.1.abs()) > AT_THE_START {
        return Err(format!("slow paths: {} alone, {} among six threads", alone.1, among.1));
    }
    let difference = (among.0 - alone.0).abs();
    if difference * 50 > alone.0 {
        return Err(format!("instructions: {} alone, {} among six threads", alone.0, among.0));
    }
    Ok(())
}

/// The slow path is taken once for each time that another thread allocated.
pub(crate) fn check_among_a_thread_that_allocates() -> Result<(), String> {
    const EVERY: usize = 20;
    let [few, many] = [FEW, MANY].map(|calls| count(1, calls, EVERY));
    let taken = many.slow_paths - few.slow_paths;
    let wanted = i64::try_from((MANY - FEW) / EVERY).unwrap();
    if (taken - wanted).abs() > AT_THE_START {
        return Err(format!("{taken} slow paths, not {wanted}, from {few:?} to {many:?}"));
    }
    Ok(())
}
