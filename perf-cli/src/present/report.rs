//! What a command has to say, and how it is written in each format.

use std::io::{self, Write};

use perf_history::BuildStats;
use serde_json::Value;

use super::escape;
use super::style::{DIM, Span};
use super::table::{Cell, Column, InOrder, Kind, Object, Row, Table};

/// How what was found is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people, on a terminal or in a log.
    #[default]
    Table,
    /// For programs: numbers in the units of the record.
    Json,
    /// For spreadsheets: numbers in the units that the names of the columns say.
    Csv,
    /// For comments and pages.
    Markdown,
}

impl Format {
    /// Whether it is read by programs, which want an answer also where there is nothing.
    pub(crate) fn is_for_programs(self) -> bool {
        matches!(self, Self::Json | Self::Csv)
    }
}

/// What a command has to say.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// For people, in order. The first table of these is what CSV shows.
    pub blocks: Vec<Block>,
    /// For programs.
    pub json: Json,
}

/// What a report is to programs.
#[derive(Debug, Default)]
pub(crate) enum Json {
    /// The rows of its table, each an object.
    #[default]
    Rows,
    /// The only row of its table.
    Row,
    /// An object with some fields, and then the rows of its table under this name.
    RowsWithin {
        /// The fields.
        before: Vec<(&'static str, Value)>,
        /// The name of the rows.
        rows: &'static str,
    },
    /// A record as it stands in the history, its fields in their order.
    Record(Box<BuildStats>),
}

/// A part of a report.
#[derive(Debug)]
pub(crate) enum Block {
    /// A line that says what follows.
    Title(Vec<Span>),
    /// Facts, each with a label.
    Facts(Vec<Fact>),
    /// A table.
    Table(Table),
    /// A table for CSV and JSON alone, of what is drawn for people.
    Data(Table),
    /// A table that few want to see: folded away in Markdown, and but told of on a terminal.
    Folded {
        /// What is in it.
        summary: String,
        /// The table.
        table: Table,
    },
    /// Lines whose characters must stand under each other.
    Drawing(Vec<Vec<Span>>),
}

/// Facts with one label.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    label: String,
    facts: Vec<Span>,
}

impl Fact {
    /// No facts yet with this label.
    pub(crate) fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), facts: Vec::new() }
    }

    /// With one more.
    pub(crate) fn and(mut self, fact: Span) -> Self {
        self.facts.push(fact);
        self
    }

    /// With some more.
    pub(crate) fn and_all(mut self, facts: &[String]) -> Self {
        self.facts.extend(facts.iter().map(Span::plain));
        self
    }

    /// With one more, if it is known.
    pub(crate) fn known(self, fact: Option<String>) -> Self {
        match fact {
            Some(fact) => self.and(Span::plain(fact)),
            None => self,
        }
    }
}

/// A field of an object in JSON.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Value(&'a Value),
    Rows(&'a [Object<'a>]),
}

/// How wide a report may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The format.
    pub format: Format,
    /// Columns of the terminal.
    pub width: usize,
}

/// No single fact is longer: others must be seen as well.
const LONGEST_FACT: usize = 100;

impl Report {
    /// Some counts: a table of one row, and an object.
    pub(crate) fn of_counts(counts: &[(&str, u64)]) -> Self {
        let column = |(name, _): &(&str, u64)| Column::new(*name, *name, Kind::Count, 0);
        let cells = counts.iter().map(|(_, count)| Cell::count(*count)).collect();
        let columns = counts.iter().map(column).collect();
        let table = Table { columns, rows: vec![Row { cells, ..Row::default() }] };
        Self { json: Json::Row, blocks: vec![Block::Table(table)] }
    }

    /// Writes the report. On a terminal it has styles in it, which the target may strip.
    pub(crate) fn write(&self, target: &mut dyn Write, shape: Shape) -> io::Result<()> {
        match shape.format {
            Format::Table => target.write_all(self.to_terminal(shape.width).as_bytes()),
            Format::Markdown => target.write_all(self.to_markdown().as_bytes()),
            Format::Json => self.write_json(target),
            Format::Csv => self.table().map_or(Ok(()), |table| table.write_csv(target)),
        }
    }

    /// Puts blocks for people before it. Programs are told what they were without them.
    pub(crate) fn put_before(&mut self, blocks: Vec<Block>) {
        let table = self.table().cloned().map(Block::Data);
        self.blocks.splice(0..0, table.into_iter().chain(blocks));
    }

    /// The first table.
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

