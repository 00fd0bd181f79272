//! Reports: the result of a command, written in each format.

use std::io::{self, Write};

use perf_history::BuildStats;
use serde_json::Value;

use super::escape;
use super::style::{DIM, Span};
use super::table::{Cell, Column, InOrder, Kind, Object, Row, Table};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people, on a terminal or in a log.
    #[default]
    Table,
    /// For programs: numbers in the units of the record.
    Json,
    /// For spreadsheets: numbers in the units in the column names.
    Csv,
    /// For comments and pages.
    Markdown,
}

impl Format {
    /// Whether it is read by programs, which expect output even if there is nothing to report.
    pub(crate) fn is_for_programs(self) -> bool {
        matches!(self, Self::Json | Self::Csv)
    }
}

/// The result of a command.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// For people, in order. CSV contains the first table.
    pub blocks: Vec<Block>,
    /// For programs.
    pub json: Json,
}

#[derive(Debug, Default)]
pub(crate) enum Json {
    /// The rows of its table, each an object.
    #[default]
    Rows,
    /// The only row of its table.
    Row,
    /// An object with some fields, followed by the rows of its table under this name.
    RowsWithin { before: Vec<(&'static str, Value)>, rows: &'static str },
    /// A record with its fields in the order of the history.
    Record(Box<BuildStats>),
}

#[derive(Debug)]
pub(crate) enum Block {
    /// A line that introduces what follows.
    Title(Vec<Span>),
    Facts(Vec<Fact>),
    Table(Table),
    /// A table only for CSV and JSON, with the data of a drawing.
    Data(Table),
    /// A table of minor interest: collapsed in Markdown; only the summary is shown on a terminal.
    Folded {
        summary: String,
        table: Table,
    },
    /// Lines that need a monospaced font.
    Drawing(Vec<Vec<Span>>),
}

/// Facts with one label.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    label: String,
    facts: Vec<Span>,
}

impl Fact {
    /// A label without facts.
    pub(crate) fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), facts: Vec::new() }
    }

    pub(crate) fn and(mut self, fact: impl Into<Span>) -> Self {
        self.facts.push(fact.into());
        self
    }

    /// Adds several facts.
    pub(crate) fn and_all(mut self, facts: &[String]) -> Self {
        self.facts.extend(facts.iter().map(Span::plain));
        self
    }

    /// Adds a fact if it is known.
    pub(crate) fn known(mut self, fact: Option<String>) -> Self {
        self.facts.extend(fact.map(Span::plain));
        self
    }
}

/// A field of a JSON object.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Value(&'a Value),
    Rows(&'a [Object<'a>]),
}

/// The format of a report, and the width of the terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub format: Format,
    pub width: usize,
}

/// Longer facts are cut.
const MAX_FACT_WIDTH: usize = 100;

impl Report {
    /// A report of counts: a table with one row, and a JSON object.
    pub(crate) fn from_counts(counts: &[(&str, u64)]) -> Self {
        let column = |(name, _): &(&str, u64)| Column::new(*name, *name, Kind::Count, 0);
        let cells = counts.iter().map(|(_, count)| Cell::count(*count)).collect();
        let columns = counts.iter().map(column).collect();
        let table = Table { columns, rows: vec![Row { cells, ..Row::default() }] };
        Self { json: Json::Row, blocks: vec![Block::Table(table)] }
    }

    /// Writes the report. For a terminal it contains styles, which the target may strip.
    pub(crate) fn write(&self, target: &mut dyn Write, shape: Shape) -> io::Result<()> {
        match shape.format {
            Format::Table => target.write_all(self.to_terminal(shape.width).as_bytes()),
            Format::Markdown => target.write_all(self.to_markdown().as_bytes()),
            Format::Json => self.write_json(target),
            Format::Csv => self.table().map_or(Ok(()), |table| table.write_csv(target)),
        }
    }

    /// Inserts blocks for people at the start. The output for programs does not change.
    pub(crate) fn put_before(&mut self, blocks: Vec<Block>) {
        let table = self.table().cloned().map(Block::Data);
        self.blocks.splice(0..0, table.into_iter().chain(blocks));
    }

    fn table(&self) -> Option<&Table> {
        self.blocks.iter().find_map(|block| match block {
            Block::Table(table) | Block::Data(table) => Some(table),
            _ => None,
        })
    }

    fn write_json(&self, target: &mut dyn Write) -> io::Result<()> {
        let rows = || self.table().map(Table::objects).unwrap_or_default();
        match &self.json {
            Json::Record(stats) => escape::write_json(target, stats),
            Json::Rows => escape::write_json(target, &rows()),
            Json::Row => escape::write_json(target, &rows().first()),
            Json::RowsWithin { before, rows: name } => {
                let rows = rows();
                let before = before.iter().map(|(name, value)| (*name, Field::Value(value)));
                let fields = before.chain([(*name, Field::Rows(&rows))]).collect();
                escape::write_json(target, &InOrder(fields))
            }
        }
    }

