//! Converts the coloured output of a command on standard input to a picture (SVG) of a terminal, for a
//! `light` or a `dark` page.
//!
//! ```text
//! buildperf --color always | cargo run -p perf-cli --example picture -- dark > list.svg
//! ```
#![forbid(unsafe_code)]

use std::io::{self, Read as _, Write as _};

use anstyle::{Color, RgbColor};
use anstyle_svg::{Palette, Term};
use clap::{Parser, ValueEnum};

/// Draws the output of a command
#[derive(Debug, Parser)]
struct Arguments {
    /// The background
    #[arg(value_enum)]
    background: Background,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Background {
    Light,
    Dark,
}

const fn rgb(hex: u32) -> RgbColor {
    let [_, red, green, blue] = hex.to_be_bytes();
    RgbColor(red, green, blue)
}

/// The first eight colours of a terminal; the bright ones are the same, because they are not used.
const fn palette(hex: [u32; 8]) -> Palette {
    let mut all = [rgb(0); 16];
    let mut index = 0;
    while index < 16 {
        all[index] = rgb(hex[index % 8]);
        index += 1;
    }
    Palette(all)
}

const LIGHT: Palette = palette([
    0x24_29_2f, 0xcf_22_2e, 0x11_63_29, 0x9a_67_00, 0x09_69_da, 0x82_50_df, 0x1b_7c_83, 0x6e_77_81,
]);
const DARK: Palette = palette([
    0x48_4f_58, 0xff_7b_72, 0x3f_b9_50, 0xd2_99_22, 0x58_a6_ff, 0xbc_8c_ff, 0x39_c5_cf, 0xb1_ba_c4,
]);

impl Background {
    fn terminal(self) -> Term {
        let (palette, text, background) = match self {
            Self::Light => (LIGHT, 0x1f_23_28, 0xf6_f8_fa),
            Self::Dark => (DARK, 0xe6_ed_f3, 0x0d_11_17),
        };
        Term::new()
            .palette(palette)
            .fg_color(Color::Rgb(rgb(text)))
            .bg_color(Color::Rgb(rgb(background)))
    }
}

/// At this size, block characters fill the height of a line.
const FONT: &str = "letter-spacing: -0.2px; font: 17px ";
/// The width of a character at this size, in pixels.
const CHARACTER_WIDTH: usize = 10;
/// To the left of each line, in pixels.
const MARGIN: usize = 10;

/// Sets the position of every character in lines with block characters. A font that lacks a character
/// is replaced by another one there, which may be wider or narrower.
fn aligned(picture: &str) -> String {
    let mut columns = 0;
    let mut lines: Vec<String> = Vec::new();
    for line in picture.lines() {
        let text = text_of(line);
        columns = columns.max(text.chars().count());
        // Block elements and Braille patterns.
        let is_drawing = text.contains(|c| matches!(c, '\u{2580}'..='\u{28ff}'));
        match line.split_once("<tspan x=\"10px\"") {
            Some((before, after)) if is_drawing => {
                let x = |column: usize| (MARGIN + column * CHARACTER_WIDTH).to_string();
                let xs: Vec<String> = (0..text.chars().count()).map(x).collect();
                lines.push(format!("{before}<tspan x=\"{}\"{after}", xs.join(" ")));
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

/// The text between the tags of a line.
fn text_of(line: &str) -> String {
    let Some((_, line)) = line.trim_start().split_once("<tspan") else { return String::new() };
    let mut text = String::new();
    for part in line.split('<') {
        text.push_str(part.split_once('>').map_or("", |(_, text)| text));
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn main() -> io::Result<()> {
    let Arguments { background } = Arguments::parse();
    let mut printed = String::new();
    io::stdin().read_to_string(&mut printed)?;
    let picture = background.terminal().render_svg(printed.trim_end());
    // Terminals dim text less than this.
    let picture = picture.replace(".dimmed { opacity: 0.4; }", ".dimmed { opacity: 0.6; }");
    io::stdout().write_all(aligned(&picture).as_bytes())
}
