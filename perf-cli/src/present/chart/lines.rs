//! Levels of memory as lines of dots.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::Color;
use ratatui_core::symbols::Marker;
use ratatui_core::widgets::Widget;
use ratatui_widgets::canvas::{Canvas, Line, Points};

use super::frame::Frame;
use super::{Columns, Course};

/// The first level is a line, the others are dots, so that they can be told apart without colours.
const COLORS: [Color; 2] = [Color::Cyan, Color::Magenta];

/// The colour of a level, and how its line looks.
pub(super) fn key(line: usize) -> (&'static str, Color) {
    (if line == 0 { "──" } else { "••" }, COLORS[line % COLORS.len()])
}

/// Paints the levels of the builds that are drawn.
pub(super) fn paint(buffer: &mut Buffer, frame: &Frame, course: &Course, columns: &Columns) {
    let inside = frame.inside();
    let middle = |place: usize| {
        let middle = place * columns.each + columns.bar() / 2;
        f64::from(u16::try_from(middle).unwrap_or(u16::MAX)) + 0.5
    };
    let canvas = Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, f64::from(inside.width)])
        .y_bounds([0.0, 1.0])
        .paint(|context| {
            // The first is painted last, over the others.
            for (number, line) in course.memory.iter().enumerate().rev() {
                let color = key(number).1;
                let level = |build: usize| {
                    let bytes = line.bytes.get(build).copied().flatten()?;
                    Some((bytes / frame.top).clamp(0.0, 1.0))
                };
                let points: Vec<(f64, f64)> = columns
                    .builds
                    .iter()
                    .enumerate()
                    .filter_map(|(place, build)| Some((middle(place), level(*build)?)))
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
