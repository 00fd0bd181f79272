//! Bytes by place, by DHAT, valgrind's allocation profiler.

use std::collections::BTreeMap;
use std::fs;

use contract_tests::programs::{Place, succeed};
use serde_json::Value;

use crate::programs::Program;

/// The function that signals a request to DHAT.
const SIGNAL: &str = "signals::signal";

/// A line of a program's code: its file as the compiler knew it, and its number.
pub(crate) type Line = (String, u64);

/// Requested bytes by line of the program.
pub(crate) fn bytes_by_line(program: Program) -> BTreeMap<Line, u64> {
    let place = Place::new();
    program.prepare(&place.path("."));
    let mut command = place.command("valgrind");
    command.args(["--tool=dhat", "--dhat-out-file=seen", "--log-file=log"]);
    command.args(["--num-callers=60", "--read-inline-info=yes", "--fullpath-after="]);
    command.arg(std::env::current_exe().unwrap());
    command.args([crate::AS_A_PROGRAM, program.name(), crate::WATCHED]);
    // Measuring would add allocations that are not the program's.
    succeed(command.env("BUILD_METRICS", "off").env("RAYON_NUM_THREADS", "1"));
    read(&fs::read_to_string(place.path("seen")).unwrap())
}

/// Reads DHAT's file: `pps` are stacks, each with its bytes (`tb`) and frames (`fs`), the innermost first,
/// as indices into `ftbl`.
fn read(seen: &str) -> BTreeMap<Line, u64> {
    let seen: Value = serde_json::from_str(seen).unwrap();
    let frames = seen["ftbl"].as_array().unwrap();
    let lines: Vec<_> =
        frames.iter().map(|frame| line_of_program(frame.as_str().unwrap())).collect();
    let mut bytes = BTreeMap::new();
    for stack in seen["pps"].as_array().unwrap() {
        let index = |it: &Value| usize::try_from(it.as_u64().unwrap()).unwrap();
        let stack_frames: Vec<_> = stack["fs"].as_array().unwrap().iter().map(index).collect();
        // The C library allocates for itself, too.
        let is_request = |it: &usize| frames[*it].as_str().unwrap().contains(SIGNAL);
        if stack_frames.iter().any(is_request)
            && let Some(line) = stack_frames.iter().find_map(|frame| lines[*frame].clone())
        {
            *bytes.entry(line).or_insert(0) += stack["tb"].as_u64().unwrap();
        }
    }
    bytes
}

/// The line of a frame, `0x10F8B6: function (path:line)`, unless that is the standard library's, the
/// allocator's or the runtime's.
fn line_of_program(frame: &str) -> Option<Line> {
    let (_, function) = frame.split_once(": ")?;
    let (function, place) = function.rsplit_once(" (")?;
    let (file, line) = place.strip_suffix(')')?.rsplit_once(':')?;
    let last = function.rsplit("::").next()?;
    let foreign =
        ["/rustc/", "/rust/deps/", "/rustlib/src/rust/", "perf-core/src/", "perf-runtime/src/"];
    let is_foreign = foreign.iter().any(|part| file.contains(part))
        || ["places_by_dhat/signals.rs", "vg_replace_malloc.c"]
            .iter()
            .any(|end| file.ends_with(end))
        || last.starts_with("__rust_")
        || last.starts_with("__rg_");
    let line = line.parse().ok()?;
    (!is_foreign).then(|| (file.to_owned(), line))
}
