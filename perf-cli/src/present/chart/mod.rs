//! Draws builds as a picture of characters: the times of phases stacked, and memory beside them.

mod frame;
mod painting;

use std::time::SystemTime;

use anstyle::Style;
use jiff::ZonedDateTime;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier};

use super::style::Span;
use super::units::Scale;
use frame::Frame;

/// The data of a chart, with builds from the oldest to the newest.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChartData {
    /// When each build started.
    pub moments: Vec<Option<SystemTime>>,
    /// The parts of each build's time, from the bottom.
    pub layers: Vec<Layer>,
    /// The rest of the time, above the layers.
    pub rest: Layer,
    pub memory: Vec<MemoryLevel>,
}

/// A part of the builds' time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    pub name: String,
    /// In each build.
    pub ms: Vec<f64>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryLevel {
    pub name: String,
    /// In each build, if known.
    pub bytes: Vec<Option<f64>>,
}

/// The height of a picture without its axes.
const ROWS: u16 = 14;
/// The height of memory below time.
const ROWS_BELOW: u16 = 8;
/// From this width on, memory is beside time.
const SIDE_BY_SIDE: usize = 120;
/// The columns between two pictures.
const GAP: usize = 3;
const MAX_BAR_WIDTH: usize = 6;

/// Draws a chart of this width.
pub(crate) fn draw(
    data: &ChartData,
    width: usize,
    color: bool,
    now: &ZonedDateTime,
) -> Vec<Vec<Span>> {
    let has_memory = data.memory.iter().any(|level| level.bytes.iter().any(Option::is_some));
    if !has_memory {
        return draw_time(data, &time_frame(data, width), color, now);
    }
    if width < SIDE_BY_SIDE {
        let memory = memory_frame(data, width, ROWS_BELOW);
        let (time, memory) = time_frame(data, width).aligned(memory);
        let mut picture = draw_time(data, &time, color, now);
        picture.push(Vec::new());
        picture.extend(draw_memory(data, &memory, now));
        return picture;
    }
    let left = (width - GAP) * 3 / 5;
    let right = draw_memory(data, &memory_frame(data, width - GAP - left, ROWS), now);
    beside(draw_time(data, &time_frame(data, left), color, now), left + GAP, right)
}

fn time_frame(data: &ChartData, width: usize) -> Frame {
    let most = data.totals().into_iter().fold(0.0, f64::max);
    Frame::new("time", most, Scale::time, width, ROWS)
}

fn memory_frame(data: &ChartData, width: usize, rows: u16) -> Frame {
    let bytes = data.memory.iter().flat_map(|level| level.bytes.iter().flatten());
    Frame::new("memory", bytes.copied().fold(0.0, f64::max), Scale::bytes, width, rows)
}

/// Puts one picture to the right of another.
fn beside(left: Vec<Vec<Span>>, column: usize, right: Vec<Vec<Span>>) -> Vec<Vec<Span>> {
    let lines = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let join = |_| {
        let mut line = left.next().unwrap_or_default();
        let width: usize = line.iter().map(Span::width).sum();
        if let Some(more) = right.next() {
            line.push(Span::plain(" ".repeat(column.saturating_sub(width))));
            line.extend(more);
        }
        line
    };
    (0..lines).map(join).collect()
}

fn draw_time(data: &ChartData, frame: &Frame, color: bool, now: &ZonedDateTime) -> Vec<Vec<Span>> {
    let mut picture = draw_framed(data, frame, now, |buffer, columns| {
        painting::paint_layers(buffer, frame, data, columns, color);
    });
    picture.extend(painting::time_legend(data, usize::from(frame.width()), color));
    picture
}

fn draw_memory(data: &ChartData, frame: &Frame, now: &ZonedDateTime) -> Vec<Vec<Span>> {
    let mut picture = draw_framed(data, frame, now, |buffer, columns| {
        painting::paint_lines(buffer, frame, data, columns);
    });
    picture.extend(painting::memory_legend(data, usize::from(frame.width())));
    picture
}

