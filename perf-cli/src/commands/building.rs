//! What `run` and `ab` share: a launcher for what the command line says, and telling of what went
//! wrong with a command.

use indicatif::ProgressBar;

use crate::failure::{Failure, with_causes};
use crate::launch::{LaunchError, Launcher};
use crate::progress::Progress;
use crate::run::Invocation;

impl Invocation<'_, '_> {
    /// What runs commands whose records go to the history.
    pub(super) fn launcher(&self, shows_output: bool) -> Result<Launcher, Failure> {
        let common = self.common;
        let given = [
            ("--branch", common.branch.is_some()),
            ("--mode", common.mode.is_some()),
            ("--since", common.since.is_some()),
        ];
        if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
            let text = format!("{option} cannot be used here: this is about builds yet to be made");
            return Err(Failure::Usage(text));
        }
        if let Some(value) = self.program.switched_off() {
            let text = format!(
                "BUILD_METRICS={value} is set in this environment, so builds are not recorded"
            );
            return Err(Failure::Usage(text));
        }
        let tool = common.tool.clone().or_else(|| self.program.tool.clone());
        Launcher::new(self.unobserved_history(), tool, shows_output).map_err(failure)
    }

    /// A bar of so many builds; none where the output of commands would run into it.
    pub(super) fn builds_progress(&self, builds: u64, shows_output: bool) -> ProgressBar {
        let progress = if shows_output { Progress::Off } else { self.progress };
        progress.of_builds(builds)
    }

    /// Shows the last lines of what a command wrote, and makes a failure of the rest.
    pub(super) fn launch_failure(&mut self, error: LaunchError) -> Failure {
        match &error {
            LaunchError::Failed { last_lines, .. } | LaunchError::NoRecord { last_lines, .. }
                if !last_lines.is_empty() =>
            {
                self.note("the last lines that it wrote:");
                for line in last_lines {
                    self.quote(line);
                }
            }
            _ => {}
        }
        failure(error)
    }
}

fn failure(error: LaunchError) -> Failure {
    match error {
        LaunchError::History(error) => Failure::History(error),
        LaunchError::Temporary { dir, source } => Failure::Temporary { dir, source },
        _ => Failure::Command(with_causes(&error)),
    }
}
