//! Completion scripts for shells.

use clap::Args;
use clap_complete::Shell;

use crate::context::Invocation;
use crate::failure::Result;

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples (after the program's name):
  completions bash > ~/.local/share/bash-completion/completions/PROGRAM
  completions zsh > ~/.zfunc/_PROGRAM
  completions fish > ~/.config/fish/completions/PROGRAM.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// Prints the script. It completes the whole program that mounts this command line.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &CompletionsArgs) -> Result {
    invocation.refuse_filters(true)?;
    let mut command = invocation.program.command.clone();
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    // The generator panics if its target fails, as a closed pipe does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    Ok(invocation.console.out.write_all(&script)?)
}