    /// Joins the text of all blocks for people that are not empty.
    fn join_blocks(&self, push: impl Fn(&Block, &mut String)) -> String {
        let shown = self.blocks.iter().filter(|block| match block {
            Block::Data(_) => false,
            Block::Facts(facts) => facts.iter().any(|fact| !fact.facts.is_empty()),
            _ => true,
        });
        let mut text = String::new();
        for (number, block) in shown.enumerate() {
            if number > 0 {
                text.push('\n');
            }
            push(block, &mut text);
        }
        text
    }

    fn to_terminal(&self, width: usize) -> String {
        self.join_blocks(|block, text| match block {
            Block::Title(spans) => push_facts(text, "", 0, spans, "  ", width),
            Block::Facts(facts) => {
                let label = facts.iter().map(|fact| Span::plain(&fact.label).width()).max();
                let label_width = label.unwrap_or(0).min(width / 3) + 2;
                for Fact { label, facts } in facts.iter().filter(|fact| !fact.facts.is_empty()) {
                    push_facts(text, label, label_width, facts, " · ", width);
                }
            }
            Block::Table(table) | Block::Data(table) => table.push_terminal(width, text),
            Block::Folded { summary, .. } => {
                push_facts(text, "", 0, &[Span::dim(summary)], "", width);
            }
            Block::Drawing(lines) => {
                for line in lines {
                    let start = text.len();
                    for span in line {
                        span.push_terminal(text);
                    }
                    text.truncate(start + text[start..].trim_end().len());
                    text.push('\n');
                }
            }
        })
    }

    fn to_markdown(&self) -> String {
        let cut = |text: &str| escape::markdown(&escape::terminal_within(text, MAX_FACT_WIDTH));
        self.join_blocks(|block, text| match block {
            Block::Title(spans) => {
                let part = |span: &Span| {
                    let is_bold = span.style.get_effects().contains(anstyle::Effects::BOLD);
                    let mark = if is_bold { "**" } else { "" };
                    format!("{mark}{}{mark}", cut(&span.text))
                };
                let parts: Vec<_> = spans.iter().map(part).collect();
                text.extend([&parts.join(" "), "\n"]);
            }
            Block::Facts(facts) => {
                for Fact { label, facts } in facts.iter().filter(|fact| !fact.facts.is_empty()) {
                    let parts: Vec<_> = facts.iter().map(|fact| cut(&fact.text)).collect();
                    text.extend(["- ", &escape::markdown(label), ": ", &parts.join(" · "), "\n"]);
                }
            }
            Block::Table(table) | Block::Data(table) => table.push_markdown(text),
            Block::Folded { summary, table } => {
                text.extend(["<details>\n<summary>", &cut(summary), "</summary>\n\n"]);
                table.push_markdown(text);
                text.push_str("\n</details>\n");
            }
            Block::Drawing(lines) => push_fenced(text, lines),
        })
    }
}

/// Appends a label and facts, on as many lines as needed.
fn push_facts(
    text: &mut String,
    label: &str,
    label_width: usize,
    facts: &[Span],
    separator: &str,
    width: usize,
) {
    let label = escape::terminal_within(label, label_width);
    Span::new(format!("{label:<label_width$}"), DIM).push_terminal(text);
    let separator = Span::dim(separator);
    let longest = width.saturating_sub(label_width).clamp(8, MAX_FACT_WIDTH);
    let mut used = label_width;
    for fact in facts {
        let fact = Span::new(escape::terminal_within(&fact.text, longest), fact.style);
        if used > label_width && used + separator.width() + fact.width() > width {
            text.push('\n');
            text.push_str(&" ".repeat(label_width));
            used = label_width;
        } else if used > label_width {
            separator.push_terminal(text);
            used += separator.width();
        }
        fact.push_terminal(text);
        used += fact.width();
    }
    text.push('\n');
}

/// Appends lines in a fence that is longer than any sequence of backticks in them.
fn push_fenced(text: &mut String, lines: &[Vec<Span>]) {
    let plain = |line: &Vec<Span>| {
        let line: String = line.iter().map(|span| escape::terminal(&span.text)).collect();
        line.trim_end().to_owned()
    };
    let plain: Vec<String> = lines.iter().map(plain).collect();
    let longest = plain.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    text.extend([&fence, "text\n", &plain.join("\n"), "\n", &fence, "\n"]);
}
