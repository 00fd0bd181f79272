//! What is written is read back by the programs that it is for, as far as they are libraries.

use std::io::Write as _;

use inferno::differential;
use roxmltree::{Document, ParsingOptions};

use super::export;
use crate::in_process::data;

/// A flame graph's frames: the title of each, such as `html (1,200 µs, 30.00%)`.
pub(super) fn frames(picture: &str) -> Vec<String> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(picture, options).expect("the picture is XML");
    let titles = document.descendants().filter(|node| node.has_tag_name("title"));
    titles.filter_map(|node| node.text()).map(str::to_owned).collect()
}

/// What inferno draws of folded stacks.
pub(super) fn drawn(folded: &str) -> String {
    let mut options = inferno::flamegraph::Options::default();
    let mut picture = Vec::new();
    inferno::flamegraph::from_lines(&mut options, folded.lines(), &mut picture).unwrap();
    String::from_utf8(picture).unwrap()
}

#[test]
fn inferno_draws_the_folded_stacks_with_their_sums() {
    let (folded, _) = export(&data("traced"), &["folded", "--value", "build-thread"]);
    let frames = frames(&drawn(&folded));
    for expected in [
        "all (60,000,000 samples, 100%)",
        "load (9,000,250 samples, 15.00%)",
        "render (40,000,000 samples, 66.67%)",
        "page (38,000,000 samples, 63.33%)",
        "html (32,000,001 samples, 53.33%)",
        "unattributed (4,999,750 samples, 8.33%)",
    ] {
        assert!(frames.iter().any(|frame| frame == expected), "{expected}: {frames:?}");
    }
    assert_eq!(frames.len(), 7);
}

#[test]
fn inferno_compares_the_stacks_of_two_builds() {
    let folded = |build| export(&data("site"), &["folded", build, "--value", "alloc"]).0;
    let files = [folded("-1"), folded("-2")].map(|text| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    });
    let mut both = Vec::new();
    let [before, after] = files.each_ref().map(tempfile::NamedTempFile::path);
    differential::from_files(differential::Options::default(), before, after, &mut both).unwrap();
    let both = String::from_utf8(both).unwrap();
    let stack = |text: &str, stack: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(stack)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    for name in ["load", "page;html", "unattributed"] {
        let expected =
            format!("{name} {} {}", stack(&folded("-1"), name), stack(&folded("-2"), name));
        assert!(both.lines().any(|line| line == expected), "{expected}:\n{both}");
    }
}

#[test]
fn a_flame_graph_is_drawn_in_the_order_of_the_tree_with_times_in_microseconds() {
    let (picture, _) = export(&data("traced"), &["flamegraph", "--value", "build-thread"]);
    let frames = frames(&picture);
    let place = |expected: &str| {
        let place = frames.iter().position(|frame| frame == expected);
        place.unwrap_or_else(|| panic!("{expected}: {frames:?}"))
    };
    let load = place("load (9,000 µs, 15.00%)");
    let render = place("render (40,000 µs, 66.67%)");
    let rest = place("unattributed (5,000 µs, 8.33%)");
    assert!(load < render && render < rest, "{frames:?}");
    assert!(picture.contains("static-site: build thread, sums of self time"));
}
