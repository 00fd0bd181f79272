//! Stacks for flame graphs: folded, as Brendan Gregg's `flamegraph.pl` and `inferno` read them (a line
//! for each stack, with its frames joined by `;`, a blank and the value), and drawn by `inferno`.

use std::io::{self, Write};

use inferno::flamegraph::{Options, from_lines};

use super::{Stack, Stacks, Unit, shown};

pub(crate) fn write_folded(target: &mut dyn Write, stacks: &Stacks) -> io::Result<()> {
    for stack in &stacks.entries {
        writeln!(target, "{}", line(stack))?;
    }
    Ok(())
}

/// A stack as a line, without the newline.
fn line(stack: &Stack) -> String {
    let frames: Vec<String> = stack.frames.iter().map(|name| frame(name)).collect();
    let mut text = frames.join(";");
    // A line that starts with # would be a comment.
    if text.starts_with('#') {
        text.insert(0, '_');
    }
    // Two numbers would be read as the values of two profiles.
    if let Some(blank) = text.rfind(char::is_whitespace)
        && text[blank..].trim_start().chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        let after = blank + text[blank..].chars().next().map_or(0, char::len_utf8);
        text.replace_range(blank..after, "_");
    }
    format!("{text} {}", stack.value)
}

/// A name without the separator, and without leading and trailing blanks, which readers ignore.
fn frame(name: &str) -> String {
    shown(name.trim()).replace(';', ":")
}

#[derive(Debug)]
pub(crate) struct Titles {
    pub title: String,
    pub subtitle: String,
}

/// Writes a flame graph whose phases are in tree order, from left to right. It is an error if
/// [`Stacks::total`] is 0.
pub(crate) fn write_flamegraph(
    target: &mut dyn Write,
    titles: &Titles,
    stacks: &Stacks,
) -> io::Result<()> {
    // A flame chart keeps the order of lines, reversed.
    let lines: Vec<String> =
        stacks.entries.iter().rev().map(|stack| without_noncharacters(&line(stack))).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(frames: &[&str]) -> String {
        line(&Stack { frames: frames.iter().map(|&name| name.to_owned()).collect(), value: 5 })
    }

    #[test]
    fn a_line_has_one_number_and_as_many_frames_as_the_stack() {
        assert_eq!(line_of(&["render", "page"]), "render;page 5");
        assert_eq!(line_of(&["a;b", "c d"]), "a:b;c d 5");
        assert_eq!(line_of(&["page 12"]), "page_12 5");
        assert_eq!(line_of(&["page 12", "x"]), "page 12;x 5");
        assert_eq!(line_of(&["page", "1.5 2"]), "page;1.5_2 5");
        assert_eq!(line_of(&["# note", ""]), "_# note;(unnamed) 5");
        assert_eq!(line_of(&[" a\u{1b}[2J ", "b\nc 7"]), "a\\u{1b}[2J;b\\nc_7 5");
        assert_eq!(line_of(&["a\u{a0}1"]), "a_1 5");
    }
}
