//! Names from a history act in no format.

use roxmltree::{Document, ParsingOptions};
use serde_json::Value;

use super::{drawn, export, frames};
use crate::hostile::acts;
use crate::in_process::data;

const BUILDS: [&str; 4] = ["-1", "-2", "-3", "-4"];
const FORMATS: [&str; 6] =
    ["chrome-trace", "speedscope", "folded", "flamegraph", "csv", "prometheus"];

#[test]
fn exports_escape_control_characters() {
    for format in FORMATS {
        for build in BUILDS {
            let (out, err) = export(&data("hostile"), &[format, build]);
            assert!(!out.is_empty(), "{format} {build} says nothing");
            assert!(!out.contains(acts), "{format} {build}");
            assert!(!err.contains(acts), "{format} {build}: {err:?}");
        }
    }
}

#[test]
fn no_name_breaks_a_line_of_folded_stacks_or_takes_its_number() {
    let of_build = |build| [build, "alloc"];
    for [build, value] in BUILDS.map(of_build).into_iter().chain([["-3", "alloc-places"]]) {
        let (folded, _) = export(&data("hostile"), &["folded", build, "--value", value]);
        let mut total = 0;
        for line in folded.lines() {
            let (stack, value) = line.rsplit_once(' ').expect("a line has a number");
            total += value.parse::<u64>().expect("it is whole");
            assert!(stack.split(';').all(|frame| !frame.trim().is_empty()), "{line:?}");
        }
        let all = frames(&drawn(&folded));
        let grouped = all.iter().find(|frame| frame.starts_with("all (")).unwrap();
        let digits: String = grouped.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, format!("{total}100"), "all lines are read: {grouped}");
    }
}

#[test]
fn a_flame_graph_has_no_elements_of_a_name() {
    for build in BUILDS {
        let words = ["flamegraph", build, "--value", "alloc"];
        let (picture, _) = export(&data("hostile"), &words);
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&picture, options).expect("it is XML");
        let number =
            |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
        assert_eq!(number("script"), 1, "inferno's own");
        assert_eq!(number("a") + number("image") + number("foreignObject"), 0);
        let attributes = document.descendants().flat_map(|node| node.attributes());
        let handlers = attributes.filter(|attribute| attribute.name().starts_with("on"));
        assert!(handlers.map(|attribute| attribute.value()).eq(["init(evt)"]));
        assert!(picture.contains("&lt;script&gt;"), "the names are there");
    }
}

#[test]
fn json_is_valid_and_harmless_names_are_unchanged() {
    for build in BUILDS {
        for format in ["chrome-trace", "speedscope"] {
            let (out, _) = export(&data("hostile"), &[format, build]);
            let value: Value = serde_json::from_str(&out).expect("it is JSON");
            assert!(value.is_object());
            assert!(out.contains("=cmd()") && out.contains("<script>"), "the names are there");
            // Nothing had to be escaped by JSON alone: it would act once it is read.
            assert_eq!(out.find("\\u00").or(out.find("\\u2")), None, "{format} {build}");
        }
    }
}

#[test]
fn no_label_ends_a_line_of_gauges() {
    for build in BUILDS {
        let (out, _) = export(&data("hostile"), &["prometheus", build]);
        let mut samples = 0;
        for line in out.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once('{').expect("each sample has labels");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name:?}");
            // Labels end where a quote that is not escaped is followed by a brace.
            let (mut in_quotes, mut escaped, mut end) = (false, false, None);
            for (at, c) in rest.char_indices() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' if in_quotes => escaped = true,
                    '"' => in_quotes = !in_quotes,
                    '}' if !in_quotes => {
                        end = Some(at);
                        break;
                    }
                    _ => {}
                }
            }
            let value = rest[end.expect("the labels end") + 1..].trim();
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line:?}");
            samples += 1;
        }
        assert!(samples > 100, "{samples}");
        assert!(!out.contains("01a2ffff"), "no series is of one build alone");
    }
}

#[test]
fn no_cell_of_a_spreadsheet_is_a_formula() {
    let (out, _) = export(&data("hostile"), &["csv", "--last", "4"]);
    let mut rows = 0;
    for record in csv::Reader::from_reader(out.as_bytes()).records() {
        rows += 1;
        for cell in &record.expect("each row has all of its cells") {
            let begins = cell.trim_start().starts_with(['=', '+', '-', '@']);
            assert!(cell.parse::<f64>().is_ok() || !begins, "{cell:?}");
        }
    }
    assert_eq!(rows, 4 * 29);
}
