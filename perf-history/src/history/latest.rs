//! `latest.json`: the newest record laid out for the eye.

/// How deep values stand on lines of their own: the fields of a record, and what is in them.
const LINES: usize = 2;

/// The record with each field on a line of its own, and each phase too. `record` is the JSON of a
/// record without any white space between its parts.
///
/// PERF: to lay out what is written already takes a third of what it takes to write it again.
pub(super) fn laid_out(record: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(record.len() + record.len() / 4);
    let mut depth = 0_usize;
    let (mut at, mut copied) = (0, 0);
    while let Some(&byte) = record.get(at) {
        at += 1;
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
                text.extend_from_slice(&record[copied..at]);
                if byte == b',' && depth <= LINES {
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
    text
}

fn new_line(text: &mut Vec<u8>, depth: usize) {
    text.extend_from_slice(&b"\n    "[..=2 * depth]);
}

/// How long what is left of a string is, up to its last quote and with it.
fn string_rest(text: &[u8]) -> usize {
    let mut end = 0;
    while let Some(found) = text.get(end..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        end += found + 1;
        if text[end - 1] == b'"' {
            return end;
        }
        // What is after a backslash ends nothing.
        end += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BuildStats, PhaseStats};

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
