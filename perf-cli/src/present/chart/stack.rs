//! Draws builds as bars of stacked phases, with a resolution of an eighth of a character.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier, Style};

use super::frame::Frame;
use super::{ChartData, Columns};

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
pub(super) fn key(layer: usize, layers: usize, color: bool) -> (char, Style) {
    if layer >= layers {
        let character = if color { '█' } else { REST };
        return (character, Style::new().add_modifier(Modifier::DIM));
    }
    if color {
        return ('█', Style::new().fg(COLORS[layer % LAYERS]));
    }
    (FILLS[layer % LAYERS], Style::new())
}

pub(super) fn paint(
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
    let (character, style) = key(lower, layers, color);
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
        Some(upper) => key(if filled >= 4 { lower } else { upper }, layers, color),
    }
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
