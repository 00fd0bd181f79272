//! The costs of a phase and of an allocation as a picture. It has no background, and its colours can be
//! read on a light page and on a dark one.

use std::fmt::Write as _;

use workloads::Workload;

use crate::contenders::{ALL, BARE, COMPILED_OUT, Contender};
use crate::rounds::{Figure, figure};

const TEXT: &str = "#7d8590";
const PEER: &str = "#bf8700";
const OURS: &str = "#0978e2";

const WIDTH: u32 = 760;
const ROW: u32 = 24;
const TOP: u32 = 46;
const BOTTOM: u32 = 24;
/// Where the scale begins and ends, in pixels from the left.
const SCALE: (f64, f64) = (200.0, 700.0);

/// One half of the picture.
struct Panel {
    title: &'static str,
    workload: Workload,
    /// The ends of the scale, which is logarithmic.
    range: (f64, f64),
    ticks: [f64; 3],
    budget: f64,
}

const PANELS: [Panel; 2] = [
    Panel {
        title: "A phase entered and exited, × two reads of the processor's counter",
        workload: Workload::TightCall,
        range: (0.05, 60.0),
        ticks: [0.1, 1.0, 10.0],
        budget: 1.6,
    },
    Panel {
        title: "8 bytes allocated and freed, × the bare allocator",
        workload: Workload::Alloc8,
        range: (0.8, 400.0),
        ticks: [1.0, 10.0, 100.0],
        budget: 1.15,
    },
];

/// The picture as SVG.
pub(crate) fn svg(figures: &[Figure]) -> String {
    let (mut body, mut top) = (String::new(), 0);
    for panel in &PANELS {
        let shown = ALL.iter().filter(|contender| ![BARE, COMPILED_OUT].contains(contender));
        let mut rows: Vec<(&Contender, f64)> = shown
            .filter_map(|contender| {
                Some((contender, figure(figures, contender, panel.workload)?.ratio))
            })
            .collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        top = panel.draw(&rows, top, &mut body);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top}\" \
         viewBox=\"0 0 {WIDTH} {top}\" font-family=\"sans-serif\">\n{body}</svg>\n"
    )
}

impl Panel {
    /// Draws the panel below `top`, and returns where it ends.
    fn draw(&self, rows: &[(&Contender, f64)], top: u32, svg: &mut String) -> u32 {
        let first = top + TOP;
        let mut y = first;
        text(svg, (8.0, top + 20), 15, TEXT, "start", self.title);
        let last = first + ROW * u32::try_from(rows.len()).unwrap_or(0);
        for tick in self.ticks {
            line(svg, self.x(tick), (first - 8, last), TEXT, 0.35);
            text(svg, (self.x(tick), last + 10), 11, TEXT, "middle", &tick.to_string());
        }
        let budget = self.x(self.budget);
        line(svg, budget, (first - 8, last), OURS, 0.8);
        let label = format!("budget {}", self.budget);
        text(svg, (budget, first - 14), 11, OURS, "middle", &label);
        for (contender, ratio) in rows {
            let (name, bar) = if contender.is_ours() { (OURS, OURS) } else { (TEXT, PEER) };
            text(svg, (SCALE.0 - 10.0, y + ROW / 2), 13, name, "end", contender.name);
            let x = self.x(*ratio);
            // Writing to a string does not fail.
            let _ = writeln!(
                svg,
                "<rect x=\"{}\" y=\"{}\" width=\"{:.1}\" height=\"12\" fill=\"{bar}\"/>",
                SCALE.0,
                y + ROW / 2 - 6,
                x - SCALE.0,
            );
            text(svg, (x + 6.0, y + ROW / 2), 12, TEXT, "start", &format!("{ratio:.2}"));
            y += ROW;
        }
        last + BOTTOM
    }

    /// Where a value is on the scale, in pixels from the left. Values beyond an end are at that end.
    fn x(&self, value: f64) -> f64 {
        let (low, high) = (self.range.0.ln(), self.range.1.ln());
        let share = ((value.ln() - low) / (high - low)).clamp(0.0, 1.0);
        SCALE.0 + (SCALE.1 - SCALE.0) * share
    }
}

fn text(svg: &mut String, (x, y): (f64, u32), size: u32, color: &str, anchor: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\" \
         text-anchor=\"{anchor}\" dominant-baseline=\"central\">{text}</text>"
    );
}

fn line(svg: &mut String, x: f64, (top, bottom): (u32, u32), color: &str, opacity: f64) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"{color}\" \
         stroke-opacity=\"{opacity}\"/>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::FULL;

    #[test]
    fn the_scale_is_logarithmic_and_values_beyond_it_are_at_its_ends() {
        let panel = &PANELS[1];
        let near = |value: f64, x: f64| assert!((panel.x(value) - x).abs() < 1e-9, "{value}");
        near(0.8, SCALE.0);
        near(1e9, SCALE.1);
        near(0.0, SCALE.0);
        near(10.0, f64::midpoint(panel.x(1.0), panel.x(100.0)));
    }

    #[test]
    fn each_contender_has_a_bar_in_the_panel_of_its_workload() {
        let figures = [("puffin", 3.23), (FULL.name, 1.61), (BARE.name, 0.09)];
        let figures = figures.map(|(contender, ratio)| Figure {
            contender: contender.to_owned(),
            workload: Workload::TightCall,
            ns: 1.0,
            ratio,
        });
        let svg = svg(&figures);
        assert_eq!(svg.matches("<rect ").count(), 2, "{svg}");
        let [ours, peer] = [">1.61</text>", ">3.23</text>"].map(|text| svg.find(text).unwrap());
        assert!(ours < peer);
    }
}
