//! Flame graphs as interactive pictures (SVG) for browsers.

use std::io::{self, Write};

use inferno::flamegraph::{Options, from_lines};

use super::{Stacks, Unit, folded, shown};

#[derive(Debug)]
pub(crate) struct Titles {
    pub title: String,
    pub subtitle: String,
}

/// Writes a flame graph whose phases are in tree order, from left to right. It is an error if
/// [`Stacks::total`] is 0.
pub(crate) fn write(target: &mut dyn Write, titles: &Titles, stacks: &Stacks) -> io::Result<()> {
    // A flame chart keeps the order of lines, reversed.
    let lines: Vec<String> = stacks
        .entries
        .iter()
        .rev()
        .map(|stack| without_noncharacters(&folded::line(stack)))
        .collect();
    let mut options = Options::default();
    let (count_name, factor) = match stacks.unit {
        Unit::Nanoseconds => ("µs", 0.001),
        Unit::Bytes => ("bytes", 1.0),
        Unit::Count => ("times", 1.0),
    };
    count_name.clone_into(&mut options.count_name);
    options.factor = factor;
    options.title = without_noncharacters(&shown(&titles.title));
    options.subtitle = Some(without_noncharacters(&shown(&titles.subtitle)));
    "Phase:".clone_into(&mut options.name_type);
    options.flame_chart = true;
    // A phase has the same colour in every picture.
    options.deterministic = true;
    options.pretty_xml = true;
    let mut picture = Vec::new();
    from_lines(&mut options, lines.iter().map(String::as_str), &mut picture)?;
    picture.push(b'\n');
    target.write_all(&picture)
}

/// XML cannot contain these two characters, even escaped.
fn without_noncharacters(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
