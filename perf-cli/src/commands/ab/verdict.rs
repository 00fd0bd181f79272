//! What `ab` says in the end: a sentence, the phases that changed, and an exit code.

use anstyle::Style;
use serde_json::{Value, json};

use super::pairs::PhaseTimes;
use crate::failure::{Exit, Failure};
use crate::judge::Verdict;
use crate::judge::sequential::{Comparison, Decision};
use crate::present::style::{BAD, GOOD, NOTICE, STRONG};
use crate::present::{Block, Fact, Json, Report, Span, units};

/// What was decided of the build, and of its phases by their paths.
pub(super) struct Answer {
    build: Decision,
    phases: Vec<(String, Decision)>,
}

impl Answer {
    pub(super) fn new(decided: Comparison, phases: Vec<PhaseTimes>) -> Self {
        let paths = phases.into_iter().map(|phase| phase.path);
        Self { build: decided.build, phases: paths.zip(decided.phases).collect() }
    }

    /// What is said of the build.
    pub(super) fn sentence(&self) -> String {
        format!("{}: {}", self.build.verdict, told(&self.build))
    }

    /// Puts it before a comparison of the same builds.
    pub(super) fn put_before(&self, report: &mut Report, session: &str) {
        let title = vec![
            Span::new(self.build.verdict.word(), style(self.build.verdict).bold()),
            Span::plain(told(&self.build)),
        ];
        let facts = self.changed().map(|(path, decision)| {
            let word = Span::new(decision.verdict.word(), style(decision.verdict));
            Fact::new(path).and(word).and(Span::plain(told(decision)))
        });
        let facts = facts.collect();
        report.blocks.splice(0..0, [Block::Title(title), Block::Facts(facts)]);
        if let Json::RowsWithin { before, .. } = &mut report.json {
            let phases = self.phases.iter().map(|(path, decision)| {
                let mut fields = fields(decision);
                fields["path"] = path.as_str().into();
                fields
            });
            let judged = [
                ("verdict", fields(&self.build)),
                ("phase_verdicts", phases.collect()),
                ("session", session.into()),
            ];
            before.splice(0..0, judged);
        }
    }

    /// The exit code, or why nothing can be said.
    pub(super) fn exit(&self) -> Result<Exit, Failure> {
        let verdicts = || std::iter::once(&self.build).chain(self.phases.iter().map(|it| &it.1));
        if verdicts().any(|it| it.verdict == Verdict::Regression) {
            return Ok(Exit::Regression);
        }
        if self.build.verdict == Verdict::Insufficient {
            return Err(Failure::NoData(format!(
                "{} cannot be sure: it takes {}",
                units::counted(self.build.pairs as u64, "pair"),
                self.build.pairs_needed
            )));
        }
        Ok(Exit::Fine)
    }

    fn changed(&self) -> impl Iterator<Item = &(String, Decision)> {
        let is_change = |it: Verdict| matches!(it, Verdict::Regression | Verdict::Improvement);
        self.phases.iter().filter(move |(_, decision)| is_change(decision.verdict))
    }
}

/// `121 ms → 145 ms, +20.0 % (p 0.0001, 10 pairs)`.
fn told(decision: &Decision) -> String {
    let Decision { base, head, pairs, p, .. } = *decision;
    let change = decision
        .ratio
        .map_or_else(String::new, |ratio| format!(", {}", units::change(ratio - 1.0)));
    format!(
        "{} → {}{change} (p {}, {})",
        units::time(base),
        units::time(head),
        probability(p),
        units::counted(pairs as u64, "pair"),
    )
}

/// To two digits that matter, but nothing below a millionth.
fn probability(p: f64) -> String {
    match p {
        p if p < 1e-6 => "< 0.000001".to_owned(),
        p if p < 1e-3 => format!("{p:.6}"),
        p if p < 0.1 => format!("{p:.4}"),
        p => format!("{p:.2}"),
    }
}

fn fields(decision: &Decision) -> Value {
    json!({
        "verdict": decision.verdict,
        "base_ms": decision.base,
        "head_ms": decision.head,
        "ratio": decision.ratio,
        "p": decision.p,
        "pairs": decision.pairs,
    })
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Regression => BAD,
        Verdict::Improvement => GOOD,
        Verdict::Insufficient | Verdict::Suspect => NOTICE,
        Verdict::Unchanged => STRONG,
    }
}
