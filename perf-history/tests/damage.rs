//! Histories that disks, editors and merges have damaged: every good line is read, every bad one
//! is reported with its number and reason, and repairing moves exactly the bad ones.
#![forbid(unsafe_code)]

mod records;

use std::fs;

use perf_history::{History, HistoryLine, UnreadableReason};
use proptest::prelude::*;
use records::{full_record, record};

/// What kind of reason a line should be reported with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Blank,
    TooLong,
    NotJson,
    NotARecord,
    Torn,
}

fn kind(reason: &UnreadableReason) -> Reason {
    match reason {
        UnreadableReason::Blank => Reason::Blank,
        UnreadableReason::TooLong => Reason::TooLong,
        UnreadableReason::Torn => Reason::Torn,
        UnreadableReason::NotJson(_) => Reason::NotJson,
        UnreadableReason::NotARecord(_) => Reason::NotARecord,
        other => panic!("{other}"),
    }
}

fn line(id: &str) -> String {
    serde_json::to_string(&record(id)).unwrap()
}

/// A good line in which `from` is replaced by `to`.
fn altered(from: &str, to: &str) -> Vec<u8> {
    let line = line("x");
    assert!(line.contains(from), "{from}");
    line.replace(from, to).into_bytes()
}

/// One line each, without its end, that cannot be read.
fn damages() -> Vec<(&'static str, Vec<u8>, Reason)> {
    use Reason::{Blank, NotARecord, NotJson, TooLong};
    let good = line("x").into_bytes();
    let with = |at: usize, byte: u8| {
        let mut line = good.clone();
        line[at] ^= byte;
        line
    };
    let nested = |open: &str, close: &str| {
        let deep = open.repeat(10_000) + &close.repeat(10_000);
        altered(r#""labels":{}"#, &format!(r#""x":{deep}"#))
    };
    vec![
        ("truncated", good[..good.len() / 2].to_vec(), NotJson),
        ("truncated by one byte", good[..good.len() - 1].to_vec(), NotJson),
        ("beginning lost", good[9..].to_vec(), NotJson),
        ("brace flipped", with(0, 0x04), NotJson),
        ("quote flipped", with(1, 0x01), NotJson),
        ("invalid UTF-8", with(20, 0x80), NotJson),
        ("overlong UTF-8", altered("my-site", "").replace_tool(b"\xC0\xAF"), NotJson),
        ("50 MB", vec![b'x'; 50 << 20], TooLong),
        ("9 MB of spaces", vec![b' '; 9 << 20], TooLong),
        ("nested arrays", nested("[", "]"), NotJson),
        ("nested objects", nested(r#"{"a":"#, "}"), NotJson),
        ("NaN", altered("412.5", "NaN"), NotJson),
        ("Infinity", altered("412.5", "-Infinity"), NotJson),
        ("null for a time", altered("412.5", "null"), NotARecord),
        ("empty", vec![], Blank),
        ("carriage return only", b"\r".to_vec(), Blank),
        ("white space", b" \t \r".to_vec(), Blank),
        ("NUL bytes", vec![0; 4096], NotJson),
        ("NUL bytes and a record", [&[0; 8], &good[..]].concat(), NotJson),
        ("NUL in a string", altered("my-site", "my\0site"), NotJson),
        ("byte order mark inside", [b"\xEF\xBB\xBF", &good[..]].concat(), NotJson),
        ("UTF-16", good.iter().flat_map(|byte| [*byte, 0]).collect(), NotJson),
        ("two records on one line", [&good[..], &good[..]].concat(), NotJson),
        ("a comma too many", [&good[..], b","].concat(), NotJson),
        ("array", [b"[", &good[..], b"]"].concat(), NotARecord),
        ("string", b"\"record\"".to_vec(), NotARecord),
        ("number", b"7".to_vec(), NotARecord),
        ("null", b"null".to_vec(), NotARecord),
        ("empty object", b"{}".to_vec(), NotARecord),
        ("some other JSON", br#"{"name":"my-site","version":1}"#.to_vec(), NotARecord),
        ("duplicate key", altered(r#""tool":"#, r#""tool":"other","tool":"#), NotARecord),
        ("huge exponent", altered("412.5", "1e999"), NotJson),
        (
            "huge count",
            altered(r#""counts":[]"#, r#""n":18446744073709551616,"counts":["n"]"#),
            NotARecord,
        ),
        ("negative count", altered(r#""counts":[]"#, r#""n":-1,"counts":["n"]"#), NotARecord),
        ("huge schema", altered(r#""schema":1"#, r#""schema":4294967296"#), NotARecord),
        ("lone surrogate", altered("my-site", r"\ud800"), NotJson),
        ("wrong surrogates", altered("my-site", r"\udc00\ud800"), NotJson),
        ("bad escape", altered("my-site", r"\x41"), NotJson),
        ("raw control character", altered("my-site", "a\u{1}b"), NotJson),
        ("single quotes", altered("\"", "'"), NotJson),
        ("comment", [b"// ", &good[..]].concat(), NotJson),
        ("merge conflict", b"<<<<<<< HEAD".to_vec(), NotJson),
    ]
}

trait ReplaceTool {
    fn replace_tool(self, by: &[u8]) -> Vec<u8>;
}

impl ReplaceTool for Vec<u8> {
    /// Puts bytes that are no text where the name of the tool was.
    fn replace_tool(self, by: &[u8]) -> Vec<u8> {
        let empty = br#""tool":""#;
        let at = self.windows(empty.len()).position(|bytes| bytes == empty);
        let at = at.unwrap() + empty.len();
        [&self[..at], by, &self[at..]].concat()
    }
}

/// Everything that a history says of a file: the ids that are read, and the number, offset, length
/// and reason of each line that is not.
type Findings = (Vec<String>, Vec<(u64, u64, u64, Reason)>);

fn findings(history: &History) -> Findings {
    let (mut ids, mut bad) = (Vec::new(), Vec::new());
    for entry in history {
        match entry.unwrap() {
            HistoryLine::Record(stats) => ids.push(stats.build_id),
            HistoryLine::Unreadable(line) => {
                let number = line.line.unwrap();
                bad.push((number, line.offset, line.bytes, kind(&line.reason)));
            }
        }
    }
    (ids, bad)
}

#[test]
fn all_good_lines_are_read_and_all_bad_ones_reported_and_moved() {
    let damages = damages();
    assert!(damages.len() >= 20);
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());

    let (mut file, mut rejected, mut good) = (Vec::new(), Vec::new(), Vec::new());
    let mut expected: Findings = (Vec::new(), Vec::new());
    let mut number = 0;
    for (index, (_, bytes, reason)) in damages.iter().enumerate() {
        let id = index.to_string();
        let good_line = line(&id) + if index % 2 == 0 { "\n" } else { "\r\n" };
        file.extend_from_slice(good_line.as_bytes());
        good.extend_from_slice(good_line.as_bytes());
        expected.0.push(id);
        let bad_line = [bytes, &b"\n"[..]].concat();
        number += 2;
        let length = bad_line.len() as u64;
        expected.1.push((number, file.len() as u64, length, *reason));
        file.extend_from_slice(&bad_line);
        rejected.extend_from_slice(&bad_line);
    }
    fs::write(history.path(), &file).unwrap();

    let found = findings(&history);
    assert_eq!(found.0, expected.0);
    for ((found, expected), (name, ..)) in found.1.iter().zip(&expected.1).zip(&damages) {
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(found, expected);

    let (mut ids, mut bad) = (Vec::new(), Vec::new());
    for entry in history.newest_first() {
        match entry.unwrap() {
            HistoryLine::Record(stats) => ids.push(stats.build_id),
            HistoryLine::Unreadable(line) => {
                bad.push((line.offset, line.bytes, kind(&line.reason)));
            }
        }
    }
    ids.reverse();
    bad.reverse();
    assert_eq!(ids, expected.0);
    let without_number = expected.1.iter().map(|line| (line.1, line.2, line.3));
    assert!(without_number.eq(bad));

    let repaired = history.repair().unwrap();
    assert_eq!(repaired.rejected, damages.len() as u64);
    assert_eq!(repaired.records, damages.len() as u64);
    assert!(fs::read(history.path()).unwrap() == good);
    assert!(fs::read(dir.path().join("history.rejected.jsonl")).unwrap() == rejected);
    assert_eq!(findings(&history), (expected.0, Vec::new()));
}

#[test]
fn any_damage_at_the_end_of_a_history_leaves_it_appendable() {
    for (name, bytes, _) in damages() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path());
        history.append(&record("a")).unwrap();
        let file = [line("a").as_bytes(), b"\n", &bytes].concat();
        fs::write(history.path(), &file).unwrap();
        history.append(&record("b")).unwrap();
        assert_eq!(findings(&history).0, ["a", "b"], "{name}");
        let after = fs::read(history.path()).unwrap();
        assert!(after.starts_with(&file), "{name}");
    }
}

#[test]
fn what_editors_add_to_a_file_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());
    let file = format!("\u{FEFF}{}\r\n  {}\t\r\n{}", line("a"), line("b"), line("c"));
    fs::write(history.path(), &file).unwrap();
    let ids = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(findings(&history), (ids, Vec::new()));
    assert_eq!(history.last(3).unwrap().len(), 3);
    assert_eq!(history.repair().unwrap().rejected, 0);
    assert_eq!(fs::read_to_string(history.path()).unwrap(), file);
}

#[test]
fn a_file_that_is_no_history_at_all_is_moved_whole() {
    let contents: [&[u8]; 4] = [b"\0", b"\xEF\xBB\xBF", b"\xFF\xD8\xFF\xE0\n\n\nJFIF", b"\n"];
    for content in contents {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path());
        fs::write(history.path(), content).unwrap();
        assert_eq!(history.latest().unwrap(), None);
        assert_eq!(history.repair().unwrap().records, 0);
        assert_eq!(fs::read(history.path()).unwrap(), b"");
        let rejected = fs::read(dir.path().join("history.rejected.jsonl")).unwrap();
        assert!(rejected.starts_with(content));
        assert!(rejected.ends_with(b"\n"));
    }
}

#[test]
fn a_last_line_that_is_too_long_or_blank_is_reported_as_such_and_not_as_torn() {
    for (text, reason) in [
        (vec![b'x'; perf_history::history::MAX_LINE + 1], Reason::TooLong),
        (vec![b'x'; perf_history::history::MAX_LINE], Reason::Torn),
        (vec![b' '; 3], Reason::Blank),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path());
        fs::write(history.path(), &text).unwrap();
        let length = text.len() as u64;
        let expected = (vec![], vec![(1, 0, length, reason)]);
        assert_eq!(findings(&history), expected);
        let entry = history.newest_first().next().unwrap().unwrap();
        let HistoryLine::Unreadable(line) = entry else {
            panic!("{entry:?}");
        };
        assert_eq!((line.bytes, kind(&line.reason)), (length, reason));
    }
}

#[test]
fn flipping_the_top_bit_of_any_byte_loses_that_line_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());
    let line = serde_json::to_string(&full_record(2)).unwrap();
    let (before, after) = (self::line("a") + "\n", self::line("b"));
    let file = format!("{before}{line}\n{after}\n").into_bytes();
    for at in 0..line.len() {
        let mut damaged = file.clone();
        damaged[before.len() + at] ^= 0x80;
        fs::write(history.path(), &damaged).unwrap();
        let (ids, bad) = findings(&history);
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(bad.len(), 1);
        assert_eq!(bad[0].0, 2);
    }
}

proptest! {
    // Repairing waits for the disk.
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damage_anywhere_leaves_the_lines_that_it_does_not_touch(
        at in any::<prop::sample::Index>(),
        length in 1..40_usize,
        junk in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path());
        let ids: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let lines: Vec<String> = ids.iter().map(|id| line(id) + "\n").collect();
        let mut file = lines.concat().into_bytes();
        let begin = at.index(file.len());
        let end = (begin + length).min(file.len());
        file.splice(begin..end, junk);
        fs::write(history.path(), &file).unwrap();

        let mut offset = 0;
        let mut untouched = Vec::new();
        for (id, line) in ids.iter().zip(&lines) {
            // A line is touched also through the end of the line before it.
            let (from, to) = (offset.max(1) - 1, offset + line.len());
            if to <= begin || end <= from {
                untouched.push(id.clone());
            }
            offset = to;
        }
        let (mut found, bad) = findings(&history);
        found.retain(|id| untouched.contains(id));
        prop_assert_eq!(&found, &untouched);

        history.repair().unwrap();
        let (mut found, left) = findings(&history);
        found.retain(|id| untouched.contains(id));
        prop_assert_eq!(found, untouched);
        prop_assert_eq!(left, []);
        let moved: u64 = bad.iter().map(|line| line.2).sum();
        let rejected = fs::metadata(dir.path().join("history.rejected.jsonl"));
        let rejected = rejected.map_or(0, |metadata| metadata.len());
        // The last line may have been given the end that it lacked.
        prop_assert!(rejected == moved || rejected == moved + 1);
    }
}
