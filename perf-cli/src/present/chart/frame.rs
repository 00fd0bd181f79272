//! The axes around a picture: values on the left, dates at the bottom.

use std::time::SystemTime;

use jiff::ZonedDateTime;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::present::moment;
use crate::present::units::Scale;

use super::Columns;

pub(super) struct Frame {
    title: String,
    /// The marks with their relative heights, starting at 0.
    marks: Vec<(f64, String)>,
    /// The value at the top of the picture.
    pub(super) top: f64,
    width: u16,
    rows: u16,
    /// The width of the labels of the marks.
    labels: u16,
}

/// The approximate number of marks.
const MARKS: f64 = 4.0;
const MAX_MARKS: u8 = 8;
/// Smaller values count as 0.
const MIN: f64 = 1e-9;

impl Frame {
    /// A frame for values up to `most`.
    pub(super) fn new(
        what: &str,
        most: f64,
        scale: fn(f64) -> Scale,
        width: usize,
        rows: u16,
    ) -> Self {
        // If all values are 0, the picture is empty.
        let top = if most < MIN { 1.0 } else { most };
        let scale = scale(top);
        let in_units = scale.in_units(top);
        let step = round_step(in_units / MARKS);
        let number = |mark: f64| {
            let decimals = if step < 0.1 { 2 } else { usize::from(step < 1.0) };
            if mark >= 1e6 { format!("{mark:.0e}") } else { format!("{mark:.decimals$}") }
        };
        let marks = (0..MAX_MARKS).map(|number| f64::from(number) * step);
        let marks = marks.take_while(|mark| *mark <= in_units);
        let marks: Vec<(f64, String)> = marks.map(|mark| (mark / in_units, number(mark))).collect();
        let widest = marks.iter().map(|(_, label)| label.width()).max().unwrap_or(0);
        Self {
            title: format!("{what} {}", scale.unit),
            marks,
            top,
            width: u16::try_from(width).unwrap_or(u16::MAX),
            rows,
            labels: u16::try_from(widest).unwrap_or(0),
        }
    }

    /// Aligns two frames that are below each other, so that a build has the same columns in both.
    pub(super) fn aligned(self, other: Self) -> (Self, Self) {
        let labels = self.labels.max(other.labels);
        (Self { labels, ..self }, Self { labels, ..other })
    }

    pub(super) fn width(&self) -> u16 {
        self.width
    }

    /// The total height: a title, the picture, an axis, and dates.
    pub(super) fn height(&self) -> u16 {
        self.rows + 3
    }

    pub(super) fn inside(&self) -> Rect {
        let left = self.labels + 2;
        Rect::new(left, 1, self.width.saturating_sub(left), self.rows)
    }

    pub(super) fn columns(&self) -> usize {
        usize::from(self.inside().width)
    }

    /// Paints the title, the axes and their marks.
    pub(super) fn paint(
        &self,
        buffer: &mut Buffer,
        columns: &Columns,
        moments: &[Option<SystemTime>],
        now: &ZonedDateTime,
    ) {
        let dim = Style::new().add_modifier(Modifier::DIM);
        let inside = self.inside();
        let axis = inside.x - 1;
        let bottom = inside.bottom();
        buffer.set_stringn(0, 0, &self.title, usize::from(self.width), Style::new());
        for y in inside.y..bottom {
            buffer.set_string(axis, y, "│", dim);
        }
        buffer.set_string(axis, bottom, "└", dim);
        let width = columns.builds.len() * columns.each;
        let line = "─".repeat(width.min(usize::from(inside.width)));
        buffer.set_string(inside.x, bottom, line, dim);
        for (share, label) in &self.marks {
            let up = (share * f64::from(self.rows)).round();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in 0..=rows"
            )]
            let y = bottom.saturating_sub(up as u16).max(inside.y.saturating_sub(1));
            if y == 0 {
                continue;
            }
            let blanks = usize::from(self.labels) - label.width();
            let tick = if y == bottom { "└" } else { "┤" };
            buffer.set_string(0, y, format!("{:blanks$}{label} ", ""), dim);
            buffer.set_string(axis, y, tick, dim);
        }
        dates(buffer, inside, width, columns, moments, now);
    }
}

/// Paints the dates of the first and the last build, and of one in the middle if there is room.
fn dates(
    buffer: &mut Buffer,
    inside: Rect,
    width: usize,
    columns: &Columns,
    moments: &[Option<SystemTime>],
    now: &ZonedDateTime,
) {
    let dim = Style::new().add_modifier(Modifier::DIM);
    let drawn: Vec<Option<SystemTime>> =
        columns.builds.iter().map(|build| moments.get(*build).copied().flatten()).collect();
    let known = || drawn.iter().flatten();
    let (Some(first), Some(last)) = (known().min(), known().max()) else { return };
    let label = |index: usize| {
        drawn[index].map_or_else(|| "?".to_owned(), |time| moment::label(time, *first, *last, now))
    };
    let y = inside.bottom() + 1;
    let room = usize::from(inside.width);
    let (start, end) = (label(0), label(drawn.len() - 1));
    let at = |column: usize| inside.x + u16::try_from(column.min(room)).unwrap_or(0);
    buffer.set_stringn(inside.x, y, &start, room, dim);
    let right = width.min(room).max(start.width() + 2 + end.width()).saturating_sub(end.width());
    if drawn.len() > 1 && right + end.width() <= room {
        buffer.set_string(at(right), y, &end, dim);
    }
    let middle = drawn.len() / 2;
    let column = middle * columns.each;
    let text = label(middle);
    if column > start.width() + 2 && column + text.width() + 2 < right {
        buffer.set_string(at(column), y, &text, dim);
    }
}

/// The next number that is 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * 0.999_9);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(most: f64, scale: fn(f64) -> Scale) -> (String, Vec<String>, f64) {
        let frame = Frame::new("time", most, scale, 80, 14);
        (frame.title, frame.marks.into_iter().map(|(_, label)| label).collect(), frame.top)
    }

    #[test]
    fn marks_are_round_numbers_of_one_unit_and_the_top_is_the_largest_value() {
        let (title, marks, top) = labels(1_589.5, Scale::time);
        assert_eq!((title.as_str(), top), ("time ms", 1_589.5));
        assert_eq!(marks, ["0", "500", "1000", "1500"]);
        let (title, marks, _) = labels(33_400.0, Scale::time);
        assert_eq!(title, "time s");
        assert_eq!(marks, ["0", "10", "20", "30"]);
        let (title, marks, _) = labels(1_048_576.0, Scale::bytes);
        assert_eq!(title, "time MiB");
        assert_eq!(marks, ["0.0", "0.5", "1.0"]);
    }

    #[test]
    fn extreme_values_have_a_frame() {
        for most in [0.0, 1e300, 5e-324] {
            let (_, marks, top) = labels(most, Scale::time);
            assert!(marks.len() > 1 && top >= most, "{most}: {marks:?} {top}");
        }
    }
}
