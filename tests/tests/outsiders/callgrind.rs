//! What a phase costs does not rise with the threads there are, as long as they do not allocate:
//! counted in instructions and in ways taken, never in time.

use std::collections::HashMap;

use crate::place::{Place, succeed};

const TOOL: &str = env!("CARGO_BIN_EXE_among_threads");

/// The way that is taken where another thread told that its level moved.
const THE_LONG_WAY: &str = "fold_told_level";

/// What callgrind counted in one process.
#[derive(Debug, Clone, Copy)]
struct Counted {
    instructions: i64,
    long_ways: i64,
}

fn count(threads: usize, calls: usize, every: usize) -> Counted {
    let place = Place::new();
    let mut command = place.command("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=counts", "--log-file=log", TOOL]);
    // Of the same length, as they are on the heap, too.
    succeed(command.args([threads, calls, every].map(|it| format!("{it:08}"))));
    read(&std::fs::read_to_string(place.path("counts")).unwrap())
}

/// Reads what callgrind writes: `cfn=(12) name` for who is called, where later lines leave out the
/// name, and then `calls=3 …` for how often.
fn read(counts: &str) -> Counted {
    let mut names = HashMap::new();
    let (mut called, mut instructions, mut long_ways) = ("", None, 0);
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
            if called.contains(THE_LONG_WAY) {
                long_ways += calls.split(' ').next().unwrap().parse::<i64>().unwrap();
            }
        } else if let Some(total) = line.strip_prefix("totals:") {
            instructions = Some(total.trim().parse().unwrap());
        }
    }
    Counted { instructions: instructions.unwrap(), long_ways }
}

/// How often the longer way may be taken more or less while threads and a build start.
const AT_THE_START: i64 = 3;

const FEW: usize = 500;
const MANY: usize = 2_500;

/// What a phase costs among idle threads is what it costs alone, to two hundredths: readings of the
/// resident set come every 10 ms, however many calls that are.
pub(crate) fn check_among_idle_threads() -> Result<(), String> {
    let [alone, among] = [0, 6].map(|threads| {
        let [few, many] = [FEW, MANY].map(|calls| count(threads, calls, 0));
        (many.instructions - few.instructions, many.long_ways - few.long_ways)
    });
    if alone.1.abs().max(among.1.abs()) > AT_THE_START {
        return Err(format!("longer ways: {} alone, {} among six threads", alone.1, among.1));
    }
    let difference = (among.0 - alone.0).abs();
    if difference * 50 > alone.0 {
        return Err(format!("instructions: {} alone, {} among six threads", alone.0, among.0));
    }
    Ok(())
}

/// The longer way is taken once for each time that another thread allocated.
pub(crate) fn check_among_a_thread_that_allocates() -> Result<(), String> {
    const EVERY: usize = 20;
    let [few, many] = [FEW, MANY].map(|calls| count(1, calls, EVERY));
    let taken = many.long_ways - few.long_ways;
    let wanted = i64::try_from((MANY - FEW) / EVERY).unwrap();
    if (taken - wanted).abs() > AT_THE_START {
        return Err(format!("{taken} longer ways, not {wanted}, from {few:?} to {many:?}"));
    }
    Ok(())
}
