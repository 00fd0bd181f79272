//! Whose time and memory it is: what perf-runtime and hotpath say of programs of which it is known
//! what each phase took.

use std::path::PathBuf;
use std::process::Command;

use cargo_metadata::MetadataCommand;
use serde::Serialize;
use situations::{ALL, Ask, Question, Situation, Told};

use crate::error::Error;
use crate::programs::{Build, ask, without_switches, workspace};
use crate::statistics::median;

/// How often each program is run.
const RUNS: usize = 5;
/// A figure that is off by more is wrong, not inexact.
const TOLERANCE: f64 = 0.05;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Attribution {
    pub(crate) hotpath_version: String,
    pub(crate) findings: Vec<Finding>,
}

/// What both say to one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// What happens in the program.
    pub(crate) situation: &'static str,
    pub(crate) question: String,
    pub(crate) unit: Unit,
    pub(crate) truth: f64,
    /// `None` where it does not tell.
    pub(crate) perf_runtime: Option<f64>,
    /// `None` where it does not tell.
    pub(crate) hotpath: Option<f64>,
}

/// What an answer is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Bytes,
    Milliseconds,
    Number,
}

/// How far an answer is from the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Exact,
    Close,
    Wrong,
}

/// Runs all programs with both. `progress` is told of each.
pub(crate) fn run(progress: impl Fn(&str)) -> Result<Attribution, Error> {
    let build = Build { folder: workspace(), package: "situation-programs", arguments: &[] };
    let programs = build.run()?;
    let program = |name: &str| {
        let path = programs.get(name).cloned();
        path.ok_or_else(|| Error::NoProgram { package: name.to_owned() })
    };
    let (ours, theirs) = (program("with-perf-runtime")?, program("with-hotpath")?);
    let mut findings = Vec::new();
    for situation in &ALL {
        progress(situation.what);
        let mut told: [Vec<Told>; 2] = Default::default();
        for _ in 0..RUNS {
            told[0].push(tell(&ours, situation, &[])?);
            told[1].push(tell_hotpath(&theirs, situation)?);
        }
        let answers = situation.questions.iter().map(|it| finding(situation, it, &told));
        findings.extend(answers);
    }
    Ok(Attribution { hotpath_version: hotpath_version()?, findings })
}

fn tell(
    program: &PathBuf,
    situation: &Situation,
    environment: &[(&str, &str)],
) -> Result<Told, Error> {
    let mut command = Command::new(program);
    without_switches(&mut command).arg(situation.name).envs(environment.iter().copied());
    ask(&mut command)
}

/// Hotpath tells of a function's bytes either with those of the functions that it calls, or without.
fn tell_hotpath(program: &PathBuf, situation: &Situation) -> Result<Told, Error> {
    let cumulative = tell(program, situation, &[("HOTPATH_ALLOC_CUMULATIVE", "1")])?;
    let mut told = tell(program, situation, &[("HOTPATH_ALLOC_CUMULATIVE", "0")])?;
    for (name, of_it) in cumulative.phases {
        let phase = told.phases.entry(name).or_default();
        *phase = phase.or(of_it);
    }
    Ok(told)
}

fn finding(situation: &Situation, question: &Question, told: &[Vec<Told>; 2]) -> Finding {
    let (text, unit) = in_words(question);
    let answer = |runs: &[Told]| {
        let answers: Option<Vec<f64>> = runs.iter().map(|it| question.answer(it)).collect();
        answers.map(|it| median(&it))
    };
    Finding {
        situation: situation.what,
        question: text,
        unit,
        truth: question.truth,
        perf_runtime: answer(&told[0]),
        hotpath: answer(&told[1]),
    }
}

fn in_words(question: &Question) -> (String, Unit) {
    let phase = question.phase;
    match question.ask {
        Ask::Calls => (format!("calls of `{phase}`"), Unit::Number),
        Ask::ThreadTime => (format!("time of threads in `{phase}`"), Unit::Milliseconds),
        Ask::Allocated => (format!("allocated in `{phase}` and below"), Unit::Bytes),
        Ask::AllocatedItself => (format!("allocated in `{phase}` itself"), Unit::Bytes),
        Ask::AllocatedBelow => (format!("allocated below `{phase}`"), Unit::Bytes),
        Ask::Freed => (format!("freed in `{phase}`"), Unit::Bytes),
        Ask::Peak => (format!("peak of `{phase}`"), Unit::Bytes),
        Ask::Panics => (format!("panics in `{phase}`"), Unit::Number),
        Ask::Cancelled => (format!("cancelled calls of `{phase}`"), Unit::Number),
    }
}

fn hotpath_version() -> Result<String, Error> {
    let metadata = MetadataCommand::new().manifest_path(workspace().join("Cargo.toml")).exec()?;
    let hotpath = metadata.packages.iter().find(|it| it.name.as_str() == "hotpath");
    hotpath
        .map(|it| it.version.to_string())
        .ok_or_else(|| Error::NoProgram { package: String::from("hotpath") })
}

impl Finding {
    /// What is to be said of an answer.
    pub(crate) fn verdict(&self, answer: f64) -> Verdict {
        let error = (answer - self.truth).abs();
        // Bytes and numbers are whole.
        if error < 0.5 && self.unit != Unit::Milliseconds {
            Verdict::Exact
        } else if error <= TOLERANCE * self.truth {
            Verdict::Close
        } else {
            Verdict::Wrong
        }
    }

    /// Whether perf-runtime tells the truth: to the byte, and as near as time can be told.
    pub(crate) fn ours_is_right(&self) -> bool {
        self.perf_runtime.is_some_and(|it| match self.unit {
            Unit::Bytes | Unit::Number => self.verdict(it) == Verdict::Exact,
            Unit::Milliseconds => self.verdict(it) != Verdict::Wrong,
        })
    }
}

#[cfg(test)]
mod tests {
    use situations::PhaseFacts;

    use super::*;

    #[test]
    fn an_answer_is_the_median_of_all_runs_and_none_where_one_does_not_tell() {
        let told = |calls| {
            let phase = PhaseFacts { calls, ..PhaseFacts::default() };
            Told { phases: [(String::from("page"), phase)].into(), ..Told::default() }
        };
        let runs =
            [[Some(7), Some(9), Some(8)], [Some(8), None, Some(8)]].map(|it| it.map(told).to_vec());
        let question = Question { phase: "page", ask: Ask::Calls, truth: 8.0 };
        let finding = finding(&ALL[0], &question, &runs);
        assert_eq!((finding.perf_runtime, finding.hotpath), (Some(8.0), None));
        assert!(finding.ours_is_right());
    }

    #[test]
    fn bytes_are_exact_or_they_are_not_and_times_are_close() {
        let of = |unit, truth, answer| {
            let finding = Finding {
                situation: "",
                question: String::new(),
                unit,
                truth,
                perf_runtime: Some(answer),
                hotpath: None,
            };
            (finding.verdict(answer), finding.ours_is_right())
        };
        assert_eq!(of(Unit::Bytes, 1000.0, 1000.0), (Verdict::Exact, true));
        assert_eq!(of(Unit::Bytes, 1000.0, 1001.0), (Verdict::Close, false));
        assert_eq!(of(Unit::Bytes, 0.0, 8.0), (Verdict::Wrong, false));
        assert_eq!(of(Unit::Milliseconds, 20.0, 20.4), (Verdict::Close, true));
        assert_eq!(of(Unit::Milliseconds, 20.0, 50.0), (Verdict::Wrong, false));
    }
}
