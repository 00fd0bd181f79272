//! Tables, independent of the format: columns with the kind of their values, and cells.

mod terminal;

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::Style;
use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::escape;
use super::style::PLAIN;
use super::units::{self, Scale};

#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub columns: Vec<Column>,
    /// Each with a cell for each column.
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// The name for programs, with the unit if there is one: `build_time_ms`.
    pub key: String,
    /// The name for people, without the unit.
    pub heading: String,
    pub kind: Kind,
    /// If a terminal is too narrow, the column with the highest rank is dropped first. Columns of rank
    /// 0 stay; columns of rank [`Column::DATA`] are only for programs.
    pub rank: u8,
    /// Columns of one group share a unit; those of group 0 have their own.
    pub group: u8,
}

impl Column {
    pub(crate) const DATA: u8 = u8::MAX;

    pub(crate) fn new(
        key: impl Into<String>,
        heading: impl Into<String>,
        kind: Kind,
        rank: u8,
    ) -> Self {
        Self { key: key.into(), heading: heading.into(), kind, rank, group: 0 }
    }

    pub(crate) fn grouped(self, group: u8) -> Self {
        Self { group, ..self }
    }

    /// A column only for programs.
    pub(crate) fn data(key: impl Into<String>, kind: Kind) -> Self {
        Self::new(key, "", kind, Self::DATA)
    }
}

/// The kind of values in a column. Text is shortened to at least `least` characters on narrow terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text {
        least: usize,
    },
    /// Text whose end is more important than its start, such as a path.
    Ending {
        least: usize,
    },
    /// Sentences, which are wrapped.
    Prose,
    Time,
    Bytes,
    /// MiB.
    Megabytes,
    Count,
    /// Per second.
    Rate,
    /// Between 0 and 1, shown in percent.
    Share,
    /// Relative changes.
    Change,
    /// Between 0 and 1, drawn as a bar; only for terminals.
    Bar,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub cells: Vec<Cell>,
    /// For cells without a style.
    pub style: Style,
}

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
    /// A missing or unknown value.
    pub(crate) fn absent() -> Self {
        Self { content: Content::Absent, style: PLAIN }
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        let shown: String = text.into();
        Self::labelled(shown.clone(), shown)
    }

    /// Text that may be missing.
    pub(crate) fn known(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(Self::absent, Self::text)
    }

    /// Text for people, and the text for programs.
    pub(crate) fn labelled(shown: impl Into<String>, raw: impl Into<String>) -> Self {
        let (shown, raw) = (shown.into(), raw.into());
        Self { content: Content::Text { shown, raw, lines: String::new() }, style: PLAIN }
    }

    /// A name in a tree, the lines that lead to it, and the text for programs.
    pub(crate) fn in_tree(lines: String, name: impl Into<String>, path: impl Into<String>) -> Self {
        let (shown, raw) = (name.into(), path.into());
        Self { content: Content::Text { shown, raw, lines }, style: PLAIN }
    }

    /// A number, if it is known and finite.
    pub(crate) fn number(number: impl Into<Option<f64>>) -> Self {
        let number = number.into().filter(|number| number.is_finite());
        Self { content: number.map_or(Content::Absent, Content::Number), style: PLAIN }
    }

    pub(crate) fn count(count: impl Into<Option<u64>>) -> Self {
        Self::number(count.into().map(units::float))
    }

    pub(crate) fn flag(flag: impl Into<Option<bool>>) -> Self {
        Self { content: flag.into().map_or(Content::Absent, Content::Flag), style: PLAIN }
    }

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

