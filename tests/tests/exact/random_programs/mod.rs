//! Random programs against a slow and obvious model: every field of the memory table is exact, and
//! so are all counts; times are within the bounds of the program's own clock.
//!
//! A program is a tree of steps for a few threads: it enters phases, hands them off, polls futures,
//! panics, and starts and ends builds, in every order. While it runs, a trace is taken of its calls of
//! the runtime and, by the allocator below the tracking one, of every request to the allocator. The
//! trace does not contain the allocations of the runtime itself, so that counting one would be noticed.
//! The model computes from the trace what the records must be.

mod carried;
mod compare;
mod interpreter;
mod model;
mod program;
mod threads;
pub(crate) mod trace;
mod truth;

use std::sync::Barrier;
use std::thread;

use libtest_mimic::Trial;

use interpreter::World;
use model::Model;
use program::{Act, BUILDS, Kinds, Step, programs};

use crate::check_random;

/// Runs a program, with a build open from its start, and returns how its records differ from the model.
fn run(steps: &[Step]) -> Vec<String> {
    let world = World::new();
    let players = Act::last_player(steps) + 1;
    // All threads have started when the build does.
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
                world.do_one(&Act::StartBuild(0));
                world.run(steps);
                (0..BUILDS).for_each(|build| world.end_build(build));
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

/// The number of programs of each test.
const CASES: u32 = 2_600;

const CALLS: Kinds = Kinds { handles: 0, futures: 0, builds: 0, threads: 0 };

const TESTS: [(&str, Kinds); 4] = [
    ("every_number_is_exact_if_phases_are_entered_on_one_thread", CALLS),
    (
        "every_number_is_exact_if_work_is_handed_off_and_stolen",
        Kinds { handles: 8, threads: 8, ..CALLS },
    ),
    (
        "every_number_is_exact_if_futures_are_polled_anywhere",
        Kinds { futures: 8, handles: 2, threads: 2, ..CALLS },
    ),
    (
        "every_number_is_exact_if_several_builds_are_open",
        Kinds { builds: 8, handles: 2, futures: 2, threads: 4 },
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    let check = |kinds| check_random(CASES, programs(kinds), |steps| run(&steps));
    TESTS.map(|(name, kinds)| Trial::test(name, move || check(kinds))).into()
}