fn draw_framed(
    data: &ChartData,
    frame: &Frame,
    now: &ZonedDateTime,
    paint: impl FnOnce(&mut Buffer, &Columns),
) -> Vec<Vec<Span>> {
    // Time decides which builds are drawn, also in the picture of memory.
    let columns = Columns::new(&data.totals(), frame.columns());
    let mut buffer = Buffer::empty(Rect::new(0, 0, frame.width(), frame.height()));
    paint(&mut buffer, &columns);
    frame.paint(&mut buffer, &columns, &data.moments, now);
    to_spans(&buffer)
}

/// The lines of a picture, without trailing blanks.
fn to_spans(buffer: &Buffer) -> Vec<Vec<Span>> {
    let area = buffer.area;
    let line = |y| {
        let mut spans: Vec<Span> = Vec::new();
        for x in area.left()..area.right() {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            let style = to_anstyle(cell.style());
            match spans.last_mut() {
                Some(span) if span.style == style => span.text.push_str(cell.symbol()),
                _ => spans.push(Span::new(cell.symbol(), style)),
            }
        }
        while let Some(last) = spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
            if !last.text.is_empty() {
                break;
            }
            spans.pop();
        }
        spans
    };
    (area.top()..area.bottom()).map(line).collect()
}

fn to_anstyle(style: ratatui_core::style::Style) -> Style {
    let color = |color: Option<Color>| {
        color.filter(|color| *color != Color::Reset).map(anstyle::Color::from)
    };
    let plain = Style::new().fg_color(color(style.fg)).bg_color(color(style.bg));
    if style.add_modifier.contains(Modifier::DIM) { plain.dimmed() } else { plain }
}

impl ChartData {
    /// All layers from the bottom, including the rest.
    fn all_layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().chain([&self.rest])
    }

    /// The times of all builds.
    fn totals(&self) -> Vec<f64> {
        let total = |build: usize| {
            self.all_layers().map(|layer| layer.ms.get(build).copied().unwrap_or(0.0)).sum()
        };
        (0..self.moments.len()).map(total).collect()
    }
}

/// Which builds are drawn in which columns.
#[derive(Debug, PartialEq, Eq)]
struct Columns {
    /// The builds that are drawn, from the left.
    builds: Vec<usize>,
    /// The columns per build, including the gap after it.
    each: usize,
}

impl Columns {
    /// If there are more builds than columns, each column shows the build with the median time of a few
    /// adjacent builds.
    fn new(totals: &[f64], columns: usize) -> Self {
        let number = totals.len();
        if number <= columns {
            let each = (columns / number.max(1)).clamp(1, MAX_BAR_WIDTH);
            return Self { builds: (0..number).collect(), each };
        }
        let builds = (0..columns).map(|column| {
            let (from, to) = (column * number / columns, (column + 1) * number / columns);
            let mut adjacent: Vec<usize> = (from..to).collect();
            adjacent.sort_by(|a, b| totals[*a].total_cmp(&totals[*b]));
            adjacent[adjacent.len() / 2]
        });
        Self { builds: builds.collect(), each: 1 }
    }

    fn bar(&self) -> usize {
        if self.each > 2 { self.each - 1 } else { self.each }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_builds_are_bars_with_gaps() {
        let columns = Columns::new(&[1.0; 10], 43);
        assert_eq!(columns, Columns { builds: (0..10).collect(), each: 4 });
        assert_eq!(columns.bar(), 3);
        assert_eq!(Columns::new(&[1.0; 2], 43).each, MAX_BAR_WIDTH);
        assert_eq!(Columns::new(&[], 43).builds, [0; 0]);
    }

    #[test]
    fn the_median_of_adjacent_builds_represents_them_if_there_are_too_many() {
        let totals = [5.0, 1.0, 3.0, 30.0, 20.0, 10.0];
        let columns = Columns::new(&totals, 2);
        assert_eq!(columns, Columns { builds: vec![2, 4], each: 1 });
        assert_eq!(Columns::new(&totals, 4).builds.len(), 4);
    }
}
