//! What the colours and fills of a picture stand for.

use anstyle::AnsiColor;

use super::cells::style_of;
use super::{Course, Layer, Line, lines, stack};
use crate::present::escape;
use crate::present::style::{PLAIN, Span};
use crate::present::units;

/// Longer names are cut.
const LONGEST: usize = 24;

/// The phases, each with its share of all of the time.
pub(super) fn of_time(course: &Course, width: usize, color: bool) -> Vec<Vec<Span>> {
    let layers = course.layers.len();
    let sum = |layer: &Layer| layer.ms.iter().sum::<f64>();
    let all: f64 = course.layers.iter().chain([&course.rest]).map(sum).sum();
    let entry = |(number, layer): (usize, &Layer)| {
        let (character, style) = stack::key(number, layers, color);
        let name = escape::terminal_within(&layer.name, LONGEST).into_owned();
        let share = if all > 0.0 { sum(layer) / all } else { 0.0 };
        vec![
            Span::new(character.to_string(), style_of(style)),
            Span::plain(format!(" {name} ")),
            Span::dim(units::share(share)),
        ]
    };
    let layers = course.layers.iter().chain([&course.rest]).enumerate();
    in_lines(layers.map(entry), width)
}

/// The levels of memory, each with that of the newest build.
pub(super) fn of_memory(course: &Course, width: usize) -> Vec<Vec<Span>> {
    let entry = |(number, line): (usize, &Line)| {
        let (mark, color) = lines::key(number);
        let color = AnsiColor::try_from(color).map_or(PLAIN, AnsiColor::on_default);
        let newest = line.bytes.iter().rev().find_map(|bytes| *bytes)?;
        Some(vec![
            Span::new(mark, color),
            Span::plain(format!(" {} ", line.name)),
            Span::dim(units::bytes(newest)),
        ])
    };
    in_lines(course.memory.iter().enumerate().filter_map(entry), width)
}

/// As many entries a line as fit.
fn in_lines(entries: impl Iterator<Item = Vec<Span>>, width: usize) -> Vec<Vec<Span>> {
    let mut lines: Vec<Vec<Span>> = vec![Vec::new()];
    let mut taken = 0;
    for entry in entries {
        let wide: usize = entry.iter().map(Span::width).sum();
        if taken > 0 && taken + 3 + wide > width {
            lines.push(Vec::new());
            taken = 0;
        }
        if let Some(line) = lines.last_mut() {
            if taken > 0 {
                line.push(Span::plain("   "));
                taken += 3;
            }
            line.extend(entry);
            taken += wide;
        }
    }
    lines
}
