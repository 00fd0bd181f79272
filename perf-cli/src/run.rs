//! From the command line to an exit code.

use std::io;

use perf_history::{Accepted, History};

use crate::args::{Command, CommonArgs, PerfArgs};
use crate::commands::{
    ab, accept, check, compare, completions, doctor, export, list, prune, repair,
    run as run_command, show, trend,
};
use crate::configuration::{Configuration, ConfigurationError, ThresholdsOf};
use crate::failure::{ExitStatus, Failure, with_causes};
use crate::present::style::{BAD, DIM, NOTICE};
use crate::present::{Report, Shape, escape};
use crate::program::{Console, Program, with_stdio};
use crate::progress::{Drawn, Progress};
use crate::select::{BuildRef, Filter, PassedOver, Selection, UnreadableLines};

/// Does what the command line says, on the streams of this process.
#[must_use]
pub fn run(args: &PerfArgs, program: &Program) -> ExitStatus {
    with_stdio(args.common.color.as_choice(), |console, progress| {
        let reading = Drawn::default();
        Invocation { program, common: &args.common, console, progress, reading }.exit(args)
    })
}

/// Does what the command line says, on streams and with a clock of the caller's.
pub fn run_on(args: &PerfArgs, program: &Program, console: &mut Console<'_>) -> ExitStatus {
    let (progress, reading) = (Progress::Off, Drawn::default());
    Invocation { program, common: &args.common, console, progress, reading }.exit(args)
}

/// What a command works with.
pub(crate) struct Invocation<'a, 'c> {
    pub(crate) program: &'a Program,
    pub(crate) common: &'a CommonArgs,
    pub(crate) console: &'a mut Console<'c>,
    pub(crate) progress: Progress,
    /// What is drawn of the reading of the history.
    pub(crate) reading: Drawn,
}

impl Invocation<'_, '_> {
    fn exit(mut self, args: &PerfArgs) -> ExitStatus {
        let result = self.carry_out(args);
        self.reading.clear();
        let result = result.and_then(|exit| {
            self.console.out.flush()?;
            Ok(exit)
        });
        result.unwrap_or_else(|failure| self.exit_of(&failure))
    }

    fn carry_out(&mut self, args: &PerfArgs) -> Result<ExitStatus, Failure> {
        let Some(command) = &args.command else {
            list::run(self, &args.list)?;
            return Ok(ExitStatus::Success);
        };
        if let Some(option) = args.list.given() {
            return Err(Failure::Usage(format!("{option} is for the list, not for a command")));
        }
        match command {
            Command::Show(args) => show::run(self, args)?,
            Command::Compare(args) => compare::run(self, args)?,
            Command::Check(args) => return check::run(self, args),
            Command::Trend(args) => trend::run(self, args)?,
            Command::Accept(args) => accept::run(self, args)?,
            Command::Export(args) => export::run(self, args)?,
            Command::Run(args) => return run_command::run(self, args),
            Command::Ab(args) => return ab::run(self, args),
            Command::Doctor => doctor::run(self)?,
            Command::Repair => repair::run(self)?,
            Command::Prune(args) => prune::run(self, args)?,
            Command::Completions(args) => completions::run(self, args)?,
        }
        Ok(ExitStatus::Success)
    }

    /// The history that is meant.
    pub(crate) fn history(&self) -> History {
        self.progress.of_reading(self.unobserved_history(), &self.reading)
    }

    /// The same, of whose readings nothing is drawn.
    pub(crate) fn unobserved_history(&self) -> History {
        History::open(self.common.dir.as_ref().unwrap_or(&self.program.dir))
    }

    /// What the project says of how its builds are judged.
    pub(crate) fn configuration(&self) -> Result<Configuration, ConfigurationError> {
        match &self.common.config {
            Some(path) => Configuration::read(path),
            None => Configuration::of_history(self.history().dir()),
        }
    }

    /// The same, but for the thresholds that are said on the command line.
    pub(crate) fn configuration_with(&self, said: &ThresholdsOf) -> Result<Configuration, Failure> {
        let mut configuration = self.configuration()?;
        configuration.thresholds = configuration.thresholds.with(said);
        match configuration.thresholds.contradiction() {
            Some(why) => Err(Failure::Usage(why)),
            None => Ok(configuration),
        }
    }

    /// The builds that are meant.
    pub(crate) fn selection(&self) -> Selection {
        let filter = Filter {
            tool: self.common.tool.clone().or_else(|| self.program.tool.clone()),
            branch: self.common.branch.clone(),
            mode: self.common.mode,
            since: self.common.since.map(|since| since.instant(&self.console.now)),
        };
        Selection::new(self.history(), filter)
    }

