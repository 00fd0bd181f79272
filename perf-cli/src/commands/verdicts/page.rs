//! The findings as tables, as data, and as the body of a comment.

use anstyle::Style;
use serde_json::{Value, json};

use super::{Judged, of_build_time, overall};
use crate::judge::Verdict;
use crate::present::style::{BAD, DIM, GOOD, NOTICE, PLAIN};
use crate::present::{
    Block, Cell, Column, Fact, Format, Json, Kind, Report, Row, Shape, Span, Table, units,
};

/// The longest comment. GitHub accepts 65,536 characters; some are left for what callers add.
pub(super) const LONGEST_COMMENT: usize = 60_000;

const MOST_UNCHANGED: usize = 500;

/// The findings, and what is shown with them.
#[derive(Debug, Default)]
pub(in crate::commands) struct Page {
    /// The most important first.
    pub(in crate::commands) judged: Vec<Judged>,
    /// The title after the verdict.
    pub(in crate::commands) title: Vec<Span>,
    /// What was judged against what.
    pub(in crate::commands) facts: Vec<Fact>,
    /// The commits between baseline and candidate, in the notation of `git log`.
    pub(in crate::commands) commits: Option<String>,
    /// The same for programs.
    pub(in crate::commands) data: Vec<(&'static str, Value)>,
}

impl Page {
    pub(in crate::commands) fn verdict(&self) -> Verdict {
        overall(&self.judged)
    }

    /// The page, with at most `changed` and `unchanged` rows.
    fn report(&self, changed: usize, unchanged: usize) -> Report {
        let mut blocks = vec![Block::Data(self.data_table())];
        blocks.extend(self.blocks(changed, unchanged));
        let before = self.fields();
        Report { blocks, json: Json::RowsWithin { before, rows: "findings" } }
    }

    /// Puts the findings before a comparison of the same builds.
    pub(in crate::commands) fn put_before(&self, comparison: &mut Report) {
        comparison.put_before(self.blocks(self.judged.len(), MOST_UNCHANGED));
        if let Json::RowsWithin { before, .. } = &mut comparison.json {
            let mut judged = self.fields();
            judged.push(("findings", self.data_table().to_value()));
            before.splice(0..0, judged);
        }
    }

    /// A sentence for each change; if nothing changed, one about the build's time.
    pub(in crate::commands) fn sentences(&self) -> Vec<String> {
        let sentence = |judged: &Judged| {
            format!("{}: {} ({})", headline(judged.verdict), judged.describe(), self.why(judged))
        };
        let news = self.judged.iter().filter(|judged| judged.is_change()).map(sentence);
        let news: Vec<String> = news.collect();
        if news.is_empty() {
            return of_build_time(&self.judged).map(sentence).into_iter().collect();
        }
        news
    }

    /// For programs, before the findings.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("verdict", Value::from(self.verdict().word()))];
        fields.extend(self.data.iter().cloned());
        fields.push(("commits", json!(self.commits)));
        fields
    }

    /// For people, with at most `changed` and `unchanged` rows.
    fn blocks(&self, changed: usize, unchanged: usize) -> Vec<Block> {
        let verdict = self.verdict();
        let mut title = vec![Span::new(headline(verdict), style(verdict).bold())];
        title.extend(self.title.iter().cloned());
        let news: Vec<&Judged> = self.judged.iter().filter(|judged| judged.is_change()).collect();
        let rest: Vec<&Judged> = self.judged.iter().filter(|judged| !judged.is_change()).collect();
        let mut blocks =
            vec![Block::Title(title), Block::Facts(self.facts.iter().map(Fact::clone).collect())];
        if !news.is_empty() {
            blocks.push(Block::Table(self.table(&news, changed)));
        }
        if !rest.is_empty() {
            blocks.push(Block::Folded {
                summary: summary(&rest),
                table: self.table(&rest, unchanged),
            });
        }
        blocks
    }

    fn table(&self, judged: &[&Judged], most: usize) -> Table {
        let text = |least| Kind::Text { least };
        let columns = vec![
            Column::new("verdict", "", text(10), 0),
            Column::new("what", "what", Kind::Ending { least: 18 }, 0),
            Column::new("old", "was", text(8), 3),
            Column::new("new", "is", text(8), 1),
            Column::new("change", "change", Kind::Change, 0),
            Column::new("why", "how sure", Kind::Prose, 2),
        ];
        let mut rows: Vec<Row> = judged.iter().take(most).map(|judged| self.row(judged)).collect();
        if judged.len() > most {
            let more = units::count(judged.len() - most);
            let mut cells = vec![Cell::text("…"), Cell::text(format!("and {more} more"))];
            cells.resize(columns.len(), Cell::absent());
            rows.push(Row { cells, style: DIM });
        }
        Table { columns, rows }
    }

