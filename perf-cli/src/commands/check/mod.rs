//! The gate: judges the newest session, or named builds, against the builds before.

mod trial;

use clap::Args;
use perf_history::BuildStats;
use serde_json::{Value, json};

use crate::commands::describe::{builds_of, short_commit};
use crate::commands::verdicts::{self, Judged, Page, fit_for_a_comment};
use crate::configuration::{Configuration, ThresholdArgs};
use crate::context::Invocation;
use crate::failure::{ExitStatus, Failure, Result};
use crate::judge::Verdict;
use crate::present::{Fact, Span, units};
use crate::select::{BuildRef, Mode, PassedOver, exclusion_reason};
use trial::{Against, Trial};

pub(super) use trial::{GateReadiness, gate_readiness};

#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Judges the newest build, or the newest builds that ran together, against the 30 sessions before it
of the same tool, machine, mode and compiler, on the default branch (--branch; else main and master),
since the last accepted change. The times of one or two builds are `suspect` at most. A session of 5
(`run --runs 5`) against 10 sessions can be a `regression`. So can a build that allocates more than at
least 5 builds before it that all allocate the same.

Exit codes: 0 nothing got worse, or nothing could be judged; 1 a regression; 3 nothing could be
judged, with --strict.

Examples (after the program's name):
  check                                  the newest session
  check --strict                         also fail if there is nothing to compare with
  check --fail-on suspect                also fail on changes that are not certain
  check --candidate label:after --baseline label:before
  check --format markdown                the body of a comment")]
pub(crate) struct CheckArgs {
    /// The builds to judge [default: the newest session]
    #[arg(long, value_name = "BUILD", allow_hyphen_values = true)]
    pub(crate) candidate: Option<BuildRef>,
    /// The builds to compare with [default: the newest 30 sessions before]
    #[arg(long, value_name = "BUILD", allow_hyphen_values = true)]
    pub(crate) baseline: Option<BuildRef>,
    /// The least severe verdict that fails
    #[arg(long, value_enum, default_value_t, value_name = "VERDICT")]
    pub(crate) fail_on: FailOn,
    #[command(flatten)]
    pub(crate) thresholds: ThresholdArgs,
}

/// The least severe verdict that fails a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum FailOn {
    /// A certain change for the worse
    #[default]
    Regression,
    /// Also a change that is not certain
    Suspect,
}

/// Judges the candidate, and prints the verdict.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &CheckArgs) -> Result<ExitStatus> {
    let mut configuration = invocation.configuration_with(&args.thresholds)?;
    if let Some(branch) = &invocation.common.branch {
        configuration.default_branches = vec![branch.clone()];
    }
    let mut selection = invocation.selection_on_all_branches();
    let trial = Trial::find(&mut selection, args, &configuration);
    invocation.report_unreadable(selection.unreadable());
    if let Err(Failure::NoData(why)) = &trial {
        // Programs and readers of the comment need an answer here as well.
        let data = vec![("judged", false.into()), ("why_not", why.as_str().into())];
        let title = vec![Span::plain(why)];
        let page = Page { title, data, ..Page::default() };
        invocation.write(&fit_for_a_comment(&page, invocation.common.format))?;
    }
    let trial = trial?;
    invocation.warn_of_changes(&trial.unreadable_changes);
    if let Some(reference) = &args.candidate {
        invocation.warn_of_passed_over(reference, &trial.passed_over);
        for (stats, why) in
            trial.candidate.iter().filter_map(|stats| Some((stats, exclusion_reason(stats)?)))
        {
            let id = &stats.build_id;
            invocation.warn(&format!(
                "build {id} is judged because {reference} names it, although: {why}"
            ));
        }
    } else {
        for PassedOver { build_id, why } in &trial.passed_over {
            invocation.warn(&format!("build {build_id} is newer, and not judged: {why}"));
        }
    }
    let judged = trial.judge(&configuration);
    let page = page(&trial, judged, &configuration);
    invocation.write(&fit_for_a_comment(&page, invocation.common.format))?;
    conclude(invocation, &page, &trial, args, &configuration)
}

/// Prints what to do about the verdict, and returns the exit code.
fn conclude(
    invocation: &mut Invocation<'_, '_>,
    page: &Page,
    trial: &Trial,
    args: &CheckArgs,
    configuration: &Configuration,
) -> Result<ExitStatus> {
    let program = invocation.program.name.clone();
    match page.verdict() {
        Verdict::Regression => {
            invocation.note(&format!(
                "if this is intended: `{program} accept{} --reason TEXT` makes it the new normal",
                invocation.dir_option(),
            ));
            Ok(ExitStatus::Regression)
        }
        Verdict::Suspect => {
            invocation.note(&format!(
                "for a certain answer run both in turn: `{program} ab --base CMD --head CMD{}`",
                invocation.dir_option(),
            ));
            Ok(if args.fail_on == FailOn::Suspect {
                ExitStatus::Regression
            } else {
                ExitStatus::Success
            })
        }
        Verdict::Insufficient => Err(Failure::NoData(format!(
            "nothing was judged: {}",
            trial.why_nothing(configuration)
        ))),
        Verdict::Unchanged | Verdict::Improvement => Ok(ExitStatus::Success),
    }
}

