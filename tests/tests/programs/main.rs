//! Build tools that run as child processes: what they record, and what their users see of it.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod disk_unwritable;
#[cfg(unix)]
mod environment_facts;
#[cfg(target_os = "linux")]
mod record_fields;
#[cfg(unix)]
mod switches;
mod timeline;
#[cfg(target_os = "linux")]
mod valgrind_agrees;
mod without_allocator;

use std::process::Command;

use contract_tests::programs::Place;

const BUILD_TOOL: &str = env!("CARGO_BIN_EXE_build_tool");
const WITHOUT_ALLOCATOR: &str = env!("CARGO_BIN_EXE_without_allocator");

/// How the tool `annotated` can be asked to end, its exit code, and the outcome in its record.
const ENDINGS: [(&str, i32, &str); 3] =
    [("succeed", 0, "success"), ("fail", 3, "failed"), ("panic", 101, "panicked")];

/// A command that runs one of the build tools.
fn tool(place: &Place, name: &str) -> Command {
    let mut command = place.command(BUILD_TOOL);
    command.arg(name);
    command
}