    fn row(&self, judged: &Judged) -> Row {
        let style = style(judged.verdict);
        let cells = vec![
            Cell::text(judged.verdict.word()).styled(style),
            Cell::text(judged.what()),
            Cell::text(judged.measure.shown(judged.old)),
            Cell::text(judged.measure.shown(judged.new)),
            Cell::number(judged.change()).styled(style),
            Cell::text(self.why(judged)),
        ];
        Row { cells, ..Row::default() }
    }

    /// What explains a finding, except its numbers.
    fn why(&self, judged: &Judged) -> String {
        let mut parts = judged.why.clone();
        if judged.is_creep {
            parts.push("slowly changed since the last accepted level".to_owned());
        }
        if judged.is_change() {
            parts.extend(judged.place.clone());
            parts.extend(
                self.commits
                    .as_ref()
                    .filter(|_| !judged.is_creep)
                    .map(|commits| format!("in {commits}")),
            );
        }
        parts.join("; ")
    }

    fn data_table(&self) -> Table {
        let text = Kind::Text { least: 0 };
        let columns = vec![
            Column::data("verdict", text),
            Column::data("phase", text),
            Column::data("measure", text),
            Column::data("old", Kind::Rate),
            Column::data("new", Kind::Rate),
            Column::data("change", Kind::Change),
            Column::data("z", Kind::Rate),
            Column::data("p", Kind::Rate),
            Column::data("builds", Kind::Count),
            Column::data("baseline_builds", Kind::Count),
            Column::data("baseline_sessions", Kind::Count),
            Column::data("against_accepted_level", text),
            Column::data("place", text),
            Column::data("why", text),
        ];
        let row = |judged: &Judged| {
            let cells = vec![
                Cell::text(judged.verdict.word()),
                Cell::known(judged.phase.as_ref()),
                Cell::text(judged.measure.key()),
                Cell::number(judged.old),
                Cell::number(judged.new),
                Cell::number(judged.change()),
                Cell::number(judged.z),
                Cell::number(judged.p),
                Cell::count(judged.builds as u64),
                Cell::count(judged.baseline_builds as u64),
                Cell::count(judged.baseline_sessions as u64),
                Cell::flag(judged.is_creep),
                Cell::known(judged.place.as_ref()),
                Cell::text(self.why(judged)),
            ];
            Row { cells, style: PLAIN }
        };
        Table { columns, rows: self.judged.iter().map(row).collect() }
    }
}

/// The report in this format; as Markdown, short enough for a comment.
pub(in crate::commands) fn fit_for_a_comment(page: &Page, format: Format) -> Report {
    let (mut changed, mut unchanged) = (page.judged.len(), MOST_UNCHANGED);
    loop {
        let report = page.report(changed, unchanged);
        if format != Format::Markdown || (changed <= 1 && unchanged <= 1) {
            return report;
        }
        let mut text = Vec::new();
        let shape = Shape { format, width: 0 };
        // Writing to memory cannot fail.
        let _ = report.write(&mut text, shape);
        if String::from_utf8_lossy(&text).chars().count() <= LONGEST_COMMENT {
            return report;
        }
        // Unchanged numbers are dropped first.
        if unchanged > 1 { unchanged /= 2 } else { changed /= 2 }
    }
}

/// [`Page::commits`] as a fact.
pub(in crate::commands) fn between(commits: Option<&str>) -> Fact {
    Fact::new("between").known(commits.map(|commits| format!("commits {commits}")))
}

/// The signs that the machine was busy.
pub(in crate::commands) fn busy(noise: Option<&str>) -> Fact {
    Fact::new("noise").known(noise.map(|signs| format!("the machine was busy: {signs}")))
}

fn headline(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regression => "regression",
        Verdict::Suspect => "suspect",
        Verdict::Improvement => "improvement",
        Verdict::Unchanged => "unchanged",
        Verdict::Insufficient => "nothing was judged",
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Regression => BAD,
        Verdict::Suspect => NOTICE,
        Verdict::Improvement => GOOD,
        Verdict::Unchanged => PLAIN,
        Verdict::Insufficient => DIM,
    }
}

/// The summary of folded rows.
fn summary(judged: &[&Judged]) -> String {
    let count = |verdict| judged.iter().filter(|judged| judged.verdict == verdict).count() as u64;
    let (same, unknown) = (count(Verdict::Unchanged), count(Verdict::Insufficient));
    let number = |count: u64| units::counted(count, "number");
    match (same, unknown) {
        (same, 0) => format!("{} unchanged", number(same)),
        (0, unknown) => format!("{} with too few builds to judge", number(unknown)),
        (same, unknown) => {
            format!("{} unchanged, {} with too few builds to judge", number(same), number(unknown))
        }
    }
}
