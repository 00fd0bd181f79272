//! Painted cells as stretches of styled text.

use anstyle::Style;
use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier};

use crate::present::style::Span;

/// The lines of a picture, blanks at their ends left out.
pub(super) fn to_spans(buffer: &Buffer) -> Vec<Vec<Span>> {
    let area = buffer.area;
    let line = |y| {
        let mut spans: Vec<Span> = Vec::new();
        for x in area.left()..area.right() {
            let Some(cell) = buffer.cell((x, y)) else { continue };
            let style = style_of(cell.style());
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

/// A style of the painter's as one of the writer's.
pub(super) fn style_of(style: ratatui_core::style::Style) -> Style {
    let color = |color: Option<Color>| {
        color.filter(|color| *color != Color::Reset).map(anstyle::Color::from)
    };
    let plain = Style::new().fg_color(color(style.fg)).bg_color(color(style.bg));
    if style.add_modifier.contains(Modifier::DIM) { plain.dimmed() } else { plain }
}
