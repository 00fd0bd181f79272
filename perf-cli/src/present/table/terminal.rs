//! Tables on a terminal: as many columns as fit, with aligned numbers.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use crate::present::escape;
use crate::present::style::{DIM, PLAIN, Span};

use super::{Cell, Content, Table, Writing, flag_name};

/// Blanks between two columns.
const GAP: usize = 2;
/// Longer text is cut.
const MAX_WIDTH: usize = 60;
/// Longer prose is cut.
const MAX_PROSE_WIDTH: usize = 600;

struct Shown {
    index: usize,
    writing: Writing,
    heading: String,
    /// The cells that are numbers, formatted.
    numbers: Vec<Option<String>>,
    min_width: usize,
    /// The width that shows everything.
    full_width: usize,
    width: usize,
}

type CellLines = Vec<Vec<Span>>;

impl Table {
    /// Appends the table, with styles, for a terminal of `width` columns.
    pub(crate) fn push_terminal(&self, width: usize, text: &mut String) {
        let columns = self.fitting(width);
        if columns.is_empty() {
            return;
        }
        let heading = |column: &Shown| {
            vec![vec![Span::new(escape::terminal_within(&column.heading, column.width), DIM)]]
        };
        let mut rows: Vec<Vec<CellLines>> = vec![columns.iter().map(heading).collect()];
        for (number, row) in self.rows.iter().enumerate() {
            let lines = |column: &Shown| {
                let cell = &row.cells[column.index];
                let style = if cell.style == PLAIN { row.style } else { cell.style };
                cell.lines(column, number, style)
            };
            rows.push(columns.iter().map(lines).collect());
        }
        let widest = |index: usize| {
            let lines = rows.iter().flat_map(|row| &row[index]);
            lines.map(|line| width_of(line)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.len()).map(widest).collect();
        for (number, row) in rows.iter().enumerate() {
            let height = row.iter().map(Vec::len).max().unwrap_or(0).max(1);
            for line in 0..height {
                let start = text.len();
                for ((cell, column), width) in row.iter().zip(&columns).zip(&widths) {
                    let spans = cell.get(line).map_or(&[][..], Vec::as_slice);
                    let blanks = width - width_of(spans);
                    let (before, after) =
                        if column.writing.is_on_the_left() { (0, blanks) } else { (blanks, 0) };
                    text.extend(std::iter::repeat_n(' ', before));
                    for span in spans {
                        span.push_terminal(text);
                    }
                    text.extend(std::iter::repeat_n(' ', after + GAP));
                }
                text.truncate(start + text[start..].trim_end().len());
                text.push('\n');
            }
            if number == 0 {
                let all: usize = columns.iter().map(|column| column.width + GAP).sum();
                Span::dim("─".repeat(all - GAP)).push_terminal(text);
                text.push('\n');
            }
        }
    }

    /// The columns that fit, with their widths.
    fn fitting(&self, width: usize) -> Vec<Shown> {
        let mut columns: Vec<Shown> =
            self.shown().into_iter().map(|index| self.measure(index)).collect();
        let needed =
            |columns: &[Shown]| columns.iter().map(|column| column.min_width + GAP).sum::<usize>();
        while needed(&columns) > width + GAP {
            let ranks = columns.iter().enumerate();
            let ranks = ranks.map(|(at, column)| (self.columns[column.index].rank, at));
            match ranks.max() {
                Some((rank, at)) if rank > 0 => columns.remove(at),
                _ => break,
            };
        }
        let mut left = (width + GAP).saturating_sub(needed(&columns));
        // The remaining width is distributed evenly among the columns that need more.
        while left > 0 {
            let narrow = columns.iter_mut().filter(|column| column.width < column.full_width);
            let given = narrow.take(left).map(|column| column.width += 1).count();
            if given == 0 {
                break;
            }
            left -= given;
        }
        columns
    }

    fn measure(&self, index: usize) -> Shown {
        let writing = self.writing(index);
        let heading = writing.heading(&self.columns[index]);
        let cells = || self.rows.iter().map(|row| &row.cells[index]);
        let number = |cell: &Cell| cell.as_number().map(|number| writing.number(number));
        let numbers: Vec<Option<String>> = cells().map(number).collect();
        let max_width = if writing.is_prose() { MAX_PROSE_WIDTH } else { MAX_WIDTH };
        let widths = cells().zip(&numbers);
        let widest = widths.map(|(cell, number)| cell.width(number.as_deref(), max_width)).max();
        let full_width = widest.unwrap_or(0).max(escape::terminal_within(&heading, 24).width());
        let min_width = match &writing {
            Writing::Text(least, _) => full_width.min(*least),
            _ => full_width,
        };
        Shown { index, writing, heading, numbers, min_width, full_width, width: min_width }
    }
}

fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(Span::width).sum()
}

