//! Names from a history never act: not on a terminal, not in Markdown, not in a spreadsheet.

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

use crate::in_process::{Terminal, data, run};

const COMMANDS: [&[&str]; 16] = [
    &[],
    &["--chart"],
    &["--chart", "--tool", "a|b|c"],
    &["--chart", "--tool", "\u{1b}[31mred\u{1b}[0m"],
    &["show", "-1"],
    &["show", "-2"],
    &["show", "-3"],
    &["show", "-4"],
    &["show", "-3", "--allocators"],
    &["compare", "-3", "-1"],
    &["compare", "-2", "label:+1+1"],
    &["doctor"],
    &["check"],
    &["check", "--candidate", "-3"],
    &["trend"],
    &["check", "--candidate", "-2", "--baseline", "label:+1+1"],
];

/// What acts on a terminal.
pub(crate) fn acts(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn output(words: &[&str], format: &str, terminal: Terminal) -> (String, String) {
    let words: Vec<&str> = words.iter().copied().chain(["--format", format]).collect();
    let output = run(&data("hostile"), &words, terminal);
    (output.out, output.err)
}

#[test]
fn control_characters_are_escaped_in_every_format() {
    for words in COMMANDS {
        for format in ["table", "json", "csv", "markdown"] {
            for width in [20, 80, 160] {
                let (out, err) = output(words, format, Terminal { width, color: false });
                assert!(!out.is_empty(), "{words:?} says nothing");
                assert!(!out.contains(acts), "{words:?} {format}: {out:?}");
                assert!(!err.contains(acts), "{words:?} {format}: {err:?}");
            }
        }
    }
}

#[test]
fn colours_are_the_only_sequences_on_a_terminal() {
    for words in COMMANDS {
        let (out, _) = output(words, "table", Terminal { width: 80, color: true });
        for sequence in out.split('\u{1b}').skip(1) {
            let (codes, _) = sequence.split_once('m').expect("a sequence ends");
            let is_style = |c: char| c.is_ascii_digit() || c == ';';
            assert!(
                codes.strip_prefix('[').is_some_and(|code| code.chars().all(is_style)),
                "{codes:?}"
            );
        }
        let plain = anstream::adapter::strip_str(&out).to_string();
        assert!(!plain.contains(acts), "{words:?}: {plain:?}");
    }
}

#[test]
fn long_names_and_deep_trees_leave_no_line_too_wide() {
    for words in COMMANDS {
        let (out, _) = output(words, "table", Terminal { width: 80, color: false });
        let widest = out.lines().map(unicode_width::UnicodeWidthStr::width).max();
        assert!(widest <= Some(80), "{words:?}:\n{out}");
    }
}

#[test]
fn markdown_has_no_html_no_links_and_no_more_cells_than_columns() {
    let expected = "<script>alert(1)<script>";
    let mut seen = false;
    for words in COMMANDS {
        let (out, _) = output(words, "markdown", Terminal { width: 80, color: false });
        // The fold is ours, and the only HTML that there may be.
        let out = ["<details>\n<summary>", "</summary>\n", "</details>\n"]
            .iter()
            .fold(out, |out, fold| out.replacen(fold, "\n", 1));
        let (mut columns, mut cells, mut fences) = (None, 0, 0);
        for event in Parser::new_ext(&out, Options::all()) {
            match event {
                Event::Html(html) | Event::InlineHtml(html) => panic!("{words:?}: HTML {html:?}"),
                Event::Code(code) => panic!("{words:?}: code {code:?}"),
                Event::InlineMath(math) | Event::DisplayMath(math) => panic!("{words:?}: {math:?}"),
                Event::Start(
                    tag @ (Tag::Link { .. }
                    | Tag::Image { .. }
                    | Tag::Heading { .. }
                    | Tag::Emphasis
                    | Tag::Strikethrough
                    | Tag::HtmlBlock),
                ) => panic!("{words:?}: {tag:?}"),
                // A chart's, which ends where it should: what follows is no part of it.
                Event::Start(Tag::CodeBlock(_)) => fences += 1,
                Event::Start(Tag::TableHead | Tag::TableRow) => cells = 0,
                Event::Start(Tag::TableCell) => cells += 1,
                Event::End(pulldown_cmark::TagEnd::TableHead) => columns = Some(cells),
                Event::End(pulldown_cmark::TagEnd::TableRow) => {
                    assert_eq!(Some(cells), columns, "{words:?}");
                }
                _ => {}
            }
        }
        assert_eq!(fences, usize::from(words.contains(&"--chart")), "{words:?}");
        let text: String = Parser::new_ext(&out, Options::all())
            .filter_map(|event| match event {
                Event::Text(text) => Some(text.into_string()),
                _ => None,
            })
            .collect();
        seen |= text.contains(expected);
    }
    assert!(seen, "the names are there as they are written");
}

#[test]
fn no_cell_of_csv_is_a_formula() {
    for words in COMMANDS {
        let (out, _) = output(words, "csv", Terminal { width: 80, color: false });
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(out.as_bytes());
        let mut formulas = 0;
        for record in reader.records() {
            for cell in &record.expect("each row has all of its cells") {
                let is_number = cell.parse::<f64>().is_ok();
                let begins = cell.trim_start().starts_with(['=', '+', '-', '@']);
                assert!(is_number || !begins, "{words:?}: {cell:?}");
                formulas += usize::from(cell.contains("=cmd()"));
            }
        }
        assert!(
            formulas > 0
                || ["doctor", "--chart", "check", "trend"].contains(words.first().unwrap_or(&"")),
            "{words:?}: the names are there"
        );
    }
}

#[test]
fn json_has_the_names_unchanged() {
    let (out, _) = output(&["show", "-3"], "json", Terminal { width: 80, color: false });
    let record: Value = serde_json::from_str(&out).unwrap();
    let history = std::fs::read_to_string(data("hostile").join("history.jsonl")).unwrap();
    let line: Value = serde_json::from_str(history.lines().nth(1).unwrap()).unwrap();
    assert_eq!(record["labels"], line["labels"]);
    assert_eq!(record["tool"], line["tool"]);
    let paths = |of: &Value| -> Vec<Value> {
        of["phases"].as_array().unwrap().iter().map(|phase| phase["path"].clone()).collect()
    };
    assert_eq!(paths(&record), paths(&line));
}
