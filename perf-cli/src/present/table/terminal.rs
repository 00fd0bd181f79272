//! A table on a terminal: as many of its columns as fit, numbers under each other.

use anstyle::Style;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style as Borders};
use unicode_width::UnicodeWidthStr;

use crate::present::escape;
use crate::present::style::{DIM, PLAIN, push_styled};

use super::{Cell, Content, Table, Writing, flag_name};

/// Blanks between two columns.
const GAP: usize = 2;

/// A column that is shown: its place, how its cells are written, and its width.
struct Shown {
    at: usize,
    writing: Writing,
    heading: String,
    /// The cells, those of numbers written.
    numbers: Vec<Option<String>>,
    /// What it takes at least, and to show all.
    least: usize,
    natural: usize,
}

impl Table {
    /// Writes the table for a terminal of so many columns, with styles in it.
    pub(crate) fn push_terminal(&self, width: usize, text: &mut String) {
        let columns = self.fitting(width);
        let mut builder = Builder::default();
        builder.push_record(columns.iter().map(|(column, room)| {
            let mut cell = String::new();
            push_styled(&mut cell, &escape::terminal_within(&column.heading, *room), DIM);
            cell
        }));
        for (number, row) in self.rows.iter().enumerate() {
            builder.push_record(columns.iter().map(|(column, room)| {
                let cell = &row.cells[column.at];
                let style = if cell.style == PLAIN { row.style } else { cell.style };
                match &cell.content {
                    Content::Text { shown, .. } if column.writing.is_prose() => {
                        paragraph(shown, *room, style)
                    }
                    _ => {
                        let written = column.numbers[number].as_deref();
                        cell.to_terminal(&column.writing, written, *room, style)
                    }
                }
            }));
        }
        let mut table = builder.build();
        table.with(Borders::empty()).with(Padding::new(0, GAP, 0, 0));
        for (place, (column, _)) in columns.iter().enumerate() {
            let side = if column.writing.is_on_the_left() {
                Alignment::left()
            } else {
                Alignment::right()
            };
            table.modify(Columns::one(place), side);
        }
        let all: usize = columns.iter().map(|(_, room)| room + GAP).sum();
        for (number, line) in table.to_string().lines().enumerate() {
            text.push_str(line.trim_end());
            text.push('\n');
            if number == 0 {
                push_styled(text, &"─".repeat(all.saturating_sub(GAP)), DIM);
                text.push('\n');
            }
        }
    }

    /// The columns that fit, and how wide each is.
    fn fitting(&self, width: usize) -> Vec<(Shown, usize)> {
        let mut columns: Vec<Shown> = self.shown().into_iter().map(|at| self.measure(at)).collect();
        let least = |columns: &[Shown]| columns.iter().map(|it| it.least + GAP).sum::<usize>();
        while least(&columns) > width + GAP {
            let ranks =
                columns.iter().enumerate().map(|(place, it)| (self.columns[it.at].rank, place));
            match ranks.max() {
                Some((rank, place)) if rank > 0 => columns.remove(place),
                _ => break,
            };
        }
        let mut room = (width + GAP).saturating_sub(least(&columns));
        let mut widths: Vec<usize> = columns.iter().map(|column| column.least).collect();
        // What is left is shared evenly among those that want it.
        while room > 0 {
            let wanting =
                columns.iter().zip(&mut widths).filter(|(it, width)| **width < it.natural);
            let given = wanting.take(room).map(|(_, width)| *width += 1).count();
            if given == 0 {
                break;
            }
            room -= given;
        }
        columns.into_iter().zip(widths).collect()
    }

    fn measure(&self, at: usize) -> Shown {
        let writing = self.writing(at);
        let heading = writing.heading(&self.columns[at]);
        let numbers: Vec<Option<String>> = self
            .rows
            .iter()
            .map(|row| row.cells[at].as_number().map(|number| writing.number(number)))
            .collect();
        let cells = self.rows.iter().zip(&numbers);
        let widest = if writing.is_prose() { WIDEST_PROSE } else { WIDEST };
        let natural =
            cells.map(|(row, number)| row.cells[at].width(number.as_deref(), widest)).max();
        let natural = natural.unwrap_or(0).max(escape::terminal_within(&heading, 24).width());
        let least = match &writing {
            Writing::Text(least, _) => natural.min(*least),
            _ => natural,
        };
        Shown { at, writing, heading, numbers, least, natural }
    }
}

/// Nobody looks for the end of a longer text on a terminal.
const WIDEST: usize = 60;
/// Nor reads longer sentences.
const WIDEST_PROSE: usize = 600;

/// Text on as many lines as it takes.
fn paragraph(text: &str, room: usize, style: Style) -> String {
    let text = escape::terminal_within(text, WIDEST_PROSE);
    let lines = textwrap::wrap(&text, room).into_iter().map(|line| {
        let mut styled = String::new();
        push_styled(&mut styled, &line, style);
        styled
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Cell {
    fn width(&self, number: Option<&str>, widest: usize) -> usize {
        match (&self.content, number) {
            (_, Some(number)) => number.width(),
            (Content::Text { shown, lines, .. }, None) => {
                lines.width() + escape::terminal_within(shown, widest).width()
            }
            (Content::Flag(flag), None) => flag_name(*flag).len(),
            _ => 0,
        }
    }

    fn to_terminal(
        &self,
        writing: &Writing,
        number: Option<&str>,
        room: usize,
        style: Style,
    ) -> String {
        let mut cell = String::new();
        match (&self.content, number) {
            (_, Some(number)) => {
                let digits = number.trim_end();
                push_styled(&mut cell, digits, style);
                cell.push_str(&number[digits.len()..]);
            }
            (Content::Text { shown, lines, .. }, None) => {
                let lines = escape::terminal_within(lines, room / 2);
                push_styled(&mut cell, &lines, DIM);
                let room = room - lines.width();
                push_styled(&mut cell, &writing.fit(shown, room), style);
            }
            (Content::Flag(flag), None) => push_styled(&mut cell, flag_name(*flag), style),
            _ => {}
        }
        cell
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
    fn numbers_are_aligned_and_columns_without_content_left_out() {
        assert_eq!(
            at(80),
            "name                   time ms  size KiB  note\n\
             ────────────────────────────────────────────────────\n\
             a name of some length  1,234.5      2.00  first\n\
             b                                   0     the second\n"
        );
    }

    #[test]
    fn what_matters_least_gives_way_and_no_line_is_too_long() {
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
        let place = Cell::text("examples/static-site/src/documents/parse.rs:88");
        let table = Table {
            columns: vec![Column::new("place", "place", Kind::Ending { least: 8 }, 0)],
            rows: vec![Row { cells: vec![place], ..Row::default() }],
        };
        let mut text = String::new();
        table.push_terminal(14, &mut text);
        assert_eq!(text.lines().last(), Some("…s/parse.rs:88"));
    }
}