/// The length of a full bar.
const BAR: u32 = 8;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar with a resolution of an eighth of a character.
fn bar(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=64")]
    let eighths = (share.clamp(0.0, 1.0) * f64::from(8 * BAR)).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// The minimum width of sentences.
const MIN_PROSE_WIDTH: usize = 20;

fn flag_name(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

/// How text that does not fit is shortened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TooLong {
    ShowStart,
    ShowEnd,
    Wrap,
}

/// How the cells of one column are written.
enum Writing {
    /// Text: the minimum width of the column, and how longer text is shortened.
    Text(usize, TooLong),
    /// On a scale, after multiplication by this factor.
    Scaled(Scale, f64),
    Share,
    Change,
    Bar,
}

impl Table {
    /// The columns for programs, with their indices.
    fn data(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(_, column)| column.kind != Kind::Bar)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The indices of the columns for people that are not empty.
    fn shown(&self) -> Vec<usize> {
        let has_content = |index: usize| {
            self.rows.iter().any(|row| !matches!(row.cells[index].content, Content::Absent))
        };
        let is_shown =
            |index: &usize| self.columns[*index].rank != Column::DATA && has_content(*index);
        (0..self.columns.len()).filter(is_shown).collect()
    }

    fn writing(&self, at: usize) -> Writing {
        let group = self.columns[at].group;
        let is_of_group =
            |column: &usize| *column == at || (group != 0 && self.columns[*column].group == group);
        let most = (0..self.columns.len())
            .filter(is_of_group)
            .flat_map(|at| self.rows.iter().filter_map(move |row| row.cells[at].as_number()))
            .fold(0.0, |most: f64, number| most.max(number.abs()));
        match self.columns[at].kind {
            Kind::Text { least } => Writing::Text(least, TooLong::ShowStart),
            Kind::Ending { least } => Writing::Text(least, TooLong::ShowEnd),
            Kind::Prose => Writing::Text(MIN_PROSE_WIDTH, TooLong::Wrap),
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
        matches!(self, Self::Text(_, TooLong::Wrap))
    }

    /// As much of a text as fits into the width.
    fn fit<'text>(&self, text: &'text str, width: usize) -> Cow<'text, str> {
        match self {
            Self::Text(_, TooLong::ShowEnd) => escape::terminal_end_within(text, width),
            _ => escape::terminal_within(text, width),
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

impl Table {
    pub(crate) fn write_csv(&self, target: &mut dyn Write) -> io::Result<()> {
        self.write_csv_head(target)?;
        self.write_csv_rows(target)
    }

    /// Writes the names of the columns.
    pub(crate) fn write_csv_head(&self, target: &mut dyn Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(target);
        let names = self.data().map(|(_, column)| escape::csv(&column.key));
        writer.write_record(names.map(|name| name.as_bytes().to_owned())).map_err(io_error)?;
        writer.flush()
    }

    /// Writes the rows, without the names of the columns.
    pub(crate) fn write_csv_rows(&self, target: &mut dyn Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(target);
        for row in &self.rows {
            let cells = self.data().map(|(index, _)| match &row.cells[index].content {
                Content::Absent => String::new(),
                Content::Number(number) => number.to_string(),
                Content::Flag(flag) => flag.to_string(),
                Content::Text { raw, .. } => escape::csv(raw).into_owned(),
            });
            writer.write_record(cells).map_err(io_error)?;
        }
        writer.flush()
    }
}

/// The error of the target; its kind says whether the reader closed the pipe.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Larger integers are not exact in a double.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// An object with its fields in order.
pub(crate) struct InOrder<'a, T>(pub(crate) Vec<(&'a str, T)>);

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub(crate) type Object<'a> = InOrder<'a, Field<'a>>;

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Field<'a> {
    Flag(bool),
    Number(Number),
    Text(&'a str),
}

impl Table {
    /// The rows as objects with the keys of the columns.
    pub(crate) fn objects(&self) -> Vec<Object<'_>> {
        let mut objects = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let cells = self.data().map(|(index, column)| (column, &row.cells[index]));
            let fields = cells.filter_map(|(column, cell)| {
                let field = match &cell.content {
                    Content::Absent => return None,
                    Content::Flag(flag) => Field::Flag(*flag),
                    Content::Number(number) => Field::Number(as_number(*number)?),
                    Content::Text { raw, .. } => Field::Text(raw),
                };
                Some((column.key.as_str(), field))
            });
            objects.push(InOrder(fields.collect()));
        }
        objects
    }

    pub(crate) fn to_value(&self) -> Value {
        // Text and numbers can always be converted.
        serde_json::to_value(self.objects()).unwrap_or_default()
    }
}

/// Integers have no decimals.
fn as_number(number: f64) -> Option<Number> {
    if number.fract() == 0.0 && number.abs() < MAX_INTEGER {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
        return Some((number as i64).into());
    }
    Number::from_f64(number)
}

/// Longer text is cut.
const MAX_LENGTH: usize = 120;

impl Table {
    pub(crate) fn push_markdown(&self, text: &mut String) {
        let columns = self.shown().into_iter().map(|index| (index, self.writing(index)));
        let columns: Vec<_> =
            columns.filter(|(_, writing)| !matches!(writing, Writing::Bar)).collect();
        if columns.is_empty() {
            return;
        }
        let mut push = |cells: Vec<String>| text.extend(["| ", &cells.join(" | "), " |\n"]);
        let heading =
            |(index, writing): &(usize, Writing)| short(&writing.heading(&self.columns[*index]));
        let alignment =
            |writing: &Writing| if writing.is_on_the_left() { ":--" } else { "--:" }.to_owned();
        push(columns.iter().map(heading).collect());
        push(columns.iter().map(|(_, writing)| alignment(writing)).collect());
        for row in &self.rows {
            let cell = |(index, writing): &(usize, Writing)| match &row.cells[*index].content {
                Content::Absent => String::new(),
                Content::Flag(flag) => flag_name(*flag).to_owned(),
                Content::Number(number) => writing.number(*number).trim_end().to_owned(),
                // Indentation replaces tree lines, because the font is not monospaced.
                Content::Text { shown, lines, .. } => {
                    "&nbsp;".repeat(lines.chars().count()) + &short(shown)
                }
            };
            push(columns.iter().map(cell).collect());
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => escape::markdown(&text[..end]) + "…",
        None => escape::markdown(text),
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn the_length_of_a_bar_is_its_share() {
        assert_eq!(bar(1.0), "████████");
        assert_eq!(bar(0.5), "████");
        assert_eq!(bar(0.17), "█▍");
        assert_eq!(bar(0.001), "");
        assert_eq!(bar(7.0), bar(1.0));
        assert_eq!(bar(-1.0), "");
    }
}
