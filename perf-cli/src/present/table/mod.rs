//! A table as it is before it has a format: columns that say what their numbers are, and cells.

mod csv;
mod json;
mod markdown;
mod terminal;

use std::borrow::Cow;

use anstyle::Style;

pub(super) use json::{InOrder, Object};

use super::escape;
use super::style::PLAIN;
use super::units::{self, Scale};

/// A table. How it looks is up to the format.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    /// What the columns hold.
    pub columns: Vec<Column>,
    /// The rows, each with a cell for each column.
    pub rows: Vec<Row>,
}

/// What a column holds, and how much it matters.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its name for programs, with the unit where it has one: `build_time_ms`.
    pub key: String,
    /// Its name for people, without the unit.
    pub heading: String,
    /// What its cells are.
    pub kind: Kind,
    /// Where a terminal is too narrow, the column of the highest rank goes first. Rank 0 stays;
    /// [`Column::DATA`] is for programs alone.
    pub rank: u8,
    /// Columns of one group have one unit; those of group 0 have each their own.
    pub group: u8,
}

impl Column {
    /// The rank of what people need not see.
    pub(crate) const DATA: u8 = u8::MAX;

    /// A column.
    pub(crate) fn new(
        key: impl Into<String>,
        heading: impl Into<String>,
        kind: Kind,
        rank: u8,
    ) -> Self {
        Self { key: key.into(), heading: heading.into(), kind, rank, group: 0 }
    }

    /// The same column in a group of which all have one unit.
    pub(crate) fn grouped(self, group: u8) -> Self {
        Self { group, ..self }
    }

    /// A column for programs alone.
    pub(crate) fn data(key: impl Into<String>, kind: Kind) -> Self {
        Self::new(key, "", kind, Self::DATA)
    }
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, of which at least so many columns are shown.
    Text {
        /// Where the terminal is narrow, no less than this is shown.
        least: usize,
    },
    /// Text as above whose end says more than its beginning, such as a path.
    Ending {
        /// Where the terminal is narrow, no less than this is shown.
        least: usize,
    },
    /// Sentences, which go on below where they are too long.
    Prose,
    /// Milliseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Megabytes of 2^20 bytes.
    Megabytes,
    /// Numbers of things.
    Count,
    /// Things a second.
    Rate,
    /// Shares of 1.
    Share,
    /// Changes as shares of what was.
    Change,
    /// Shares of 1 drawn as bars: for terminals alone.
    Bar,
}

/// A row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    /// Its cells, in the order of the columns.
    pub cells: Vec<Cell>,
    /// How all of it looks, on top of what its cells say.
    pub style: Style,
}

/// A cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    content: Content,
    style: Style,
}

#[derive(Debug, Clone)]
enum Content {
    Absent,
    Text { shown: String, raw: String, lines: String },
    Number(f64),
    Flag(bool),
}

impl Cell {
    /// Nothing: unknown, or not there.
    pub(crate) fn absent() -> Self {
        Self { content: Content::Absent, style: PLAIN }
    }

