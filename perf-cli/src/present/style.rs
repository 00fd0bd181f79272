//! The colours of the output. They are among the basic sixteen and none is black, white or bright, so
//! that all are readable on light and dark backgrounds.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::escape;

pub(crate) const PLAIN: Style = Style::new();
/// The most important text.
pub(crate) const STRONG: Style = Style::new().bold();
/// The least important text.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Improvements.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Regressions and failures.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Warnings.
pub(crate) const NOTICE: Style = AnsiColor::Magenta.on_default();
/// Bars and lines.
pub(crate) const ACCENT: Style = AnsiColor::Cyan.on_default();

/// Text of one style. It may come from any source: it is escaped when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// Not escaped.
    pub text: String,
    pub style: Style,
}

impl From<String> for Span {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

impl Span {
    pub(crate) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, PLAIN)
    }

    pub(crate) fn dim(text: impl Into<String>) -> Self {
        Self::new(text, DIM)
    }

    /// Its width on a terminal, in columns.
    pub(crate) fn width(&self) -> usize {
        escape::terminal(&self.text).width()
    }

    /// Appends it, escaped, to a line for a terminal.
    pub(super) fn push_terminal(&self, line: &mut String) {
        let (text, style) = (escape::terminal(&self.text), self.style);
        if style == PLAIN || text.is_empty() {
            line.push_str(&text);
        } else {
            line.extend([&style.to_string(), &*text, &format!("{style:#}")]);
        }
    }
}
