//! The report as a picture: what a phase costs, and what an allocation costs, contender by
//! contender. It has no background and colours of middle lightness, so that it can be read on a
//! light page and on a dark one.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use workloads::Workload;

use super::Report;
use crate::contenders::{ALL, BARE, COMPILED_OUT, Contender, OFF};
use crate::error::Error;
use crate::rounds::figure;

const TEXT: RGBColor = RGBColor(125, 133, 144);
const LINE: RGBColor = RGBColor(140, 149, 159);
const PEER: RGBColor = RGBColor(191, 135, 0);
const OURS: RGBColor = RGBColor(9, 120, 226);

const WIDTH: u32 = 760;
const ROW: i32 = 24;
const TOP: i32 = 46;
const BOTTOM: i32 = 24;
/// Where the scale begins and ends, in pixels from the left.
const SCALE: (i32, i32) = (200, 700);

/// One half of the picture.
struct Panel {
    title: &'static str,
    workload: Workload,
    /// What the scale begins and ends with; it is logarithmic.
    range: (f64, f64),
    ticks: &'static [f64],
    budget: f64,
    leaves_out: &'static [Contender],
}

const PANELS: [Panel; 2] = [
    Panel {
        title: "A phase entered and exited, × two reads of the processor's counter",
        workload: Workload::TightCall,
        range: (0.05, 60.0),
        ticks: &[0.1, 1.0, 10.0],
        budget: 2.0,
        leaves_out: &[BARE, COMPILED_OUT],
    },
    Panel {
        title: "8 bytes allocated and freed, × the bare allocator",
        workload: Workload::Alloc8,
        range: (0.8, 400.0),
        ticks: &[1.0, 10.0, 100.0],
        budget: 1.3,
        leaves_out: &[BARE, COMPILED_OUT, OFF],
    },
];

/// Draws the picture.
pub(crate) fn draw(report: &Report, path: &Path) -> Result<(), Error> {
    let rows = |panel: &Panel| -> Vec<(&Contender, f64)> {
        let mut rows: Vec<_> = ALL
            .iter()
            .filter(|it| !panel.leaves_out.contains(it))
            .filter_map(|it| Some((it, figure(&report.figures, it, panel.workload)?.ratio)))
            .collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        rows
    };
    let panels: Vec<_> = PANELS.iter().map(|panel| (panel, rows(panel))).collect();
    let heights: Vec<i32> = panels.iter().map(|it| TOP + BOTTOM + ROW * length(&it.1)).collect();
    let height = heights.iter().sum::<i32>().unsigned_abs();
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    let failed = |cause: String| Error::Drawing { path: path.into(), cause };
    let mut top = 0;
    for ((panel, rows), height) in panels.iter().zip(heights) {
        panel.draw(&area, top, rows).map_err(|it| failed(it.to_string()))?;
        top += height;
    }
    area.present().map_err(|it| failed(it.to_string()))
}

fn length<T>(rows: &[T]) -> i32 {
    i32::try_from(rows.len()).unwrap_or(i32::MAX)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

impl Panel {
    fn draw(&self, area: &Area<'_>, top: i32, rows: &[(&Contender, f64)]) -> Drawn {
        let text = |size: i32, color: &RGBColor, horizontal| {
            ("sans-serif", size).into_font().color(color).pos(Pos::new(horizontal, VPos::Center))
        };
        let (first, last) = (top + TOP, top + TOP + ROW * length(rows));
        let title = text(15, &TEXT, HPos::Left);
        area.draw_text(self.title, &title, (8, top + 20))?;
        for tick in self.ticks {
            let x = self.x(*tick);
            area.draw(&PathElement::new([(x, first - 8), (x, last)], LINE.mix(0.35)))?;
            let label = text(11, &TEXT, HPos::Center);
            area.draw_text(&tick.to_string(), &label, (x, last + 10))?;
        }
        let x = self.x(self.budget);
        area.draw(&PathElement::new([(x, first - 8), (x, last)], OURS.mix(0.8)))?;
        let label = text(11, &OURS, HPos::Center);
        area.draw_text(&format!("budget {}", self.budget), &label, (x, first - 14))?;

        for ((contender, ratio), row) in rows.iter().zip(0..) {
            let y = first + ROW * row + ROW / 2;
            let ours = contender.is_ours();
            let color = if ours { &OURS } else { &PEER };
            let name = text(13, if ours { &OURS } else { &TEXT }, HPos::Right);
            area.draw_text(contender.name, &name, (SCALE.0 - 10, y))?;
            let x = self.x(*ratio);
            area.draw(&Rectangle::new([(SCALE.0, y - 6), (x, y + 6)], color.filled()))?;
            let value = text(12, &TEXT, HPos::Left);
            area.draw_text(&format!("{ratio:.2}"), &value, (x + 6, y))?;
        }
        Ok(())
    }

    /// Where a value is on the scale, in pixels from the left; what is beyond its ends, at them.
    fn x(&self, value: f64) -> i32 {
        let (low, high) = (self.range.0.ln(), self.range.1.ln());
        let share = ((value.ln() - low) / (high - low)).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, reason = "a place in the picture")]
        let offset = (f64::from(SCALE.1 - SCALE.0) * share).round() as i32;
        SCALE.0 + offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_logarithmic_and_ends_at_its_ends() {
        let panel = &PANELS[1];
        assert_eq!(panel.x(0.8), SCALE.0);
        assert_eq!(panel.x(1e9), SCALE.1);
        assert_eq!(panel.x(0.0), SCALE.0);
        let (one, ten, hundred) = (panel.x(1.0), panel.x(10.0), panel.x(100.0));
        assert!((hundred - ten - (ten - one)).abs() <= 1);
    }
}
