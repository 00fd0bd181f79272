//! The file format of speedscope: <https://www.speedscope.app/file-format-schema.json>.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;

use super::{Lane, Phases, Stack, Stacks, Unit, shown};
use crate::present::escape;

#[derive(Debug)]
pub(crate) struct File<'a> {
    pub name: String,
    pub phases: &'a Phases,
    /// Each becomes a profile over time.
    pub lanes: &'a [Lane],
    /// The earliest end of the lanes, in nanoseconds since the build's start.
    pub end_ns: u64,
    /// Each becomes a profile of sums, after the lanes.
    pub sums: &'a [Stacks],
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: String,
    exporter: &'static str,
    #[serde(rename = "activeProfileIndex")]
    active: usize,
    shared: Shared<'a>,
    profiles: Vec<Profile>,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: &'a [Frame],
}

#[derive(Serialize)]
struct Frame {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    r#type: &'static str,
    name: String,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    #[serde(flatten)]
    data: Data,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Evented { events: Vec<Event> },
    Sampled { samples: Vec<Vec<usize>>, weights: Vec<u64> },
}

impl Profile {
    fn new(kind: &'static str, name: &str, unit: Unit, end_value: u64, data: Data) -> Self {
        let unit = match unit {
            Unit::Nanoseconds => "nanoseconds",
            Unit::Bytes => "bytes",
            Unit::Count => "none",
        };
        Self { r#type: kind, name: name.to_owned(), unit, start_value: 0, end_value, data }
    }
}

#[derive(Serialize)]
struct Event {
    #[serde(rename = "type")]
    kind: char,
    frame: usize,
    at: u64,
}

/// Frames with unique names, because speedscope identifies functions by name.
#[derive(Default)]
struct Frames {
    frames: Vec<Frame>,
    by_name: HashMap<String, usize>,
}

impl Frames {
    fn index_of(&mut self, name: &str) -> usize {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        self.by_name.insert(name.to_owned(), self.frames.len());
        self.frames.push(Frame { name: shown(name) });
        self.frames.len() - 1
    }
}

pub(crate) fn write(target: &mut dyn Write, file: &File<'_>) -> io::Result<()> {
    let mut frames = Frames::default();
    let of_phases: Vec<usize> =
        file.phases.iter().map(|phase| frames.index_of(phase.name())).collect();
    let mut profiles = Vec::new();
    for lane in file.lanes {
        let events = lane.edges().map(|edge| Event {
            kind: if edge.is_start { 'O' } else { 'C' },
            frame: of_phases[edge.phase],
            at: edge.at_ns,
        });
        let data = Data::Evented { events: events.collect() };
        let end_ns = file.end_ns.max(lane.end_ns());
        profiles.push(Profile::new("evented", &lane.name, Unit::Nanoseconds, end_ns, data));
    }
    for sums in file.sums {
        let mut indices =
            |stack: &Stack| stack.frames.iter().map(|frame| frames.index_of(frame)).collect();
        let data = Data::Sampled {
            samples: sums.entries.iter().map(&mut indices).collect(),
            weights: sums.entries.iter().map(|stack| stack.value).collect(),
        };
        profiles.push(Profile::new("sampled", &sums.name, sums.unit, sums.total(), data));
    }
    let document = Document {
        schema: "https://www.speedscope.app/file-format-schema.json",
        name: shown(&file.name),
        exporter: "buildperf",
        active: 0,
        shared: Shared { frames: &frames.frames },
        profiles,
    };
    escape::write_json_line(target, &document)?;
    target.write_all(b"\n")
}