fn page(trial: &Trial, judged: Vec<Judged>, configuration: &Configuration) -> Page {
    let newest = trial.newest();
    let mode = Mode::from_build(newest).map(|mode| Span::plain(mode.name()));
    let mut title = vec![Span::plain(&newest.tool)];
    title.extend(mode);
    let noise = verdicts::noise(&trial.candidate, trial.baseline_builds());
    let facts = vec![
        Fact::new("candidate")
            .and(described(&trial.candidate))
            .known(passed_over(&trial.passed_over)),
        against_fact(trial),
        verdicts::between(trial.commits().as_deref()),
        Fact::new("left out").and_all(&left_out(trial)),
        Fact::new("phases").known(trial.come_and_gone(configuration)),
        verdicts::busy(noise.as_deref()),
    ];
    let ids = |builds: &mut dyn Iterator<Item = &BuildStats>| -> Value {
        builds.map(|stats| stats.build_id.as_str()).collect()
    };
    let is_judged = verdicts::overall(&judged) != Verdict::Insufficient;
    let data = vec![
        ("judged", is_judged.into()),
        ("why_not", if is_judged { Value::Null } else { trial.why_nothing(configuration).into() }),
        ("candidate", ids(&mut trial.candidate.iter())),
        ("passed_over", json!(trial.passed_over)),
        ("baseline", ids(&mut trial.baseline_builds())),
        ("left_out", json!(trial.baseline.left_out)),
        ("after_unaccepted_change", json!(trial.comparison.after_unaccepted)),
        ("noise", json!(noise)),
    ];
    Page { judged, title, facts, commits: trial.commits(), data }
}

/// The number of builds of a session, and their commit.
fn described(builds: &[BuildStats]) -> String {
    let number = units::counted(builds.len(), "build");
    let commit = builds.last().and_then(|stats| stats.git.as_ref()?.commit.as_deref());
    let id = builds.last().map_or("", |stats| stats.build_id.as_str());
    match commit {
        Some(commit) => format!("{number} at {}", short_commit(commit)),
        None => format!("{number}: {id}"),
    }
}

/// How many builds were newer than the candidate or named with it, and not judged.
fn passed_over(builds: &[PassedOver]) -> Option<String> {
    let mut reasons: Vec<&str> = builds.iter().map(|build| build.why).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let count = units::counted(builds.len(), "build");
    (!builds.is_empty()).then(|| format!("{count} not judged ({})", reasons.join(", ")))
}

fn against_fact(trial: &Trial) -> Fact {
    let fact = Fact::new("baseline");
    let sessions = &trial.comparison.baseline;
    let number = builds_of(sessions);
    let fact = match &trial.against {
        Against::Named(reference) => fact.and(format!("{number}: {reference}")),
        Against::History(branches) => fact.and(format!("{number} on {}", branches.join(" or "))),
    };
    let commit =
        |stats: Option<&BuildStats>| Some(short_commit(stats?.git.as_ref()?.commit.as_deref()?));
    let first = commit(sessions.first().and_then(|session| session.first()));
    let last = commit(sessions.last().and_then(|session| session.last()));
    let in_turn = trial.was_run_in_turn().then(|| "run in turn with the candidate".to_owned());
    let fact = fact.known(in_turn);
    let fact = match (first, last) {
        (Some(first), Some(last)) if first != last => fact.and(format!("{first} … {last}")),
        (_, Some(last)) => fact.and(last),
        _ => fact,
    };
    let accepted = trial.baseline.accepted.as_ref().map(|change| {
        let reason =
            change.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        format!("since build {} was accepted{reason}", change.build_id)
    });
    fact.known(accepted)
}

/// The builds of the series that are left out of the baseline, by reason.
fn left_out(trial: &Trial) -> Vec<String> {
    let mut parts: Vec<String> = trial
        .baseline
        .left_out
        .iter()
        .map(|(why, count)| format!("{} ({why})", units::counted(*count, "build")))
        .collect();
    if let Some(after) = &trial.comparison.after_unaccepted {
        parts.push(format!(
            "{} after a change of {} that was not accepted",
            units::counted(after.builds, "build"),
            units::change(after.change),
        ));
    }
    parts
}