    /// The builds that are meant, on whatever branch: for commands to which a branch is a measure.
    pub(crate) fn selection_on_all_branches(&self) -> Selection {
        let selection = self.selection();
        Selection::new(self.history(), Filter { branch: None, ..selection.filter().clone() })
    }

    /// Refuses the options that say which builds are meant, where a command is about all.
    pub(crate) fn refuse_filters(&self, also_since: bool) -> Result<(), Failure> {
        let common = self.common;
        let given = [
            ("--tool", common.tool.is_some()),
            ("--branch", common.branch.is_some()),
            ("--mode", common.mode.is_some()),
            ("--since", also_since && common.since.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(Failure::Usage(format!(
                "{option} cannot be used here: this is about all of the history"
            ))),
            None => Ok(()),
        }
    }

    /// The changes that somebody accepted. Lines that cannot be read are told.
    pub(crate) fn accepted(&mut self) -> Result<Vec<Accepted>, Failure> {
        let accepted = self.history().accepted()?;
        self.warn_of_changes(&accepted.unreadable);
        Ok(accepted.changes)
    }

    /// Says which lines about accepted changes could not be read.
    pub(crate) fn warn_of_changes(&mut self, unreadable: &[(u64, String)]) {
        for (line, reason) in unreadable {
            self.warn(&format!("line {line} of accepted.jsonl cannot be read: {reason}"));
        }
    }

    /// Says which builds of a set that was named are left out.
    pub(crate) fn warn_of_passed_over(&mut self, reference: &BuildRef, builds: &[PassedOver]) {
        for PassedOver { build_id, why } in builds {
            self.warn(&format!("build {build_id} of {reference} is left out: {why}"));
        }
    }

    /// Writes what was found.
    pub(crate) fn write(&mut self, report: &Report) -> Result<(), Failure> {
        self.reading.clear();
        let shape = Shape { format: self.common.format, width: self.console.width };
        Ok(report.write(self.console.out, shape)?)
    }

    /// Says something that is no data.
    pub(crate) fn note(&mut self, text: &str) {
        self.reading.clear();
        // What was written before is seen before. Nobody is left to be told where this fails.
        let _ = self.console.out.flush();
        let _ = writeln!(self.console.err, "{}", escape::terminal(text));
    }

    /// Shows a line that another program wrote.
    pub(crate) fn quote(&mut self, line: &str) {
        let _ = writeln!(self.console.err, "{DIM}  │ {}{DIM:#}", escape::terminal(line));
    }

    /// Says that something needs attention.
    pub(crate) fn warn(&mut self, text: &str) {
        self.reading.clear();
        let text = escape::terminal(text);
        let _ = self.console.out.flush();
        let _ = writeln!(self.console.err, "{NOTICE}note:{NOTICE:#} {text}");
    }

    /// Says which lines could not be read, and what to do about it.
    pub(crate) fn report_unreadable(&mut self, lines: &UnreadableLines) {
        let count = lines.count();
        if count == 0 {
            return;
        }
        let numbers: Vec<String> = lines
            .described()
            .iter()
            .map(|line| match line.from_end {
                1 => format!("the last: {}", line.reason),
                n => format!("number {n} from the end: {}", line.reason),
            })
            .collect();
        let more = count - numbers.len() as u64;
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let (lines, them) = if count == 1 { ("line", "it") } else { ("lines", "them") };
        self.warn(&format!(
            "{count} {lines} of {} cannot be read ({}{more}); `{} repair{}` moves {them} away",
            self.history().path().display(),
            numbers.join("; "),
            self.program.name,
            self.dir_option(),
        ));
    }

    /// What to add to a command so that it is about the same history.
    pub(crate) fn dir_option(&self) -> String {
        let dir = self.common.dir.as_ref();
        dir.map_or_else(String::new, |dir| format!(" --dir {}", dir.display()))
    }

    fn exit_of(&mut self, failure: &Failure) -> ExitStatus {
        self.reading.clear();
        let exit = match failure {
            // Whoever read it has seen enough.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitStatus::Success;
            }
            Failure::NoData(text) if !self.common.strict => {
                self.note(text);
                return ExitStatus::Success;
            }
            Failure::NoData(_) => ExitStatus::InsufficientData,
            Failure::Usage(_) => ExitStatus::Usage,
            Failure::History(_) => ExitStatus::History,
            Failure::Command(_)
            | Failure::Temporary { .. }
            | Failure::Output(_)
            | Failure::OutputFile { .. } => ExitStatus::Error,
        };
        let text = with_causes(failure);
        let _ = writeln!(self.console.err, "{BAD}error:{BAD:#} {}", escape::terminal(&text));
        exit
    }
}
