//! The course of builds as a picture of characters: the time of phases stacked on each other, and
//! memory beside it.

mod cells;
mod frame;
mod legend;
mod lines;
mod stack;

use std::time::SystemTime;

use jiff::ZonedDateTime;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

use super::style::Span;
use super::units::Scale;
use frame::Frame;

/// What is drawn: builds from the oldest to the newest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Course {
    /// When each build started.
    pub moments: Vec<Option<SystemTime>>,
    /// The parts of each build's time, the lowest first.
    pub layers: Vec<Layer>,
    /// What lies above the layers.
    pub rest: Layer,
    /// The memory of each build.
    pub memory: Vec<Line>,
}

/// A part of the builds' time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    /// Its name, as it came.
    pub name: String,
    /// Milliseconds of each build.
    pub ms: Vec<f64>,
}

/// A level of the builds' memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    /// What it is a level of.
    pub name: String,
    /// Bytes of each build, where they are known.
    pub bytes: Vec<Option<f64>>,
}

/// How tall pictures are, without their axes.
const ROWS: u16 = 14;
/// How tall memory is where it is below.
const ROWS_BELOW: u16 = 8;
/// Two pictures stand beside each other where there is so much room.
const SIDE_BY_SIDE: usize = 120;
/// Blanks between them.
const GAP: usize = 3;
/// Wider bars say no more.
const WIDEST_BAR: usize = 6;

/// Draws the course in so many columns.
pub(crate) fn draw(
    course: &Course,
    width: usize,
    color: bool,
    now: &ZonedDateTime,
) -> Vec<Vec<Span>> {
    let has_memory = course.memory.iter().any(|line| line.bytes.iter().any(Option::is_some));
    if !has_memory {
        return time(course, &frame_of_time(course, width), color, now);
    }
    if width < SIDE_BY_SIDE {
        let of_memory = frame_of_memory(course, width, ROWS_BELOW);
        let (of_time, of_memory) = frame_of_time(course, width).aligned(of_memory);
        let mut picture = time(course, &of_time, color, now);
        picture.push(Vec::new());
        picture.extend(memory(course, &of_memory, now));
        return picture;
    }
    let left = (width - GAP) * 3 / 5;
    let right = memory(course, &frame_of_memory(course, width - GAP - left, ROWS), now);
    beside(time(course, &frame_of_time(course, left), color, now), left + GAP, right)
}

fn frame_of_time(course: &Course, width: usize) -> Frame {
    let most = course.totals().into_iter().fold(0.0, f64::max);
    Frame::of("time", most, Scale::time, width, ROWS)
}

fn frame_of_memory(course: &Course, width: usize, rows: u16) -> Frame {
    let bytes = course.memory.iter().flat_map(|line| line.bytes.iter().flatten());
    Frame::of("memory", bytes.copied().fold(0.0, f64::max), Scale::bytes, width, rows)
}

/// Puts one picture to the right of another.
fn beside(left: Vec<Vec<Span>>, at: usize, right: Vec<Vec<Span>>) -> Vec<Vec<Span>> {
    let lines = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let join = |_| {
        let mut line = left.next().unwrap_or_default();
        let taken: usize = line.iter().map(Span::width).sum();
        if let Some(more) = right.next() {
            line.push(Span::plain(" ".repeat(at.saturating_sub(taken))));
            line.extend(more);
        }
        line
    };
    (0..lines).map(join).collect()
}

/// The picture of the builds' time.
fn time(course: &Course, frame: &Frame, color: bool, now: &ZonedDateTime) -> Vec<Vec<Span>> {
    let columns = Columns::of(&course.totals(), frame.columns());
    let mut buffer = Buffer::empty(Rect::new(0, 0, frame.width(), frame.height()));
    stack::paint(&mut buffer, frame, course, &columns, color);
    frame.paint(&mut buffer, &columns, &course.moments, now);
    let mut lines = cells::to_spans(&buffer);
    lines.extend(legend::of_time(course, usize::from(frame.width()), color));
    lines
}

/// The picture of the builds' memory.
fn memory(course: &Course, frame: &Frame, now: &ZonedDateTime) -> Vec<Vec<Span>> {
    // The same builds stand for the others as in the picture of time.
    let columns = Columns::of(&course.totals(), frame.columns());
    let mut buffer = Buffer::empty(Rect::new(0, 0, frame.width(), frame.height()));
    lines::paint(&mut buffer, frame, course, &columns);
    frame.paint(&mut buffer, &columns, &course.moments, now);
    let mut lines = cells::to_spans(&buffer);
    lines.extend(legend::of_memory(course, usize::from(frame.width())));
    lines
}

impl Course {
    fn total(&self, build: usize) -> f64 {
        let layers = self.layers.iter().chain([&self.rest]);
        layers.map(|layer| layer.ms.get(build).copied().unwrap_or(0.0)).sum()
    }

    /// The times of all builds.
    fn totals(&self) -> Vec<f64> {
        (0..self.moments.len()).map(|build| self.total(build)).collect()
    }
}

/// Which builds are drawn where.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    /// The builds that are drawn, from the left.
    builds: Vec<usize>,
    /// How many columns each takes, the blank after it included.
    each: usize,
}

impl Columns {
    /// One place for each build; where there are more builds than columns, one for each few,
    /// which the build of their median time stands for.
    fn of(totals: &[f64], columns: usize) -> Self {
        let number = totals.len();
        if number <= columns {
            let each = (columns / number.max(1)).clamp(1, WIDEST_BAR);
            return Self { builds: (0..number).collect(), each };
        }
        let builds = (0..columns).map(|column| {
            let (from, to) = (column * number / columns, (column + 1) * number / columns);
            let mut few: Vec<usize> = (from..to).collect();
            few.sort_by(|a, b| totals[*a].total_cmp(&totals[*b]));
            few[few.len() / 2]
        });
        Self { builds: builds.collect(), each: 1 }
    }

    /// How wide the bar of a build is.
    fn bar(&self) -> usize {
        if self.each > 2 { self.each - 1 } else { self.each }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_builds_are_bars_with_blanks_between_them() {
        let columns = Columns::of(&[1.0; 10], 43);
        assert_eq!(columns, Columns { builds: (0..10).collect(), each: 4 });
        assert_eq!(columns.bar(), 3);
        assert_eq!(Columns::of(&[1.0; 2], 43).each, WIDEST_BAR);
        assert_eq!(Columns::of(&[], 43).builds, [0; 0]);
    }

    #[test]
    fn where_builds_are_many_the_one_of_the_median_stands_for_a_few() {
        let totals = [5.0, 1.0, 3.0, 30.0, 20.0, 10.0];
        let columns = Columns::of(&totals, 2);
        assert_eq!(columns, Columns { builds: vec![2, 4], each: 1 });
        assert_eq!(Columns::of(&totals, 4).builds.len(), 4);
    }
}
