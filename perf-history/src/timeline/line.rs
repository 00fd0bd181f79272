//! Writing and reading the lines of a timeline's file.

use std::io::{self, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Interval, MAX_TEXT, SCHEMA, Timeline, TimelineError, TimelineHeader, TimelinePart};

/// How many intervals share a line: it takes some 100 KiB, and 230 KiB at most.
const INTERVALS_PER_LINE: usize = 4096;

#[derive(Serialize)]
struct HeaderLine<'a> {
    schema: u32,
    build_id: &'a str,
    tool: &'a str,
    build_time_ns: u64,
    paths: &'a [String],
    intervals: u64,
    dropped: u64,
}

#[derive(Serialize)]
struct PathsLine<'a> {
    paths: &'a [String],
}

#[derive(Serialize)]
struct PartLine<'a> {
    thread: usize,
    build_thread: bool,
    intervals: &'a [Interval],
}

/// Writes a timeline that has no [error](Timeline::error), line by line.
pub(crate) fn write(timeline: &Timeline, target: &mut impl Write) -> io::Result<()> {
    let mut out = LineWriter { target, line: Vec::new() };
    let (first, mut rest) = split(&timeline.paths);
    out.write(&HeaderLine {
        schema: SCHEMA,
        build_id: &timeline.build_id,
        tool: &timeline.tool,
        build_time_ns: timeline.build_time_ns,
        paths: first,
        intervals: timeline.intervals(),
        dropped: timeline.dropped,
    })?;
    while !rest.is_empty() {
        let (paths, after) = split(rest);
        out.write(&PathsLine { paths })?;
        rest = after;
    }
    for (number, thread) in timeline.threads.iter().enumerate() {
        let mut part = |intervals| {
            out.write(&PartLine { thread: number, build_thread: thread.build_thread, intervals })
        };
        if thread.intervals.is_empty() {
            part(&[])?;
        }
        for intervals in thread.intervals.chunks(INTERVALS_PER_LINE) {
            part(intervals)?;
        }
    }
    Ok(())
}

/// The paths that share a line, and those after them. A byte takes six where it is escaped, so
/// these and the tool's name are some 3 MiB at most.
fn split(paths: &[String]) -> (&[String], &[String]) {
    let mut room = MAX_TEXT + 1;
    let fits = |path: &&String| match room.checked_sub(path.len() + 1) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    paths.split_at(paths.iter().take_while(fits).count())
}

/// Writes each line at once.
struct LineWriter<'a, W> {
    target: &'a mut W,
    line: Vec<u8>,
}

impl<W: Write> LineWriter<'_, W> {
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        self.line.push(b'\n');
        self.target.write_all(&self.line)
    }
}

/// See [`Timeline::max_file_bytes`].
pub(super) fn max_file_bytes(timeline: &Timeline) -> u64 {
    /// The names of the header's fields, its numbers at their longest, a build's id, and as much
    /// again.
    const HEADER: u64 = 512;
    /// `{"thread":18446744073709551615,"build_thread":false,"intervals":[]}` or `{"paths":[]}`, and its end.
    const LINE: u64 = 80;
    /// `[4294967295,18446744073709551615,18446744073709551615],`
    const INTERVAL: u64 = 56;
    // Every byte escaped, and the quotes and the comma.
    let text = |text: &String| (text.len() as u64) * 6 + 3;
    let texts: u64 = timeline.paths.iter().chain([&timeline.tool]).map(text).sum();
    // A line of paths is not ended before the next path would exceed it, so no two lines in a row
    // are less than full together.
    let path_bytes: usize = timeline.paths.iter().map(|path| path.len() + 1).sum();
    let path_lines = 2 * (path_bytes / MAX_TEXT) as u64 + 1;
    let lines = |len: usize| len.div_ceil(INTERVALS_PER_LINE).max(1) as u64;
    let part_lines: u64 = timeline.threads.iter().map(|thread| lines(thread.intervals.len())).sum();
    HEADER + texts + LINE * (path_lines + part_lines) + INTERVAL * timeline.intervals()
}

/// A header, and which version's rules hold for the lines after it.
pub(crate) struct Header {
    pub(crate) header: TimelineHeader,
    pub(crate) is_later_version: bool,
}

/// Reads the text of the first line.
pub(crate) fn read_header(text: &[u8]) -> Result<Header, TimelineError> {
    match serde_json::from_slice::<TimelineHeader>(text).map_err(TimelineError::from) {
        Ok(header) if header.schema == 0 => {
            Err(TimelineError::NotATimeline("there is no schema 0".to_owned()))
        }
        Ok(header) => Ok(Header { is_later_version: header.schema > SCHEMA, header }),
        Err(TimelineError::NotATimeline(error)) => {
            let header = later_header(text).ok_or(TimelineError::NotATimeline(error))?;
            Ok(Header { header, is_later_version: true })
        }
        Err(flaw) => Err(flaw),
    }
}

/// Reads a header of a later version as far as it is understood.
fn later_header(text: &[u8]) -> Option<TimelineHeader> {
    fn take<T: DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> Option<T> {
        T::deserialize(fields.remove(name)?).ok()
    }
    let mut fields: Map<String, Value> = serde_json::from_slice(text).ok()?;
    let fields = &mut fields;
    Some(TimelineHeader {
        schema: take(fields, "schema").filter(|schema| *schema > SCHEMA)?,
        build_id: take(fields, "build_id")?,
        tool: take(fields, "tool")?,
        build_time_ns: take(fields, "build_time_ns")?,
        paths: take(fields, "paths").unwrap_or_default(),
        intervals: take(fields, "intervals").unwrap_or_default(),
        dropped: take(fields, "dropped").unwrap_or_default(),
    })
}

/// The content of a line after the first.
pub(crate) struct Read {
    pub(crate) paths: Option<Vec<String>>,
    pub(crate) part: Option<TimelinePart>,
}

/// Reads the text of a line after the first.
pub(crate) fn read_line(text: &[u8]) -> Result<Read, TimelineError> {
    #[derive(Deserialize)]
    struct Line {
        paths: Option<Vec<String>>,
        thread: Option<usize>,
        build_thread: Option<bool>,
        intervals: Option<Vec<Interval>>,
    }

    let Line { paths, thread, build_thread, intervals } = serde_json::from_slice(text)?;
    let part = match (thread, build_thread, intervals) {
        (Some(thread), Some(build_thread), Some(intervals)) => {
            Some(TimelinePart { thread, build_thread, intervals })
        }
        (None, None, None) if paths.is_some() => None,
        _ => {
            return Err(TimelineError::NotATimeline(
                "it has neither paths nor the intervals of a thread".to_owned(),
            ));
        }
    };
    Ok(Read { paths, part })
}
