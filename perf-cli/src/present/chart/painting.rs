//! Draws builds as bars of stacked phases, with a resolution of an eighth of a character, and levels
//! of memory as lines of dots; and their legends.

use anstyle::AnsiColor;
use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::symbols::Marker;
use ratatui_core::widgets::Widget;
use ratatui_widgets::canvas::{Canvas, Line, Points};

use super::frame::Frame;
use super::{ChartData, Columns, Layer, MemoryLevel, to_anstyle};
use crate::present::style::{PLAIN, Span};
use crate::present::{escape, units};

/// The number of distinguishable layers, without the rest.
const LAYERS: usize = 5;

const COLORS: [Color; LAYERS] =
    [Color::Blue, Color::Cyan, Color::Green, Color::Magenta, Color::Yellow];
/// The characters of layers without colours.
const FILLS: [char; LAYERS] = ['█', '▓', '▒', '░', '╳'];
/// The character of the rest without colours.
const REST: char = '·';
/// Eighths of a character, from the bottom.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The character and the style of a layer; a number after the last is the rest.
pub(super) fn layer_key(layer: usize, layers: usize, color: bool) -> (char, Style) {
    if layer >= layers {
        let character = if color { '█' } else { REST };
        return (character, Style::new().add_modifier(Modifier::DIM));
    }
    if color {
        return ('█', Style::new().fg(COLORS[layer % LAYERS]));
    }
    (FILLS[layer % LAYERS], Style::new())
}

pub(super) fn paint_layers(
    buffer: &mut Buffer,
    frame: &Frame,
    data: &ChartData,
    columns: &Columns,
    color: bool,
) {
    let inside = frame.inside();
    let eighths = f64::from(inside.height) * 8.0 / frame.top;
    for (index, &build) in columns.builds.iter().enumerate() {
        let mut sum = 0.0;
        let layers = data.all_layers();
        let ends: Vec<u32> = layers
            .map(|layer| {
                sum += layer.ms.get(build).copied().unwrap_or(0.0);
                as_eighths(sum * eighths)
            })
            .collect();
        for row in 0..inside.height {
            let (character, style) = cell(&ends, u32::from(row) * 8, color);
            let y = inside.bottom() - 1 - row;
            for x in index * columns.each..index * columns.each + columns.bar() {
                let x = inside.x + u16::try_from(x).unwrap_or(u16::MAX - inside.x);
                if let Some(cell) = buffer.cell_mut((x, y)).filter(|_| x < inside.right()) {
                    cell.set_char(character).set_style(style);
                }
            }
        }
    }
}

fn as_eighths(number: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
    let eighths = number.round() as u32;
    eighths
}

/// The content of the cell at `bottom`, in eighths from the axis, if the layers end at `ends`.
fn cell(ends: &[u32], bottom: u32, color: bool) -> (char, Style) {
    let layers = ends.len() - 1;
    let layer_at = |eighth: u32| ends.iter().position(|end| *end > eighth);
    let Some(lower) = layer_at(bottom) else { return (' ', Style::new()) };
    let filled = usize::try_from(ends[lower] - bottom).unwrap_or(8).min(8);
    let top = layer_at(bottom + 7);
    let (character, style) = layer_key(lower, layers, color);
    match top {
        Some(upper) if upper == lower => (character, style),
        // The top of the bar.
        None => {
            let end = ends.iter().copied().max().unwrap_or(0);
            let filled = usize::try_from(end - bottom).unwrap_or(8).min(8);
            (EIGHTHS[filled], style)
        }
        // A cell between two layers has the colours of both, or the fill of the larger one.
        Some(upper) if color && lower < layers && upper < layers => {
            (EIGHTHS[filled], style.bg(COLORS[upper % LAYERS]))
        }
        Some(upper) => layer_key(if filled >= 4 { lower } else { upper }, layers, color),
    }
}

