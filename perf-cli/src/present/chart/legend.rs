//! The legends of the pictures.

use anstyle::AnsiColor;

use super::{ChartData, Layer, MemoryLevel, lines, stack, to_anstyle};
use crate::present::escape;
use crate::present::style::{PLAIN, Span};
use crate::present::units;

/// Longer names are cut.
const MAX_NAME_WIDTH: usize = 24;

/// The phases, with their shares of the total time.
pub(super) fn time(data: &ChartData, width: usize, color: bool) -> Vec<Vec<Span>> {
    let layers = data.layers.len();
    let sum = |layer: &Layer| layer.ms.iter().sum::<f64>();
    let all: f64 = data.all_layers().map(sum).sum();
    let entry = |(number, layer): (usize, &Layer)| {
        let (character, style) = stack::key(number, layers, color);
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
pub(super) fn memory(data: &ChartData, width: usize) -> Vec<Vec<Span>> {
    let entry = |(number, level): (usize, &MemoryLevel)| {
        let (mark, color) = lines::key(number);
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
