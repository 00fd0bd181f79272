//! divan's allocator, which counts for each thread.
#![forbid(unsafe_code)]

use std::process::{Command, ExitCode};

use workloads::Seen;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

macro_rules! phase {
    ($function:item) => {
        $function
    };
}

workloads::phases!(phase, phase);

/// Counts allocations; its timing is for benchmarks of functions.
struct Divan;

impl workloads::Contender for Divan {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    // What it counts, it tells of its benchmarks alone, in a table that it prints: so the same work
    // is one, in a process of its own.
    fn seen(_: impl FnOnce()) -> Seen {
        let program = std::env::current_exe().expect("a program is a file");
        let output = Command::new(program).arg(AS_A_BENCHMARK).output().expect("it starts again");
        read(&String::from_utf8_lossy(&output.stdout))
    }
}

const AS_A_BENCHMARK: &str = "as-a-benchmark";

#[divan::bench(sample_count = 1, sample_size = 1)]
fn known_work() {
    workloads::known_work::<Divan>();
}

/// Reads the first column of the two lines below `alloc:`, blocks and bytes, as in `1000` and `8 KB`.
fn read(table: &str) -> Seen {
    let mut figures = table.lines().skip_while(|it| !it.trim_start().starts_with("alloc:")).skip(1);
    let mut next = || {
        let mut words = figures.next()?.split_whitespace();
        let figure: f64 = words.next()?.parse().ok()?;
        let thousands = if words.next() == Some("KB") { 1000.0 } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        Some((figure * thousands).round() as u64)
    };
    Seen { calls: None, blocks: next(), bytes: next() }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(AS_A_BENCHMARK) {
        divan::Divan::default().run_benches();
        return ExitCode::SUCCESS;
    }
    workloads::main::<Divan>()
}
