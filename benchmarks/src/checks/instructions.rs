//! Instructions, counted by valgrind: the same on a busy machine as on an idle one.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;
use workloads::Kind;

use crate::contenders::Contender;
use crate::error::Error;
use crate::programs::{Programs, run as run_program};

/// Instructions of one call, or of one block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Instructions {
    pub(crate) contender: String,
    /// To call a phase, threads in the background included.
    pub(crate) call: Option<f64>,
    /// To allocate 8 bytes and free them, the allocator's own included.
    pub(crate) block: Option<f64>,
}

/// Two numbers of times to do something: the difference is free of what a process does once.
const FEW: u32 = 20_000;
const MANY: u32 = 60_000;

pub(super) fn run(
    contenders: &[Contender],
    programs: &Programs,
) -> Result<Option<Vec<Instructions>>, Error> {
    if !is_installed() {
        return Ok(None);
    }
    let each = |contender: &Contender, kind: Kind, what: &str| {
        if !contender.kinds.contains(&kind) {
            return Ok(None);
        }
        let of = |times: u32| {
            let command = programs.command(contender)?;
            count(&command, &[what, &times.to_string()])
        };
        Ok::<_, Error>(Some((of(MANY)? - of(FEW)?) / f64::from(MANY - FEW)))
    };
    let figures = contenders.iter().map(|contender| {
        Ok(Instructions {
            contender: contender.name.to_owned(),
            call: each(contender, Kind::Phases, "calls")?,
            block: each(contender, Kind::Allocations, "blocks")?,
        })
    });
    Ok(Some(figures.collect::<Result<_, Error>>()?))
}

fn is_installed() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
}

/// The instructions of a command with these arguments, in all its threads.
pub(super) fn count(command: &Command, arguments: &[&str]) -> Result<f64, Error> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(command.get_program()).args(command.get_args()).args(arguments);
    if let Some(folder) = command.get_current_dir() {
        valgrind.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => valgrind.env(name, value),
            None => valgrind.env_remove(name),
        };
    }
    let said = run_program(&mut valgrind)?.stderr;
    collected(&String::from_utf8_lossy(&said))
        .ok_or_else(|| Error::Missing { program: Path::new("valgrind").into(), what: "the count" })
}

/// The count in a line such as `==7== Collected : 123456`.
fn collected(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_says() {
        let said = "==7== \n==7== Events    : Ir\n==7== Collected : 8123456\n==7== \n";
        assert_eq!(collected(said), Some(8_123_456.0));
        assert_eq!(collected("==7== Events    : Ir\n"), None);
    }
}