/// The first level is a line and the others are dots, to differ without colours.
const LINE_COLORS: [Color; 2] = [Color::Cyan, Color::Magenta];

/// The appearance and the colour of a level.
pub(super) fn line_key(level: usize) -> (&'static str, Color) {
    (if level == 0 { "──" } else { "••" }, LINE_COLORS[level % LINE_COLORS.len()])
}

pub(super) fn paint_lines(buffer: &mut Buffer, frame: &Frame, data: &ChartData, columns: &Columns) {
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
                let color = line_key(number).1;
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

/// Longer names are cut.
const MAX_NAME_WIDTH: usize = 24;

/// The phases, with their shares of the total time.
pub(super) fn time_legend(data: &ChartData, width: usize, color: bool) -> Vec<Vec<Span>> {
    let layers = data.layers.len();
    let sum = |layer: &Layer| layer.ms.iter().sum::<f64>();
    let all: f64 = data.all_layers().map(sum).sum();
    let entry = |(number, layer): (usize, &Layer)| {
        let (character, style) = layer_key(number, layers, color);
        let name = escape::terminal_within(&layer.name, MAX_NAME_WIDTH).into_owned();
        let share = if all > 0.0 { sum(layer) / all } else { 0.0 };
        vec![
            Span::new(character.to_string(), to_anstyle(style)),
            Span::plain(format!(" {name} ")),
            Span::dim(units::share(share)),
        ]
    };
    let layers = data.all_layers().enumerate();
    in_lines(layers.map(entry), width)
}

/// The levels of memory in the newest build.
pub(super) fn memory_legend(data: &ChartData, width: usize) -> Vec<Vec<Span>> {
    let entry = |(number, level): (usize, &MemoryLevel)| {
        let (mark, color) = line_key(number);
        let color = AnsiColor::try_from(color).map_or(PLAIN, AnsiColor::on_default);
        let newest = level.bytes.iter().rev().find_map(|bytes| *bytes)?;
        Some(vec![
            Span::new(mark, color),
            Span::plain(format!(" {} ", level.name)),
            Span::dim(units::bytes(newest)),
        ])
    };
    in_lines(data.memory.iter().enumerate().filter_map(entry), width)
}

/// As many entries per line as fit.
fn in_lines(entries: impl Iterator<Item = Vec<Span>>, width: usize) -> Vec<Vec<Span>> {
    let mut lines: Vec<Vec<Span>> = vec![Vec::new()];
    let mut used = 0;
    for entry in entries {
        let wide: usize = entry.iter().map(Span::width).sum();
        if used > 0 && used + 3 + wide > width {
            lines.push(Vec::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(Span::plain("   "));
                used += 3;
            }
            line.extend(entry);
            used += wide;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(ends: &[u32], color: bool) -> String {
        (0..5).map(|row| cell(ends, row * 8, color).0).collect()
    }

    #[test]
    fn bars_have_a_resolution_of_an_eighth() {
        assert_eq!(column(&[32, 32], false), "████ ");
        assert_eq!(column(&[19, 19], false), "██▃  ");
        assert_eq!(column(&[0, 0], false), "     ");
        assert_eq!(column(&[8, 19, 19], false), "█▓▃  ");
    }

    #[test]
    fn layers_differ_by_their_fill_or_by_their_colour() {
        assert_eq!(column(&[8, 16, 24, 32, 40], false), "█▓▒░·");
        assert_eq!(column(&[8, 16, 24, 32, 40], true), "█████");
        assert_eq!(cell(&[8, 40], 8, true).1, Style::new().add_modifier(Modifier::DIM));
        let (character, style) = cell(&[3, 16, 16], 0, true);
        assert_eq!((character, style.fg, style.bg), ('▃', Some(COLORS[0]), Some(COLORS[1])));
        assert_eq!(cell(&[3, 16, 16], 0, false).0, '▓');
        assert_eq!(cell(&[5, 16, 16], 0, false).0, '█');
    }
}
