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
        if columns.is_empty() {
            return;
        }
        let mut push = |cells: Vec<String>| text.extend(["| ", &cells.join(" | "), " |\n"]);
        let heading =
            |(index, writing): &(usize, Writing)| short(&writing.heading(&self.columns[*index]));
        let alignment =
            |writing: &Writing| if writing.is_on_the_left() { ":--" } else { "--:" }.to_owned();
        push(columns.iter().map(heading).collect());
        push(columns.iter().map(|(_, writing)| alignment(writing)).collect());
        for row in &self.rows {
            let cell = |(index, writing): &(usize, Writing)| match &row.cells[*index].content {
                Content::Absent => String::new(),
                Content::Flag(flag) => flag_name(*flag).to_owned(),
                Content::Number(number) => writing.number(*number).trim_end().to_owned(),
                // Indentation replaces tree lines, because the font is not monospaced.
                Content::Text { shown, lines, .. } => {
                    "&nbsp;".repeat(lines.chars().count()) + &short(shown)
                }
            };
            push(columns.iter().map(cell).collect());
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => escape::markdown(&text[..end]) + "…",
        None => escape::markdown(text),
    }
}
