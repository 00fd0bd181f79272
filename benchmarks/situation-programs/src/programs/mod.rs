//! The programs. Each is annotated once, with what the binary means by `phase` and by handing off,
//! and does what it is known to do: blocks of memory of which each is one allocation, and time spent
//! looking at the clock.

mod asynchronous;
mod memory;
mod one_thread;
mod work;
mod workers;

use situations::{Facts, Told};

/// A tool that measures builds.
pub(crate) trait Tool {
    /// Measures a build, and tells what there is to tell of its phases.
    fn build(&self, work: &mut dyn FnMut()) -> Facts;
}

/// Runs the program of a situation, and gives what came of it.
pub(crate) fn run(situation: &str, tool: &impl Tool) -> Option<Told> {
    let phases = match situation {
        "nested" => one_thread::nested(tool),
        "recursion" => one_thread::recursion(tool),
        "panic" => one_thread::panic(tool),
        "two-builds" => one_thread::two_builds(tool),
        "threads" => workers::threads(tool),
        "rayon" => workers::rayon(tool),
        "stolen" => workers::stolen(tool),
        "migrating" => asynchronous::migrating(tool),
        "joined" => asynchronous::joined(tool),
        "cancelled" => asynchronous::cancelled(tool),
        "handed-on" => memory::handed_on(tool),
        "freed-elsewhere" => memory::freed_elsewhere(tool),
        "peak" => memory::peak(tool),
        _ => return None,
    };
    Some(Told { phases, spun_ms: work::spun_ms() })
}