    /// The blocks for people that say anything.
    fn shown(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| match block {
            Block::Data(_) => false,
            Block::Facts(facts) => facts.iter().any(|fact| !fact.facts.is_empty()),
            _ => true,
        })
    }

    fn to_terminal(&self, width: usize) -> String {
        let mut text = String::new();
        for (number, block) in self.shown().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            match block {
                Block::Title(spans) => push_facts_line(&mut text, "", 0, spans, "  ", width),
                Block::Facts(facts) => {
                    let label = facts.iter().map(|fact| Span::plain(&fact.label).width()).max();
                    for fact in facts.iter().filter(|fact| !fact.facts.is_empty()) {
                        let label_width = label.unwrap_or(0).min(width / 3) + 2;
                        push_facts_line(
                            &mut text,
                            &fact.label,
                            label_width,
                            &fact.facts,
                            " · ",
                            width,
                        );
                    }
                }
                Block::Table(table) | Block::Data(table) => table.push_terminal(width, &mut text),
                Block::Folded { summary, .. } => {
                    push_facts_line(&mut text, "", 0, &[Span::dim(summary)], "", width);
                }
                Block::Drawing(lines) => {
                    for line in lines {
                        let mut out = String::new();
                        for span in line {
                            span.push_terminal(&mut out);
                        }
                        text.push_str(out.trim_end());
                        text.push('\n');
                    }
                }
            }
        }
        text
    }

    fn to_markdown(&self) -> String {
        let mut text = String::new();
        for (number, block) in self.shown().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            match block {
                Block::Title(spans) => {
                    let parts: Vec<_> = spans
                        .iter()
                        .map(|span| {
                            let part = escape::markdown(&escape::terminal_within(
                                &span.text,
                                LONGEST_FACT,
                            ));
                            if span.style.get_effects().contains(anstyle::Effects::BOLD) {
                                format!("**{part}**")
                            } else {
                                part
                            }
                        })
                        .collect();
                    text.push_str(&parts.join(" "));
                    text.push('\n');
                }
                Block::Facts(facts) => {
                    for fact in facts.iter().filter(|fact| !fact.facts.is_empty()) {
                        let parts = fact.facts.iter().map(|it| {
                            escape::markdown(&escape::terminal_within(&it.text, LONGEST_FACT))
                        });
                        let parts = parts.collect::<Vec<_>>().join(" · ");
                        text.push_str("- ");
                        text.push_str(&escape::markdown(&fact.label));
                        text.push_str(": ");
                        text.push_str(&parts);
                        text.push('\n');
                    }
                }
                Block::Table(table) | Block::Data(table) => table.push_markdown(&mut text),
                Block::Folded { summary, table } => {
                    let summary = escape::markdown(&escape::terminal_within(summary, LONGEST_FACT));
                    for part in ["<details>\n<summary>", &summary, "</summary>\n\n"] {
                        text.push_str(part);
                    }
                    table.push_markdown(&mut text);
                    text.push_str("\n</details>\n");
                }
                Block::Drawing(lines) => push_fenced(&mut text, lines),
            }
        }
        text
    }
}

/// Writes a label and facts, on as many lines as they take.
fn push_facts_line(
    text: &mut String,
    label: &str,
    label_width: usize,
    facts: &[Span],
    between: &str,
    width: usize,
) {
    let label =
        Span::new(format!("{:<label_width$}", escape::terminal_within(label, label_width)), DIM);
    label.push_terminal(text);
    let mut taken = label_width;
    for fact in facts {
        let longest = width.saturating_sub(label_width).clamp(8, LONGEST_FACT);
        let fact = Span::new(escape::terminal_within(&fact.text, longest), fact.style);
        let separator = Span::dim(between);
        if taken > label_width && taken + separator.width() + fact.width() > width {
            text.push('\n');
            text.push_str(&" ".repeat(label_width));
            taken = label_width;
        } else if taken > label_width {
            separator.push_terminal(text);
            taken += separator.width();
        }
        fact.push_terminal(text);
        taken += fact.width();
    }
    text.push('\n');
}

/// Writes lines in a fence of Markdown that is longer than any in them.
fn push_fenced(text: &mut String, lines: &[Vec<Span>]) {
    let plain: Vec<String> = lines
        .iter()
        .map(|line| {
            let line: String = line.iter().map(|it| escape::terminal(&it.text)).collect();
            line.trim_end().to_owned()
        })
        .collect();
    let longest = plain.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    for part in [&fence, "text\n", &plain.join("\n"), "\n", &fence, "\n"] {
        text.push_str(part);
    }
}