impl Cell {
    fn width(&self, number: Option<&str>, max_width: usize) -> usize {
        match (&self.content, number) {
            (_, Some(number)) => number.width(),
            (Content::Text { shown, lines, .. }, None) => {
                lines.width() + escape::terminal_within(shown, max_width).width()
            }
            (Content::Flag(flag), None) => flag_name(*flag).len(),
            _ => 0,
        }
    }

    fn lines(&self, column: &Shown, row: usize, style: Style) -> CellLines {
        let styled = |text: &str| vec![Span::new(text, style)];
        match (&self.content, &column.numbers[row]) {
            (_, Some(number)) => {
                let digits = number.trim_end();
                let blanks = Span::plain(&number[digits.len()..]);
                vec![vec![Span::new(digits, style), blanks]]
            }
            (Content::Text { shown, .. }, None) if column.writing.is_prose() => {
                let text = escape::terminal_within(shown, MAX_PROSE_WIDTH);
                textwrap::wrap(&text, column.width).iter().map(|line| styled(line)).collect()
            }
            (Content::Text { shown, lines, .. }, None) => {
                let lines = escape::terminal_within(lines, column.width / 2);
                let text = column.writing.fit(shown, column.width - lines.width());
                vec![vec![Span::dim(lines), Span::new(text, style)]]
            }
            (Content::Flag(flag), None) => vec![styled(flag_name(*flag))],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::present::table::{Cell, Column, Kind, Row, Table};

    fn table() -> Table {
        let row = |name: &str, time: Option<f64>, bytes: f64, note: &str| Row {
            cells: vec![
                Cell::text(name),
                Cell::number(time),
                Cell::number(bytes),
                Cell::text(note),
                Cell::absent(),
            ],
            ..Row::default()
        };
        Table {
            columns: vec![
                Column::new("name", "name", Kind::Text { least: 6 }, 0),
                Column::new("time_ms", "time", Kind::Time, 1),
                Column::new("bytes", "size", Kind::Bytes, 2),
                Column::new("note", "note", Kind::Text { least: 4 }, 3),
                Column::new("none", "none", Kind::Count, 1),
            ],
            rows: vec![
                row("a name of some length", Some(1234.5), 2048.0, "first"),
                row("b", None, 0.0, "the second"),
            ],
        }
    }

    fn at(width: usize) -> String {
        let mut text = String::new();
        table().push_terminal(width, &mut text);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn numbers_are_aligned_and_empty_columns_are_left_out() {
        assert_eq!(
            at(80),
            "name                   time ms  size KiB  note\n\
             ────────────────────────────────────────────────────\n\
             a name of some length  1,234.5      2.00  first\n\
             b                                   0     the second\n"
        );
    }

    #[test]
    fn the_least_important_columns_are_dropped_and_no_line_is_too_long() {
        let heading = |width| at(width).lines().next().unwrap_or_default().to_owned();
        assert_eq!(heading(40), "name         time ms  size KiB  note");
        assert_eq!(heading(30), "name         time ms  size KiB");
        assert_eq!(heading(18), "name       time ms");
        assert_eq!(heading(7), "name");
        for width in 6..100 {
            let widest = at(width).lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{width}");
        }
    }

    #[test]
    fn a_path_too_long_for_its_column_keeps_its_end() {
        let location = Cell::text("examples/static-site/src/documents/parse.rs:88");
        let table = Table {
            columns: vec![Column::new("place", "place", Kind::Ending { least: 8 }, 0)],
            rows: vec![Row { cells: vec![location], ..Row::default() }],
        };
        let mut text = String::new();
        table.push_terminal(14, &mut text);
        assert_eq!(text.lines().last(), Some("…s/parse.rs:88"));
    }
}
