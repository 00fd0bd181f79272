//! Text from a history made harmless for where it goes: nothing in it acts on a terminal, in
//! Markdown, in a spreadsheet, or in JSON that is looked at on a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether a character acts on a terminal rather than being shown: control characters, those
/// that change the direction of text or break lines, and those that cannot be seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text for a terminal, and the ground of all other formats: what acts is written as `\n` or
/// `\u{1b}`.
pub(crate) fn terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.extend(c.escape_debug()),
            c if acts(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Text for a terminal that takes at most `width` columns; what is cut off is an ellipsis.
pub(crate) fn terminal_within(text: &str, width: usize) -> Cow<'_, str> {
    // What is far too long is cut before any work is done on it.
    let text = match text.char_indices().nth(far_beyond(width)) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let safe = terminal(text);
    if safe.width() <= width {
        return safe;
    }
    let mut cut: String = within(safe.chars(), width).collect();
    if width > 0 {
        cut.push('…');
    }
    Cow::Owned(cut)
}

/// The end of a text for a terminal that takes at most `width` columns; what comes before it is an
/// ellipsis.
pub(crate) fn terminal_end_within(text: &str, width: usize) -> Cow<'_, str> {
    let text = match text.char_indices().nth_back(far_beyond(width)) {
        Some((start, _)) => &text[start..],
        None => text,
    };
    let safe = terminal(text);
    if safe.width() <= width {
        return safe;
    }
    let mut end: Vec<char> = within(safe.chars().rev(), width).collect();
    if width > 0 {
        end.push('…');
    }
    Cow::Owned(end.into_iter().rev().collect())
}

/// More characters than `width` columns can show, whatever they are.
fn far_beyond(width: usize) -> usize {
    width.saturating_mul(4).saturating_add(64)
}

/// As many of them as leave room for an ellipsis.
fn within(chars: impl Iterator<Item = char>, width: usize) -> impl Iterator<Item = char> {
    let mut room = width.saturating_sub(1);
    chars.take_while(move |c| {
        let columns = c.width().unwrap_or(0);
        let fits = columns <= room;
        room = room.saturating_sub(columns);
        fits
    })
}

/// Text for a cell or a line of Markdown: no markup, no HTML, no end of a cell, no mention.
pub(crate) fn markdown(text: &str) -> String {
    let text = terminal(text);
    let mut safe = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_inside_word =
            before.is_alphanumeric() && rest.peek().is_some_and(|after| after.is_alphanumeric());
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '_' if is_inside_word => safe.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '#' | '$' | '@' => {
                safe.push('\\');
                safe.push(c);
            }
            // Without these, bare addresses become links.
            ':' if rest.peek() == Some(&'/') => safe.push_str("&#58;"),
            '.' if before.eq_ignore_ascii_case(&'w') => safe.push_str("&#46;"),
            _ => safe.push(c),
        }
        before = c;
    }
    safe
}

/// Text for a cell of CSV: no formula, and nothing that acts where the file is looked at.
/// Quotes and commas are up to the writer of the file.
pub(crate) fn csv(text: &str) -> Cow<'_, str> {
    // A spreadsheet passes over blanks before a formula.
    if text.trim_start().starts_with(FORMULA) || text.starts_with(FORMULA) {
        return Cow::Owned(format!("'{}", terminal(text)));
    }
    terminal(text)
}

/// Writes JSON, laid out over lines, in which everything that acts on a terminal is written as
/// `\u001b`. It reads as the same value.
pub(crate) fn write_json(target: &mut dyn io::Write, value: &impl Serialize) -> io::Result<()> {
    write_with(target, value, PrettyFormatter::new())?;
    target.write_all(b"\n")
}

/// The same on one line, whose end is up to the caller.
pub(crate) fn write_json_line(
    target: &mut dyn io::Write,
    value: &impl Serialize,
) -> io::Result<()> {
    write_with(target, value, CompactFormatter)
}

fn write_with(
    target: &mut dyn io::Write,
    value: &impl Serialize,
    layout: impl Formatter,
) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(target, Careful(layout));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// A layout of JSON in which nothing acts.
struct Careful<F>(F);

