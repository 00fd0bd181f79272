//! Builds two versions in turn until it is clear which is faster, then judges and compares them.

mod pairs;

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use pairs::{Half, Pairs};
use perf_history::BuildStats;
use serde_json::json;

use crate::commands::compare::Comparison;
use crate::commands::describe::commits_between;
use crate::commands::verdicts::{self, Page, between, busy};
use crate::configuration::{Configuration, ThresholdArgs};
use crate::context::Invocation;
use crate::failure::{ExitStatus, Failure, Result};
use crate::judge::Verdict;
use crate::launch::{BuildCommand, LaunchError, Launcher};
use crate::present::style::STRONG;
use crate::present::{Fact, Format, Span, units};

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The builds run in the order base head head base and so on, so that disturbances of the machine affect
both equally. `ab` stops after 8, 12 or 20 pairs, as soon as the answer is clear. The records have the
labels run=base and run=head, and one session. Times decide when to stop; allocations and memory are
then judged as by `check --candidate label:head --baseline label:base`. Exit code 1: the head is
slower or uses more memory, as a whole or in a phase.

Examples (after the program's name):
  ab --base './old build' --head './new build'            two programs
  ab --base-dir ../main --head-dir . -- cargo run --release
                                                          one command in two checkouts
  compare label:base label:head                           the same builds again")]
pub(crate) struct AbArgs {
    /// The build command of the base, for the shell
    #[arg(long, value_name = "CMD")]
    pub(crate) base: Option<String>,
    /// The build command of the head, for the shell
    #[arg(long, value_name = "CMD")]
    pub(crate) head: Option<String>,
    /// Where the base's command runs
    #[arg(long, value_name = "DIR")]
    pub(crate) base_dir: Option<PathBuf>,
    /// Where the head's command runs
    #[arg(long, value_name = "DIR")]
    pub(crate) head_dir: Option<PathBuf>,
    /// The maximum number of pairs
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) runs: NonZeroU32,
    /// How many builds of each to run first without recording them
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) warmup: u32,
    /// Show the output of the commands on standard error
    #[arg(long)]
    pub(crate) show_output: bool,
    /// The build command and its arguments, where --base or --head is not given
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) thresholds: ThresholdArgs,
}

impl AbArgs {
    /// The commands of base and head.
    fn commands(&self) -> Result<[BuildCommand; 2]> {
        let command = |name: &str, line: Option<&String>, dir: Option<&PathBuf>| {
            let command = match line {
                Some(line) => BuildCommand::of_shell(line),
                None if self.command.is_empty() => {
                    let text = format!("no build command: give --{name} CMD, or -- CMD for both");
                    return Err(Failure::Usage(text));
                }
                None => BuildCommand::of_words(self.command.clone()),
            };
            if let Some(dir) = dir.filter(|dir| !dir.is_dir()) {
                let text = format!("--{name}-dir: {} is not a directory", dir.display());
                return Err(Failure::Usage(text));
            }
            Ok(command.in_dir(dir.cloned()))
        };
        if self.base.is_some() && self.head.is_some() && !self.command.is_empty() {
            let text = "--base and --head give both commands: a third one after -- has no use";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok([
            command("base", self.base.as_ref(), self.base_dir.as_ref())?,
            command("head", self.head.as_ref(), self.head_dir.as_ref())?,
        ])
    }
}

/// Builds in turn, and compares.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &AbArgs) -> Result<ExitStatus> {
    let commands = args.commands()?;
    let mut launcher = invocation.launcher(args.show_output)?;
    let configuration = invocation.configuration_with(&args.thresholds)?;
    let most = usize::try_from(args.runs.get()).unwrap_or(usize::MAX);
    let rule = configuration.thresholds.pairs().with_pairs(most);
    let are_enough = |pairs: &Pairs| {
        let (base, head) = (pairs.of(Half::Base), pairs.of(Half::Head));
        verdicts::are_decided(base, head, &configuration, &rule)
    };
    let steps = 2 * (u64::from(args.runs.get()) + u64::from(args.warmup));
    let progress = invocation.builds_progress(steps, args.show_output);
    let mut pairs = Pairs::default();
    let made = make(&mut launcher, &commands, args.warmup, &mut pairs, are_enough, &progress);
    progress.finish_and_clear();
    match made {
        Ok(()) => {}
        Err(LaunchError::Interrupted) => {
            let made = units::counted(pairs.len(), "pair");
            invocation.note(&format!("interrupted after {made}, before there was a clear answer"));
            return Ok(ExitStatus::Interrupted);
        }
        Err(error) => return Err(invocation.launch_failure(error)),
    }

