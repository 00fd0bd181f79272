//! Draws levels of memory as lines of dots.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::Color;
use ratatui_core::symbols::Marker;
use ratatui_core::widgets::Widget;
use ratatui_widgets::canvas::{Canvas, Line, Points};

use super::frame::Frame;
use super::{ChartData, Columns};

/// The first level is a line and the others are dots, to differ without colours.
const COLORS: [Color; 2] = [Color::Cyan, Color::Magenta];

/// The appearance and the colour of a level.
pub(super) fn key(level: usize) -> (&'static str, Color) {
    (if level == 0 { "──" } else { "••" }, COLORS[level % COLORS.len()])
}

pub(super) fn paint(buffer: &mut Buffer, frame: &Frame, data: &ChartData, columns: &Columns) {
    let inside = frame.inside();
    let middle = |index: usize| {
        let middle = index * columns.each + columns.bar() / 2;
        f64::from(u16::try_from(middle).unwrap_or(u16::MAX)) + 0.5
    };
    let canvas = Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, f64::from(inside.width)])
        .y_bounds([0.0, 1.0])
        .paint(|context| {
            // The first is painted last, over the others.
            for (number, memory) in data.memory.iter().enumerate().rev() {
                let color = key(number).1;
                let level = |build: usize| {
                    let bytes = memory.bytes.get(build).copied().flatten()?;
                    Some((bytes / frame.top).clamp(0.0, 1.0))
                };
                let points: Vec<(f64, f64)> = columns
                    .builds
                    .iter()
                    .enumerate()
                    .filter_map(|(index, build)| Some((middle(index), level(*build)?)))
                    .collect();
                context.draw(&Points { coords: &points, color });
                if number > 0 {
                    continue;
                }
                for pair in points.windows(2) {
                    let [(x1, y1), (x2, y2)] = [pair[0], pair[1]];
                    context.draw(&Line { x1, y1, x2, y2, color });
                }
            }
        });
    canvas.render(inside, buffer);
}
