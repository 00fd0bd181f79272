//! Escapes text from a history for each output format, so that it cannot control a terminal, act as
//! markup in Markdown or as a formula in a spreadsheet. JSON is escaped for terminals as well.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The characters that start a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether a terminal would interpret a character instead of showing it: control characters, those
/// that change the direction of text or break lines, and invisible ones.
fn needs_escaping(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text for a terminal, which all other formats build on: characters that need it are written as
/// `\n` or `\u{1b}`.
pub(crate) fn terminal(text: &str) -> Cow<'_, str> {
    if !text.contains(needs_escaping) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.extend(c.escape_debug()),
            c if needs_escaping(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Text for a terminal, cut to at most `width` columns with an ellipsis at the end.
pub(crate) fn terminal_within(text: &str, width: usize) -> Cow<'_, str> {
    // Very long text is cut first, to save work.
    let end = text.char_indices().nth(more_than(width)).map_or(text.len(), |(end, _)| end);
    let safe = terminal(&text[..end]);
    if safe.width() <= width {
        return safe;
    }
    Cow::Owned(with_ellipsis(safe.chars(), width).collect())
}

/// Text for a terminal, cut to at most `width` columns with an ellipsis at the start.
pub(crate) fn terminal_end_within(text: &str, width: usize) -> Cow<'_, str> {
    let start = text.char_indices().nth_back(more_than(width)).map_or(0, |(start, _)| start);
    let safe = terminal(&text[start..]);
    if safe.width() <= width {
        return safe;
    }
    let end: Vec<char> = with_ellipsis(safe.chars().rev(), width).collect();
    Cow::Owned(end.into_iter().rev().collect())
}

/// More characters than can fit in `width` columns.
fn more_than(width: usize) -> usize {
    width.saturating_mul(4).saturating_add(64)
}

/// The characters that fit into `width` columns together with an ellipsis, and the ellipsis.
fn with_ellipsis(chars: impl Iterator<Item = char>, width: usize) -> impl Iterator<Item = char> {
    let mut left = width.saturating_sub(1);
    let fitting = chars.take_while(move |c| {
        let columns = c.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    });
    fitting.chain((width > 0).then_some('…'))
}

/// Text for a cell or a line of Markdown, without markup, HTML, cell separators and mentions.
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
            // Bare URLs would become links.
            ':' if rest.peek() == Some(&'/') => safe.push_str("&#58;"),
            '.' if before.eq_ignore_ascii_case(&'w') => safe.push_str("&#46;"),
            _ => safe.push(c),
        }
        before = c;
    }
    safe
}

/// Text for a cell of CSV, escaped for terminals and without formulas. The CSV writer handles quotes
/// and commas.
pub(crate) fn csv(text: &str) -> Cow<'_, str> {
    // Spreadsheets ignore blanks before a formula.
    if text.trim_start().starts_with(FORMULA) || text.starts_with(FORMULA) {
        return Cow::Owned(format!("'{}", terminal(text)));
    }
    terminal(text)
}

/// Writes indented JSON in which all characters that need it are written as `\u001b`. It parses to the
/// same value.
pub(crate) fn write_json(target: &mut dyn io::Write, value: &impl Serialize) -> io::Result<()> {
    target.write_all(json(&serde_json::to_string_pretty(value)?).as_bytes())?;
    target.write_all(b"\n")
}

/// The same on one line, without the newline.
pub(crate) fn write_json_line(
    target: &mut dyn io::Write,
    value: &impl Serialize,
) -> io::Result<()> {
    target.write_all(json(&serde_json::to_string(value)?).as_bytes())
}

/// Escapes JSON: outside of strings, only the newlines of its layout would need it.
fn json(text: &str) -> Cow<'_, str> {
    let needs_escaping = |c| c != '\n' && needs_escaping(c);
    if !text.contains(needs_escaping) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if needs_escaping(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_are_escaped_for_terminals() {
        assert_eq!(terminal("plain\\text 'é' 日本"), "plain\\text 'é' 日本");
        assert_eq!(terminal("\u{1b}[31mred\u{9b}0m"), "\\u{1b}[31mred\\u{9b}0m");
        assert_eq!(terminal("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(terminal("\u{202e}txt.exe"), "\\u{202e}txt.exe");
        assert_eq!(terminal("bell\u{7}\u{7f}\u{200b}"), "bell\\u{7}\\u{7f}\\u{200b}");
    }

    #[test]
    fn text_that_is_too_wide_is_cut_at_either_end() {
        for (text, width, start, end) in [
            ("abcd", 4, "abcd", "abcd"),
            ("abcde", 4, "abc…", "…cde"),
            ("日本語", 4, "日…", "…語"),
            ("ab", 0, "", ""),
            (&"x".repeat(10_000), 5, "xxxx…", "…xxxx"),
            (&format!("{}\u{1b}[0m", "x".repeat(10_000)), 9, "xxxxxxxx…", "…u{1b}[0m"),
        ] {
            assert_eq!(terminal_within(text, width), start);
            assert_eq!(terminal_end_within(text, width), end);
        }
    }

    #[test]
    fn names_contain_no_markup_in_markdown() {
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

    fn json_of(text: &str) -> String {
        let mut bytes = Vec::new();
        write_json(&mut bytes, &[text]).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_is_escaped_for_terminals() {
        assert_eq!(
            json_of("\u{9b}\u{202e}\u{e0041}\"é"),
            "[\n  \"\\u009b\\u202e\\udb40\\udc41\\\"é\"\n]\n"
        );
    }

    proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

        #[test]
        fn no_format_contains_characters_that_need_escaping(text in any::<String>(), width in 0..40_usize) {
            prop_assert!(!terminal(&text).contains(needs_escaping));
            let cut = terminal_within(&text, width);
            prop_assert!(!cut.contains(needs_escaping) && cut.width() <= width);
            let markdown = markdown(&text);
            prop_assert!(!markdown.contains(needs_escaping) && !markdown.contains(['<', '>']));
            let csv = csv(&text);
            prop_assert!(!csv.contains(needs_escaping) && !csv.trim_start().starts_with(FORMULA));
            let json = json_of(&text);
            prop_assert!(!json.replace('\n', "").contains(needs_escaping));
            let mut line = Vec::new();
            write_json_line(&mut line, &[&text]).unwrap();
            let line = String::from_utf8(line).unwrap();
            prop_assert!(!line.contains(needs_escaping) && !line.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&line).unwrap(), [text.clone()]);
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
        }
    }
}