    let (base, head) = (pairs.of(Half::Base), pairs.of(Half::Head));
    let names = [Half::Base, Half::Head].map(|half| {
        let text = format!("{} ({})", half.name(), units::counted(pairs.len(), "build"));
        Span::new(text, STRONG)
    });
    let Comparison { mut report, obstacles } = Comparison::new(names, base, head);
    if !obstacles.is_empty() {
        invocation.write(&report)?;
        let text = format!("these builds cannot be compared: {}", obstacles.join("; "));
        return Err(Failure::NoData(text));
    }
    let page = page(base, head, launcher.session(), &configuration);
    page.put_before(&mut report);
    invocation.write(&report)?;
    if invocation.common.format == Format::Csv {
        // CSV has no place for them.
        for sentence in page.sentences() {
            invocation.note(&sentence);
        }
    }
    match page.verdict() {
        Verdict::Regression => Ok(ExitStatus::Regression),
        Verdict::Insufficient => Err(Failure::NoData(format!(
            "nothing was judged: {}",
            verdicts::too_few_pairs(base, head, &configuration)
        ))),
        Verdict::Suspect | Verdict::Improvement | Verdict::Unchanged => Ok(ExitStatus::Success),
    }
}

/// Makes pairs until they are enough or turn out not to be comparable. If it fails, `pairs` has those
/// made until then.
fn make(
    launcher: &mut Launcher,
    commands: &[BuildCommand; 2],
    warmup: u32,
    pairs: &mut Pairs,
    are_enough: impl Fn(&Pairs) -> bool,
    progress: &ProgressBar,
) -> Result<(), LaunchError> {
    progress.set_message("warming up");
    for _ in 0..warmup {
        for command in commands {
            launcher.warm_up(command)?;
            progress.inc(1);
        }
    }
    loop {
        for half in pairs.next_order() {
            let command = &commands[half as usize];
            let records = launcher.build(command, Some(&half.label()))?;
            pairs.take(half, command, records)?;
            progress.set_message(pairs.medians());
            progress.inc(1);
        }
        if launcher.is_interrupted() {
            return Err(LaunchError::Interrupted);
        }
        if !pairs.are_comparable() || are_enough(pairs) {
            return Ok(());
        }
    }
}

/// The verdict on all pairs of a session, each half oldest first.
fn page(
    base: &[BuildStats],
    head: &[BuildStats],
    session: &str,
    configuration: &Configuration,
) -> Page {
    let judged = verdicts::judge_pairs(base, head, configuration);
    let pairs = base.len().min(head.len()) as u64;
    let mut title = Vec::new();
    let mut certainty = Fact::new("how sure");
    if let Some(time) = verdicts::of_build_time(&judged) {
        title.push(Span::plain(time.describe()));
        if !time.is_change() {
            certainty = certainty.and_all(&time.why);
        }
    }
    title.push(Span::plain(units::counted(pairs, "pair")));
    let commits = commits_between(base.last(), head.last());
    let noise = verdicts::noise(head, base.iter());
    let facts = vec![certainty, between(commits.as_deref()), busy(noise.as_deref())];
    let data = vec![("pairs", pairs.into()), ("session", session.into()), ("noise", json!(noise))];
    Page { judged, title, facts, commits, data }
}