macro_rules! hand_on {
    ($($name:ident($($argument:ident: $type:ty),*);)+) => {
        $(
            fn $name<W: io::Write + ?Sized>(
                &mut self,
                writer: &mut W,
                $($argument: $type),*
            ) -> io::Result<()> {
                self.0.$name(writer, $($argument),*)
            }
        )+
    };
}

impl<F: Formatter> Formatter for Careful<F> {
    hand_on! {
        begin_array();
        end_array();
        begin_array_value(is_first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(is_first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !fragment.contains(acts) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut safe = String::new();
        for c in fragment.chars() {
            if acts(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(safe, "\\u{unit:04x}");
                }
            } else {
                safe.push(c);
            }
        }
        writer.write_all(safe.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out() {
        assert_eq!(terminal("plain\\text 'é' 日本"), "plain\\text 'é' 日本");
        assert_eq!(terminal("\u{1b}[31mred\u{9b}0m"), "\\u{1b}[31mred\\u{9b}0m");
        assert_eq!(terminal("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(terminal("\u{202e}txt.exe"), "\\u{202e}txt.exe");
        assert_eq!(terminal("bell\u{7}\u{7f}\u{200b}"), "bell\\u{7}\\u{7f}\\u{200b}");
    }

    #[test]
    fn what_is_too_wide_is_cut() {
        assert_eq!(terminal_within("abcd", 4), "abcd");
        assert_eq!(terminal_within("abcde", 4), "abc…");
        assert_eq!(terminal_within("日本語", 4), "日…");
        assert_eq!(terminal_within("ab", 0), "");
        assert_eq!(terminal_within(&"x".repeat(10_000), 5), "xxxx…");
    }

    #[test]
    fn of_what_is_too_wide_the_end_is_kept_where_it_says_more() {
        assert_eq!(terminal_end_within("abcd", 4), "abcd");
        assert_eq!(terminal_end_within("abcde", 4), "…cde");
        assert_eq!(terminal_end_within("日本語", 4), "…語");
        assert_eq!(terminal_end_within("ab", 0), "");
        assert_eq!(
            terminal_end_within(&format!("{}\u{1b}[0m", "x".repeat(10_000)), 9),
            "…u{1b}[0m"
        );
    }

    #[test]
    fn markdown_has_no_markup_of_a_name() {
        assert_eq!(markdown("write_file a-b 1.5"), "write_file a-b 1.5");
        assert_eq!(markdown("_x_ **y** `z`"), "\\_x\\_ \\*\\*y\\*\\* \\`z\\`");
        assert_eq!(markdown("a|b\n<script>&"), "a\\|b\\\\n&lt;script&gt;&amp;");
        assert_eq!(markdown("[x](http://y) @me"), "\\[x\\](http&#58;//y) \\@me");
    }

    #[test]
    fn csv_has_no_formulas() {
        assert_eq!(csv("=cmd()"), "'=cmd()");
        assert_eq!(csv(" \t@SUM(A1)"), "' \\t@SUM(A1)");
        assert_eq!(csv("-1"), "'-1");
        assert_eq!(csv("render/a=b"), "render/a=b");
    }

    fn json(text: &str) -> String {
        let mut bytes = Vec::new();
        write_json(&mut bytes, &[text]).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_says_the_same_without_acting() {
        assert_eq!(
            json("\u{9b}\u{202e}\u{e0041}\"é"),
            "[\n  \"\\u009b\\u202e\\udb40\\udc41\\\"é\"\n]\n"
        );
    }

    proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

        #[test]
        fn nothing_acts_in_any_format(text in any::<String>(), width in 0..40_usize) {
            prop_assert!(!terminal(&text).contains(acts));
            let cut = terminal_within(&text, width);
            prop_assert!(!cut.contains(acts) && cut.width() <= width);
            let markdown = markdown(&text);
            prop_assert!(!markdown.contains(acts) && !markdown.contains(['<', '>']));
            let csv = csv(&text);
            prop_assert!(!csv.contains(acts) && !csv.trim_start().starts_with(FORMULA));
            let json = json(&text);
            prop_assert!(!json.replace('\n', "").contains(acts));
            let mut line = Vec::new();
            write_json_line(&mut line, &[&text]).unwrap();
            let line = String::from_utf8(line).unwrap();
            prop_assert!(!line.contains(acts) && !line.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&line).unwrap(), [text.clone()]);
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
        }
    }
}
