//! `latest.json`: the newest record laid out for the eye.

use std::io::{self, Write};

/// How deep values stand on lines of their own: the fields of a record, and what is in them.
const LINES: usize = 2;

/// After so many bytes, a piece is written. A piece is a little longer, by one field or phase.
const PIECE: usize = 16 << 10;

/// Writes the record with each field on a line of its own, and each phase too. `record` is the JSON
/// of a record without any white space between its parts.
///
/// PERF: to lay out what is written already takes a third of what it takes to write it again. It is
/// written in pieces, so that it takes no more memory where there are many phases.
pub(super) fn lay_out(record: &[u8], file: &mut impl Write) -> io::Result<()> {
    let mut text = Vec::with_capacity(PIECE + PIECE / 4);
    let mut depth = 0_usize;
    let (mut at, mut copied) = (0, 0);
    while let Some(&byte) = record.get(at) {
        at += 1;
        // PERF: most bytes outside of strings are in numbers.
        if matches!(byte, b'-'..=b'9') {
            continue;
        }
        match byte {
            b'"' => at += string_rest(&record[at..]),
            b'{' | b'[' => {
                if matches!(record.get(at), Some(b'}' | b']')) {
                    at += 1;
                    continue;
                }
                depth += 1;
                if depth <= LINES {
                    text.extend_from_slice(&record[copied..at]);
                    new_line(&mut text, depth);
                    copied = at;
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth < LINES {
                    text.extend_from_slice(&record[copied..at - 1]);
                    new_line(&mut text, depth);
                    copied = at - 1;
                }
            }
            b',' | b':' => {
                copy(&record[copied..], at - copied, &mut text);
                if byte == b',' && depth <= LINES {
                    if text.len() >= PIECE {
                        file.write_all(&text)?;
                        text.clear();
                    }
                    new_line(&mut text, depth);
                } else {
                    text.push(b' ');
                }
                copied = at;
            }
            _ => {}
        }
    }
    text.extend_from_slice(&record[copied..]);
    text.push(b'\n');
    file.write_all(&text)
}

fn new_line(text: &mut Vec<u8>, depth: usize) {
    text.extend_from_slice(&b"\n    "[..=2 * depth]);
}

/// Copies the first `length` bytes of `from`.
///
/// PERF: names and values are short, and copying a fixed length takes no call.
#[inline]
fn copy(from: &[u8], length: usize, text: &mut Vec<u8>) {
    match from.first_chunk::<16>() {
        Some(chunk) if length <= chunk.len() => {
            let end = text.len() + length;
            text.extend_from_slice(chunk);
            text.truncate(end);
        }
        _ => text.extend_from_slice(&from[..length]),
    }
}

/// How long what is left of a string is, up to its last quote and with it.
///
/// PERF: eight bytes at a time, as names have about that many. A search that takes a call, and asks
/// the processor for what it can do, takes twice as long.
#[inline]
fn string_rest(text: &[u8]) -> usize {
    let mut end = 0;
    while let Some(next) = text.get(end..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*next);
        let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
        if found == 0 {
            end += next.len();
            continue;
        }
        end += found.trailing_zeros() as usize / 8 + 1;
        if text[end - 1] == b'"' {
            return end;
        }
        // What is after a backslash ends nothing.
        end += 1;
    }
    while let Some(&byte) = text.get(end) {
        end += 1;
        match byte {
            b'"' => return end,
            b'\\' => end += 1,
            _ => {}
        }
    }
    text.len()
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);

/// The highest bit of the lowest byte that is zero, and maybe bits of those above it (A. Mycroft, in
/// H. S. Warren, *Hacker's Delight*, 6-1).
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BuildStats, PhaseStats};

    fn laid_out(record: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        lay_out(record, &mut text).unwrap();
        text
    }

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
        stats.unknown_fields =
            [("x".to_owned(), serde_json::json!([[], [1, 2], {"y": []}]))].into_iter().collect();
        let text = String::from_utf8(laid_out(&serde_json::to_vec(&stats).unwrap())).unwrap();
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
    {"path": "render", "calls": 2, "total_ms": 0.0, "self_ms": 0.0, "elapsed_ms": 0.0, "started_ms": 0.0},
    {"path": "render/markdown", "calls": 2, "total_ms": 0.0, "self_ms": 0.0, "elapsed_ms": 0.0, "started_ms": 0.0}
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

    #[test]
    fn a_record_of_several_pieces_is_laid_out_like_a_small_one() {
        let phase = |it: usize| PhaseStats { path: format!("phase {it}"), ..PhaseStats::default() };
        let stats = BuildStats { phases: (0..2_000).map(phase).collect(), ..BuildStats::default() };
        let record = serde_json::to_vec(&stats).unwrap();
        let text = laid_out(&record);
        assert!(text.len() > 4 * PIECE);
        let value: serde_json::Value = serde_json::from_slice(&record).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), value);
        let text = String::from_utf8(text).unwrap();
        let phases: Vec<_> = text.lines().filter(|it| it.contains("phase ")).collect();
        for (number, line) in phases.iter().enumerate() {
            assert!(line.starts_with(&format!(r#"    {{"path": "phase {number}", "#)), "{line}");
        }
        assert_eq!(phases.len(), 2_000);
    }

    #[test]
    fn a_string_ends_at_its_first_quote_that_no_backslash_escapes() {
        for length in 0..40 {
            for special in 0..=length {
                for inner in ["", "\"", "\\", "\\\"", "!#[]", "\u{a2}\u{dc}"] {
                    let string = format!("{}{inner}{}", "a".repeat(special), "é".repeat(length));
                    let mut text = serde_json::to_vec(&string).unwrap();
                    let end = text.len() - 1;
                    text.extend_from_slice(b",\"b\":1}");
                    assert_eq!(string_rest(&text[1..]), end, "{string}");
                    assert_eq!(string_rest(&text[1..end]), end - 1, "{string}");
                }
            }
        }
    }

    #[test]
    fn what_looks_like_structure_in_a_name_is_left_as_it_is() {
        let names = ["a\"b", "\\", "\\\"", "{[,:]}", "\n", "é\u{202e}", ""];
        for name in names {
            for other in names {
                let value = serde_json::json!({ name: [other, { other: [name, 1.5e-7, null] }] });
                let text = laid_out(&serde_json::to_vec(&value).unwrap());
                assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), value);
                let lines = memchr::memchr_iter(b'\n', &text).count();
                assert_eq!(lines, 6, "{}", String::from_utf8_lossy(&text));
            }
        }
    }
}
