//! The few colours there are. They are of the basic sixteen and none is black, white or bright, so
//! that all can be read on a light and on a dark ground.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::escape;

/// Text that is as any other.
pub(crate) const PLAIN: Style = Style::new();
/// What the reader looks for.
pub(crate) const STRONG: Style = Style::new().bold();
/// What the reader may pass over.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What got better.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What got worse or failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What needs attention.
pub(crate) const NOTICE: Style = AnsiColor::Magenta.on_default();
/// Bars and lines.
pub(crate) const ACCENT: Style = AnsiColor::Cyan.on_default();

/// A stretch of text of one style. The text may come from anywhere: it is escaped when written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// The text, as it came.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

impl Span {
    /// Text of a style.
    pub(crate) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    /// Plain text.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, PLAIN)
    }

    /// Text to pass over.
    pub(crate) fn dim(text: impl Into<String>) -> Self {
        Self::new(text, DIM)
    }

    /// How many columns it takes on a terminal.
    pub(crate) fn width(&self) -> usize {
        escape::terminal(&self.text).width()
    }

    pub(super) fn push_terminal(&self, line: &mut String) {
        push_styled(line, &escape::terminal(&self.text), self.style);
    }
}

/// Adds text that is escaped already.
pub(super) fn push_styled(line: &mut String, text: &str, style: Style) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = if style == PLAIN || text.is_empty() {
        line.write_str(text)
    } else {
        write!(line, "{style}{text}{style:#}")
    };
}
