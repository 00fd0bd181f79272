//! The Trace Event format of Chrome, which Perfetto, speedscope and others read:
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.
//!
//! Each slice is a pair of events for its start and end, and not one event with a duration: with times
//! that are formatted alike, no slice ends a rounding error after its parent. The path of a phase is
//! the category of its slices. The facts about it are at the end events: viewers add these to the slice,
//! but speedscope would make facts at the start part of the name.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Lane, Phases, shown};
use crate::present::escape;

#[derive(Debug)]
pub(crate) struct Trace<'a> {
    /// The name of the group of all lanes.
    pub name: String,
    /// Facts about the trace.
    pub about: Map<String, Value>,
    pub phases: &'a Phases,
    pub lanes: &'a [Lane],
}

const PROCESS: u32 = 1;

#[derive(Default, Serialize)]
struct Event<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'a str>,
    ph: &'static str,
    /// In microseconds, with nanoseconds as decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    pid: u32,
    tid: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<&'a Map<String, Value>>,
}

/// Writes a trace, one event per line.
pub(crate) fn write(target: &mut dyn Write, trace: &Trace<'_>) -> io::Result<()> {
    target.write_all(b"{\"displayTimeUnit\":\"ms\",\"otherData\":")?;
    escape::write_json_line(target, &trace.about)?;
    target.write_all(b",\"traceEvents\":[\n")?;
    metadata(target, 1, "process_name", "name", shown(&trace.name).into())?;
    let of_phase = |phase: &super::Phase| (shown(phase.name()), shown(&phase.path));
    let shown_phases: Vec<(String, String)> = trace.phases.iter().map(of_phase).collect();
    for (lane, thread) in trace.lanes.iter().zip(1..) {
        target.write_all(b",\n")?;
        metadata(target, thread, "thread_name", "name", lane.name.clone().into())?;
        target.write_all(b",\n")?;
        metadata(target, thread, "thread_sort_index", "sort_index", thread.into())?;
        for edge in lane.edges() {
            let (name, path) = &shown_phases[edge.phase];
            let facts = &trace.phases.get(edge.phase).facts;
            let event = Event {
                name: Some(name),
                cat: edge.is_start.then_some(path),
                ph: if edge.is_start { "B" } else { "E" },
                ts: Some(microseconds(edge.at_ns)),
                pid: PROCESS,
                tid: thread,
                args: Some(facts).filter(|facts| !edge.is_start && !facts.is_empty()),
            };
            target.write_all(b",\n")?;
            escape::write_json_line(target, &event)?;
        }
    }
    target.write_all(b"\n]}\n")
}

fn metadata(
    target: &mut dyn Write,
    thread: usize,
    name: &str,
    field: &str,
    value: Value,
) -> io::Result<()> {
    let args = Map::from_iter([(field.to_owned(), value)]);
    let (name, args) = (Some(name), Some(&args));
    let event = Event { name, ph: "M", pid: PROCESS, tid: thread, args, ..Event::default() };
    escape::write_json_line(target, &event)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1_000.0
}
