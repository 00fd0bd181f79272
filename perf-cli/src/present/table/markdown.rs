//! Tables in Markdown (GFM).

use crate::present::escape;

use super::{Content, Table, Writing, flag_name};

/// Longer text is cut.
const MAX_LENGTH: usize = 120;

impl Table {
    pub(crate) fn push_markdown(&self, text: &mut String) {
        let columns = self.shown().into_iter().map(|index| (index, self.writing(index)));
        let columns: Vec<_> =
            columns.filter(|(_, writing)| !matches!(writing, Writing::Bar)).collect();
        let mut line = |cells: &mut dyn Iterator<Item = String>| {
            text.push('|');
            for cell in cells {
                for part in [" ", &cell, " |"] {
                    text.push_str(part);
                }
            }
            text.push('\n');
        };
        let heading = |index: usize, writing: &Writing| writing.heading(&self.columns[index]);
        line(&mut columns.iter().map(|(at, writing)| short(&heading(*at, writing))));
        line(&mut columns.iter().map(|(_, writing)| {
            if writing.is_on_the_left() { ":--".to_owned() } else { "--:".to_owned() }
        }));
        for row in &self.rows {
            line(&mut columns.iter().map(|(at, writing)| match &row.cells[*at].content {
                Content::Absent => String::new(),
                Content::Flag(flag) => flag_name(*flag).to_owned(),
                Content::Number(number) => writing.number(*number).trim_end().to_owned(),
                Content::Text { shown, lines, .. } if lines.is_empty() => short(shown),
                // Indentation replaces tree lines, because the font is not monospaced.
                Content::Text { shown, lines, .. } => {
                    "&nbsp;".repeat(lines.chars().count()) + &short(shown)
                }
            }));
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => escape::markdown(&text[..end]) + "…",
        None => escape::markdown(text),
    }
}