    /// Text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let shown: String = text.into();
        Self::labelled(shown.clone(), shown)
    }

    /// Text that is shown to people, and what programs are told instead.
    pub(crate) fn labelled(shown: impl Into<String>, raw: impl Into<String>) -> Self {
        let (shown, raw) = (shown.into(), raw.into());
        Self { content: Content::Text { shown, raw, lines: String::new() }, style: PLAIN }
    }

    /// A name in a tree, the lines that lead to it, and what programs are told instead.
    pub(crate) fn in_tree(lines: String, name: impl Into<String>, path: impl Into<String>) -> Self {
        let (shown, raw) = (name.into(), path.into());
        Self { content: Content::Text { shown, raw, lines }, style: PLAIN }
    }

    /// A number, where it is known and finite.
    pub(crate) fn number(number: impl Into<Option<f64>>) -> Self {
        let number = number.into().filter(|number| number.is_finite());
        Self { content: number.map_or(Content::Absent, Content::Number), style: PLAIN }
    }

    /// A counter, where it is known.
    pub(crate) fn count(count: impl Into<Option<u64>>) -> Self {
        Self::number(count.into().map(units::float))
    }

    /// Yes or no, where it is known.
    pub(crate) fn flag(flag: impl Into<Option<bool>>) -> Self {
        Self { content: flag.into().map_or(Content::Absent, Content::Flag), style: PLAIN }
    }

    /// The same cell in a style.
    pub(crate) fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    fn as_number(&self) -> Option<f64> {
        match self.content {
            Content::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// How long the bar of all is.
const BAR: u32 = 8;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar as long as its share, to an eighth of a character.
fn bar(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=64")]
    let eighths = (share.clamp(0.0, 1.0) * f64::from(8 * BAR)).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Sentences in less than this cannot be read.
const LEAST_PROSE: usize = 20;

fn flag_name(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

/// What is done with text that does not fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TooLong {
    /// It ends in an ellipsis.
    ShowBeginning,
    /// It begins with an ellipsis.
    ShowEnd,
    /// It goes on below.
    GoOnBelow,
}

/// How the numbers of one column are written.
enum Writing {
    /// Text: the column's least width, and what is done with more than fits.
    Text(usize, TooLong),
    /// On a scale, after multiplying by this.
    Scaled(Scale, f64),
    Share,
    Change,
    Bar,
}

impl Table {
    /// The columns for programs, each with the place of its cells.
    fn data(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(_, column)| column.kind != Kind::Bar)
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The columns for people that have anything in them, by their places.
    fn shown(&self) -> Vec<usize> {
        let has_content = |at: usize| {
            self.rows.iter().any(|row| !matches!(row.cells[at].content, Content::Absent))
        };
        let is_shown = |at: &usize| self.columns[*at].rank != Column::DATA && has_content(*at);
        (0..self.columns.len()).filter(is_shown).collect()
    }

    fn writing(&self, at: usize) -> Writing {
        let group = self.columns[at].group;
        let is_of_group =
            |it: &usize| *it == at || (group != 0 && self.columns[*it].group == group);
        let most = (0..self.columns.len())
            .filter(is_of_group)
            .flat_map(|at| self.rows.iter().filter_map(move |row| row.cells[at].as_number()))
            .fold(0.0, |most: f64, number| most.max(number.abs()));
        match self.columns[at].kind {
            Kind::Text { least } => Writing::Text(least, TooLong::ShowBeginning),
            Kind::Ending { least } => Writing::Text(least, TooLong::ShowEnd),
            Kind::Prose => Writing::Text(LEAST_PROSE, TooLong::GoOnBelow),
            Kind::Time => Writing::Scaled(Scale::time(most), 1.0),
            Kind::Bytes => Writing::Scaled(Scale::bytes(most), 1.0),
            Kind::Megabytes => {
                Writing::Scaled(Scale::bytes(units::mebibytes(most)), units::mebibytes(1.0))
            }
            Kind::Count => Writing::Scaled(Scale::count(), 1.0),
            Kind::Rate => Writing::Scaled(Scale::rate(most), 1.0),
            Kind::Share => Writing::Share,
            Kind::Change => Writing::Change,
            Kind::Bar => Writing::Bar,
        }
    }
}

impl Writing {
    fn is_on_the_left(&self) -> bool {
        matches!(self, Self::Text(..) | Self::Bar)
    }

    fn is_prose(&self) -> bool {
        matches!(self, Self::Text(_, TooLong::GoOnBelow))
    }

    /// As much of a text as fits into so many columns of a terminal.
    fn fit<'text>(&self, text: &'text str, room: usize) -> Cow<'text, str> {
        match self {
            Self::Text(_, TooLong::ShowEnd) => escape::terminal_end_within(text, room),
            _ => escape::terminal_within(text, room),
        }
    }

    fn heading(&self, column: &Column) -> String {
        match self {
            Self::Scaled(Scale { unit, .. }, _) if !unit.is_empty() && *unit != "/s" => {
                format!("{} {unit}", column.heading)
            }
            _ => column.heading.clone(),
        }
    }

    fn number(&self, number: f64) -> String {
        match self {
            Self::Text(..) => number.to_string(),
            Self::Scaled(scale, factor) => scale.number(number * factor),
            Self::Share => units::share(number),
            Self::Change => units::change(number),
            Self::Bar => bar(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(1.0), "████████");
        assert_eq!(bar(0.5), "████");
        assert_eq!(bar(0.17), "█▍");
        assert_eq!(bar(0.001), "");
        assert_eq!(bar(7.0), bar(1.0));
        assert_eq!(bar(-1.0), "");
    }
}
