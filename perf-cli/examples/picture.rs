//! Draws what a command printed, with its colours, as a terminal shows it: a picture (SVG) of
//! standard input, for a `light` or a `dark` page.
//!
//! ```text
//! buildperf --color always | cargo run -p perf-cli --example picture -- dark > list.svg
//! ```
#![forbid(unsafe_code)]

use std::io::{self, Read as _, Write as _};

use anstyle::{Color, RgbColor};
use anstyle_svg::{Palette, Term};
use clap::{Parser, ValueEnum};

/// Draws what a command printed
#[derive(Debug, Parser)]
struct Arguments {
    /// The ground that it is printed on
    #[arg(value_enum)]
    ground: Ground,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ground {
    Light,
    Dark,
}

const fn rgb(hex: u32) -> RgbColor {
    let [_, red, green, blue] = hex.to_be_bytes();
    RgbColor(red, green, blue)
}

/// The first eight colours of a terminal; the bright ones are the same, as nothing is printed in
/// them.
const fn palette(hex: [u32; 8]) -> Palette {
    let mut all = [rgb(0); 16];
    let mut place = 0;
    while place < 16 {
        all[place] = rgb(hex[place % 8]);
        place += 1;
    }
    Palette(all)
}

const LIGHT: Palette = palette([
    0x24_29_2f, 0xcf_22_2e, 0x11_63_29, 0x9a_67_00, 0x09_69_da, 0x82_50_df, 0x1b_7c_83, 0x6e_77_81,
]);
const DARK: Palette = palette([
    0x48_4f_58, 0xff_7b_72, 0x3f_b9_50, 0xd2_99_22, 0x58_a6_ff, 0xbc_8c_ff, 0x39_c5_cf, 0xb1_ba_c4,
]);

impl Ground {
    fn terminal(self) -> Term {
        let (palette, text, ground) = match self {
            Self::Light => (LIGHT, 0x1f_23_28, 0xf6_f8_fa),
            Self::Dark => (DARK, 0xe6_ed_f3, 0x0d_11_17),
        };
        Term::new()
            .palette(palette)
            .fg_color(Color::Rgb(rgb(text)))
            .bg_color(Color::Rgb(rgb(ground)))
    }
}

/// In pixels. Blocks of this size fill the lines that they stand on.
const FONT: &str = "letter-spacing: -0.2px; font: 17px ";
/// What a character takes then.
const CHARACTER_WIDTH: usize = 10;
/// Left of a line.
const MARGIN: usize = 10;

/// Puts all that is drawn by characters in its place: fonts that lack a character have it from
/// others, which are wider or narrower.
fn aligned(picture: &str) -> String {
    let mut columns = 0;
    let mut lines: Vec<String> = Vec::new();
    for line in picture.lines() {
        let text = text_of(line);
        columns = columns.max(text.chars().count());
        // Blocks and dots.
        let is_drawing = text.contains(|c| matches!(c, '\u{2580}'..='\u{28ff}'));
        match line.split_once("<tspan x=\"10px\"") {
            Some((before, after)) if is_drawing => {
                let place = |column: usize| (MARGIN + column * CHARACTER_WIDTH).to_string();
                let places: Vec<String> = (0..text.chars().count()).map(place).collect();
                let places = places.join(" ");
                lines.push(format!("{before}<tspan x=\"{places}\"{after}"));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let width = columns * CHARACTER_WIDTH + 2 * MARGIN;
    if let Some(head) = lines.first_mut()
        && let Some((_, after)) = head.split_once("px\"")
    {
        *head = format!("<svg width=\"{width}px\"{after}");
    }
    lines.join("\n").replace("font: 14px ", FONT) + "\n"
}

/// What stands between the tags of a line of the text.
fn text_of(line: &str) -> String {
    let Some((_, line)) = line.trim_start().split_once("<tspan") else { return String::new() };
    let mut text = String::new();
    for part in line.split('<') {
        text.push_str(part.split_once('>').map_or("", |(_, text)| text));
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn main() -> io::Result<()> {
    let Arguments { ground } = Arguments::parse();
    let mut printed = String::new();
    io::stdin().read_to_string(&mut printed)?;
    let picture = ground.terminal().render_svg(printed.trim_end());
    // Paler than terminals dim.
    let picture = picture.replace(".dimmed { opacity: 0.4; }", ".dimmed { opacity: 0.6; }");
    io::stdout().write_all(aligned(&picture).as_bytes())
}
