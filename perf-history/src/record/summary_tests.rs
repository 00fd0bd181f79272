//! A glance at a record says what reading it says, whatever the text is.

use proptest::prelude::*;

use super::records::{full_record, record};
use super::{BuildStats, RecordSummary};

/// What a glance says, as one text.
fn told(glance: &RecordSummary<'_>, stats: &BuildStats) -> String {
    let labels: Vec<_> = stats.labels.keys().map(|name| (name, glance.label(name))).collect();
    let unknown = glance.label("no such label");
    format!(
        "{:?} {labels:?} {unknown:?}",
        (
            (glance.build_id, glance.timestamp, glance.tool, glance.outcome),
            (glance.build_time_ms.to_bits(), glance.incremental, glance.skipped, glance.clock),
            (glance.commit, glance.branch, glance.dirty, glance.started_at()),
        )
    )
}

/// Whether a glance is enough for this text; then it must say what reading says.
fn is_enough(text: &str) -> bool {
    let Some(glance) = RecordSummary::at(text) else { return false };
    let stats: BuildStats = match serde_json::from_str(text) {
        Ok(stats) => stats,
        Err(error) => panic!("a glance takes for a record what is none ({error}): {text}"),
    };
    assert_eq!(told(&glance, &stats), told(&RecordSummary::new(&stats), &stats), "{text}");
    true
}

fn written(stats: &impl serde::Serialize) -> String {
    serde_json::to_string(stats).unwrap()
}

#[test]
fn a_glance_is_enough_for_every_record_that_this_version_writes() {
    for phases in [0, 1, 2, 50] {
        assert!(is_enough(&written(&full_record(phases))), "{phases}");
    }
    assert!(is_enough(&written(&record("a-b"))));
    let mut other = full_record(1);
    other.labels = [("run", "a b"), ("session", "é → 中")]
        .map(|(name, label)| (name.to_owned(), label.to_owned()))
        .into();
    other.git = None;
    assert!(is_enough(&written(&other)));
}

#[test]
fn what_is_not_as_this_version_writes_it_is_left_to_reading() {
    let whole = written(&record("a"));
    for (from, to) in [
        ("{\"schema\":1,", "{\"schema\":2,"),
        ("{\"schema\":1,", "{\"schema\":1 ,"),
        ("{\"schema\":1,", "{ \"schema\":1,"),
        ("{\"schema\":1,", "{"),
        ("412.5", "4.125e2"),
        ("412.5", "0412.5"),
        ("412.5", "412."),
        ("412.5", "412.50000000000000001"),
        ("412.5", "\"412.5\""),
        ("my-site", "my\\u002dsite"),
        ("my-site", "my\tsite"),
        ("success", "Success"),
        ("\"labels\":{}", "\"labels\":{\"a\":\"b\",\"a\":\"b\"}"),
        ("\"labels\":{}", "\"labels\":null"),
        ("\"counts\":[]", "\"counts\":[\"tool\"]"),
        ("\"counts\":[]", "\"news\":{},\"counts\":[]"),
        ("\"counts\":[]", "\"n\":1,\"n\":2,\"counts\":[\"n\"]"),
        ("\"counts\":[]", "\"n\":-1,\"counts\":[\"n\"]"),
        ("\"phases\":[]", "\"phases\":[{}]"),
        ("\"phases\":[]", "\"phases\":[{\"path\":\"a\",\"path\":\"b\"}]"),
        ("\"phases\":[]", "\"phases\":[{\"path\":\"a\",\"calls\":-1}]"),
        ("\"phases\":[]", "\"phases\":[{\"path\":\"a\",\"net_bytes\":-0}]"),
        ("\"phases\":[]", "\"phases\":[{\"path\":\"a\",}]"),
        ("}", "}}"),
        ("}", "} "),
        ("}", ""),
    ] {
        let text = match from {
            "}" => format!("{}{to}", whole.strip_suffix('}').unwrap()),
            _ => whole.replacen(from, to, 1),
        };
        assert_ne!(text, whole, "{from} is there");
        assert!(RecordSummary::at(&text).is_none(), "{text}");
    }
}

/// What a damaged text may have in it.
const PIECES: [&str; 34] = [
    "\"",
    "\\",
    "\\\"",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "0",
    "1",
    "-",
    "-0",
    ".",
    "1e5",
    "1.",
    ".5",
    "00",
    "9999999999999999999",
    "99999999999999999999",
    "123456789012345678",
    "null",
    "true",
    "false",
    " ",
    "\t",
    "é",
    "\u{0}",
    "\"path\":\"a\"",
    "\"schema\":1,",
    ",\"tool\":\"x\"",
    ",\"news\":7",
    "\"counts\":[\"news\"],",
    "{}",
];

#[derive(Debug, Clone)]
enum Edit {
    Put(usize),
    Cut(usize),
    Again(usize),
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, Edit)>> {
    let edit = prop_oneof![
        (0..PIECES.len()).prop_map(Edit::Put),
        (1..12_usize).prop_map(Edit::Cut),
        (1..40_usize).prop_map(Edit::Again),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), edit), 0..4)
}

fn edited(text: &str, edits: &[(prop::sample::Index, Edit)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (place, edit) in edits {
        let at = place.index(chars.len() + 1);
        let until = |length: &usize| (at + length).min(chars.len());
        match edit {
            Edit::Put(piece) => drop(chars.splice(at..at, PIECES[*piece].chars())),
            Edit::Cut(length) => drop(chars.drain(at..until(length))),
            Edit::Again(length) => {
                let again = chars[at..until(length)].to_vec();
                chars.splice(at..at, again);
            }
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_glance_at_a_damaged_record_says_what_reading_says_or_nothing(
        phases in 0..3_u32,
        edits in edits(),
    ) {
        let text = edited(&written(&full_record(phases)), &edits);
        let enough = is_enough(&text);
        prop_assert!(enough || !edits.is_empty());
    }

    #[test]
    fn a_glance_at_a_small_damaged_record_says_what_reading_says_or_nothing(edits in edits()) {
        is_enough(&edited(&written(&record("a")), &edits));
    }
}
