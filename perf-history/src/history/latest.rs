//! `latest.json`: the newest record laid out for the eye.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::record::BuildStats;

/// The record with each field on a line of its own, and each phase too.
pub(super) fn laid_out(stats: &BuildStats) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::with_capacity(2048 + stats.phases.len() * 512);
    stats.serialize(&mut Serializer::with_formatter(&mut text, Layout::default()))?;
    text.push(b'\n');
    Ok(text)
}

/// How deep values stand on lines of their own: the fields of a record, and what is in them.
const LINES: usize = 2;

/// Lays out JSON: what is deeper than [`LINES`] stays on its line.
#[derive(Default)]
struct Layout {
    depth: usize,
    is_empty: bool,
}

impl Layout {
    fn begin<W: ?Sized + Write>(&mut self, to: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        to.write_all(bracket)
    }

    fn end<W: ?Sized + Write>(&mut self, to: &mut W, bracket: &[u8]) -> io::Result<()> {
        if self.depth <= LINES && !self.is_empty {
            new_line(to, self.depth - 1)?;
        }
        self.depth -= 1;
        self.is_empty = false;
        to.write_all(bracket)
    }

    fn separate<W: ?Sized + Write>(&mut self, to: &mut W, is_first: bool) -> io::Result<()> {
        self.is_empty = false;
        match (self.depth <= LINES, is_first) {
            (true, true) => new_line(to, self.depth),
            (true, false) => to.write_all(b",").and_then(|()| new_line(to, self.depth)),
            (false, true) => Ok(()),
            (false, false) => to.write_all(b", "),
        }
    }
}

fn new_line<W: ?Sized + Write>(to: &mut W, depth: usize) -> io::Result<()> {
    to.write_all(&b"\n    "[..=2 * depth])
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.begin(to, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.end(to, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.separate(to, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.begin(to, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.end(to, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.separate(to, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PhaseStats;

    #[test]
    fn fields_and_phases_stand_each_on_a_line() {
        let phase =
            |path: &str| PhaseStats { path: path.to_owned(), calls: 2, ..PhaseStats::default() };
        let mut stats = BuildStats {
            build_id: "a".to_owned(),
            phases: vec![phase("render"), phase("render/markdown")],
            ..BuildStats::default()
        };
        stats.counts.insert("pages".to_owned(), 83);
        stats.extra.insert("x".to_owned(), serde_json::json!([[], [1, 2], {"y": []}]));
        let text = String::from_utf8(laid_out(&stats).unwrap()).unwrap();
        let expected = r#"{
  "schema": 1,
  "build_id": "a",
  "timestamp": "",
  "tool": "",
  "outcome": "success",
  "build_time_ms": 0.0,
  "pages": 83,
  "counts": [
    "pages"
  ],
  "phase_timings_ms": {},
  "phases": [
    {"path": "render", "calls": 2, "total_ms": 0.0, "self_ms": 0.0, "window_ms": 0.0, "started_ms": 0.0},
    {"path": "render/markdown", "calls": 2, "total_ms": 0.0, "self_ms": 0.0, "window_ms": 0.0, "started_ms": 0.0}
  ],
  "labels": {},
  "x": [
    [],
    [1, 2],
    {"y": []}
  ]
}
"#;
        assert_eq!(text, expected);
    }
}
