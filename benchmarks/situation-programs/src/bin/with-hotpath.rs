//! Runs the program of a situation with hotpath, and prints what its JSON report says of each
//! function. With `HOTPATH_ALLOC_CUMULATIVE=1` a function's bytes include those of functions that it
//! calls, without they do not; so all is told by two runs.
#![forbid(unsafe_code)]

#[path = "../programs/mod.rs"]
mod programs;

use std::process::ExitCode;

use hotpath::json::{JsonFunctionsList, JsonReport};
use hotpath::{
    CountingAllocator, Format, HotpathGuardBuilder, env_flag, parse_bytes, parse_duration,
};
use situations::{Facts, PhaseFacts};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

/// What the programs' annotations mean. There is nothing that hands work off.
mod tool {
    pub(crate) use hotpath::measure as phase;

    // As its documentation advises, so that polls are timed.
    macro_rules! async_phase {
        ($function:item) => {
            #[hotpath::measure(future = true)]
            $function
        };
    }
    pub(crate) use async_phase;

    macro_rules! handed_off {
        ($closure:expr) => {
            $closure
        };
    }
    pub(crate) use handed_off;

    /// Leaves a future as it is.
    pub(crate) trait InCurrentPhase: Sized {
        fn in_current_phase(self) -> Self {
            self
        }
    }

    impl<F: Future> InCurrentPhase for F {}
}

/// A guard whose report is read back.
struct Guard;

impl programs::Tool for Guard {
    fn build(&self, work: &mut dyn FnMut()) -> Facts {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("report.json");
        let guard = HotpathGuardBuilder::new("build")
            .format(Format::Json)
            .output_path(&path)
            .limit(0)
            .build();
        work();
        drop(guard);
        let report = std::fs::read_to_string(&path).expect("there is a report");
        facts(&serde_json::from_str(&report).expect("the report is JSON"))
    }
}

fn facts(report: &JsonReport) -> Facts {
    let mut facts = Facts::new();
    let cumulative = env_flag("HOTPATH_ALLOC_CUMULATIVE");
    for function in entries(report.functions_alloc.as_ref()) {
        let bytes = parse_bytes(&function.total);
        let of_it = facts.entry(name(&function.name)).or_default();
        of_it.calls = Some(function.calls);
        if cumulative {
            of_it.alloc_bytes = bytes;
        } else {
            of_it.self_alloc_bytes = bytes;
        }
    }
    for function in entries(report.functions_timing.as_ref()) {
        let of_it: &mut PhaseFacts = facts.entry(name(&function.name)).or_default();
        of_it.calls = Some(function.calls);
        of_it.thread_ms = parse_duration(&function.total).map(milliseconds);
    }
    // A future's time as a function is that from its first poll to its end; here is that of its
    // polls.
    for future in report.futures.iter().flat_map(|it| &it.data) {
        let of_it = facts.entry(name(&future.source)).or_default();
        of_it.thread_ms = Some(milliseconds(future.total_poll_duration_ns));
    }
    facts
}

fn entries(
    list: Option<&JsonFunctionsList>,
) -> impl Iterator<Item = &hotpath::json::JsonFunctionEntry> {
    list.into_iter().flat_map(|it| &it.data)
}

/// The function's own name, without its modules.
fn name(path: &str) -> String {
    path.rsplit("::").next().unwrap_or(path).to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

fn main() -> ExitCode {
    let situation = std::env::args().nth(1).unwrap_or_default();
    let Some(told) = programs::run(&situation, &Guard) else {
        eprintln!("usage: with-hotpath SITUATION");
        return ExitCode::FAILURE;
    };
    println!("{}", serde_json::json!(told));
    ExitCode::SUCCESS
}
