//! Random programs against a slow and obvious model: every field of the memory table is exact, and
//! so are all counts; times are within what the program's own clock says.
//!
//! A program is a tree of steps for a few threads: it enters phases, hands them over, polls futures,
//! panics, starts builds and ends them, in every order. While it runs, a trace is taken of what it
//! asks of the runtime, and of every request to the allocator, by the allocator below the tracking
//! one. What the runtime itself allocates is not in the trace, so that a byte of it that was counted
//! would show. The model works out from the trace what the records must be.

mod carried;
mod compare;
mod interpreter;
mod model;
mod program;
mod threads;
mod times;
mod trace;
mod truth;

use std::sync::Barrier;
use std::thread;

use libtest_mimic::{Arguments, Failed, Trial};
use perf_runtime::TrackingAllocator;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

use interpreter::World;
use model::Model;
use program::{Act, BUILDS, Kinds, Step, programs};
use trace::Listener;

#[global_allocator]
static ALLOCATOR: TrackingAllocator<Listener> = TrackingAllocator::new(Listener);

/// Runs a program: a build is open from its beginning, and none after its end.
fn run(steps: &[Step]) -> Vec<String> {
    let world = World::new();
    let players = Act::last_player(steps) + 1;
    // Nobody is still being born when the build begins.
    let all_are_there = Barrier::new(players + 1);
    trace::begin();
    thread::scope(|scope| {
        let (world, all_are_there) = (&world, &all_are_there);
        let others: Vec<_> = (1..players)
            .map(|number| {
                let live = || {
                    all_are_there.wait();
                    world.threads.serve(&|act| world.do_one(act));
                };
                (number, scope.spawn(move || world.threads.live(number, None, live)))
            })
            .collect();
        let first = scope.spawn(move || {
            world.threads.live(0, None, || {
                all_are_there.wait();
                world.do_one(&Act::StartBuild { build: 0 });
                world.run(steps);
                (0..BUILDS).for_each(|it| world.end_build(it));
                world.forget();
            });
        });
        all_are_there.wait();
        first.join().expect("the program catches its panics");
        for (number, other) in others {
            world.threads.quit(number);
            other.join().expect("the program catches its panics");
        }
    });
    let Some(trace) = trace::end() else { return Vec::new() };
    let model = Model::of(&trace);
    let mut differences = Vec::new();
    if model.beyond {
        return differences;
    }
    for (number, stats) in world.records() {
        differences.extend(compare::differences(number, &stats, &model.builds[number]));
    }
    differences
}

/// How many programs each test runs.
const CASES: u32 = 2_600;

fn check(kinds: Kinds) -> Result<(), Failed> {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(CASES),
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&programs(kinds), |steps| {
        let differences = run(&steps);
        prop_assert!(differences.is_empty(), "\n{}", differences.join("\n"));
        Ok(())
    });
    result.map_err(|it| it.to_string().into())
}

const CALLS: Kinds = Kinds { handles: 0, futures: 0, builds: 0, threads: 0 };

const TESTS: [(&str, Kinds); 4] = [
    ("every_number_is_exact_where_phases_are_entered_on_one_thread", CALLS),
    (
        "every_number_is_exact_where_work_is_handed_over_and_stolen",
        Kinds { handles: 8, threads: 8, ..CALLS },
    ),
    (
        "every_number_is_exact_where_futures_are_polled_anywhere",
        Kinds { futures: 8, handles: 2, threads: 2, ..CALLS },
    ),
    (
        "every_number_is_exact_where_several_builds_are_open",
        Kinds { builds: 8, handles: 2, futures: 2, threads: 4 },
    ),
];

/// One test after the other, on this thread: a runner's own threads would allocate while programs
/// run.
fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    // Out of any checkout, so that git is not asked about it ten thousand times.
    std::env::set_current_dir(std::env::temp_dir()).expect("there is one");
    let tests = TESTS.map(|(name, kinds)| Trial::test(name, move || check(kinds)));
    libtest_mimic::run(&arguments, tests.into()).exit();
}
