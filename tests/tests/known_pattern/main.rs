//! A generated program whose every phase allocates in a known pattern: each number of its record is the
//! one that a formula gives.
//!
//! Nothing is measured twice here. The one number that no formula can give is how much the process
//! had on its heap before: that is what the first phase says, which does nothing.

mod crew;
mod expected;
mod pattern;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{collector, phase_of};
use libtest_mimic::{Arguments, Failed, Trial};
use perf_runtime::{BuildStats, TrackingAllocator, enter};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

use crew::{CREW, Crew};
use expected::{Expected, STEP, signed};

use pattern::{Pattern, Rack, patterns};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// Of the phases that hold one pattern each.
const PLACES: [&str; 8] = ["1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th"];

const CASES: u32 = 300;

fn run(patterns: &[Pattern], crew: &Crew) -> BuildStats {
    let mut rack = Rack::new();
    crew.all_tell();
    let mut collector = collector();
    collector.start_build();
    drop(enter("base"));
    {
        let _program = enter("program");
        for (pattern, place) in patterns.iter().zip(PLACES) {
            let _place = enter(place);
            pattern.run(&mut rack, crew);
        }
    }
    let stats = collector.end_build();
    drop(rack);
    crew.clear();
    stats
}

#[expect(clippy::cast_possible_truncation, reason = "a heap is far below 2^53 bytes")]
fn bytes(megabytes: Option<f64>) -> i64 {
    (megabytes.unwrap() * 1_048_576.0).round() as i64
}

/// What of a record is not as the formulas have it.
fn differences(stats: &BuildStats, expected: &Expected) -> Vec<String> {
    assert_conserved(stats);
    let base = phase_of(stats, "base").process_peak_bytes.unwrap().cast_signed();
    let mut differences = Vec::new();
    let mut compare = |what: &str, is: i64, should: i64, by_at_most: i64| {
        if (is - should).abs() > by_at_most {
            differences.push(format!("{what} is {is}, not {should} (within {by_at_most})"));
        }
    };
    let number = |field: Option<u64>| field.map_or(i64::MIN, u64::cast_signed);
    for (path, row) in &expected.rows {
        let phase = phase_of(stats, path);
        let fields = [
            ("calls", phase.calls.cast_signed(), row.calls),
            ("alloc_count", number(phase.alloc_count), row.allocations),
            ("alloc_bytes", number(phase.alloc_bytes), row.allocated),
            ("freed_count", number(phase.freed_count), row.frees),
            ("freed_bytes", number(phase.freed_bytes), row.freed),
            ("realloc_count", number(phase.realloc_count), row.reallocations),
            ("net_bytes", phase.net_bytes.unwrap(), row.allocated - row.freed),
            ("self_alloc_count", number(phase.self_alloc_count), row.self_allocations),
            ("self_alloc_bytes", number(phase.self_alloc_bytes), row.self_allocated),
            ("peak_bytes", number(phase.peak_bytes), row.peak),
        ];
        for (name, is, should) in fields {
            compare(&format!("{path}: {name}"), is, should, 0);
        }
        let peak = number(phase.process_peak_bytes) - base;
        compare(&format!("{path}: process peak"), peak, row.highest, row.uncertain);
    }
    // And the base.
    compare("phases", signed(stats.phases.len()), signed(expected.rows.len()) + 1, 0);

    let outside = stats.unattributed.as_ref().unwrap();
    let others = &expected.outside;
    compare("outside: alloc_count", number(outside.alloc_count), others.allocations, 0);
    compare("outside: alloc_bytes", number(outside.alloc_bytes), others.allocated, 0);
    compare("outside: freed_count", number(outside.freed_count), others.frees, 0);
    compare("outside: freed_bytes", number(outside.freed_bytes), others.freed, 0);
    compare("outside: realloc_count", number(outside.realloc_count), 0, 0);

    let program = &expected.rows.last().unwrap().1;
    compare("the peak", bytes(stats.memory_peak_mb) - base, program.highest, program.uncertain);
    // The own thread has told by then.
    let at_the_end = program.uncertain.min(signed(CREW) * STEP);
    compare("the heap", bytes(stats.memory_heap_mb) - base, expected.kept, at_the_end);
    let peak_phase = stats.peak_phase.as_deref();
    if program.uncertain == 0 && peak_phase != Some(&expected.peak_phase) {
        differences.push(format!("the peak is in {peak_phase:?}, not in {}", expected.peak_phase));
    } else {
        // Where other levels may be missed, it is a phase that the peak may have been in.
        let highest = expected.rows.iter().find(|it| Some(it.0.as_str()) == peak_phase);
        let highest = highest.map_or(i64::MIN, |it| it.1.highest);
        let by_at_most = 2 * program.uncertain;
        compare("the level of the phase of the peak", highest, program.highest, by_at_most);
    }
    differences
}

fn check_each(programs: impl IntoIterator<Item = Vec<Pattern>>) -> Result<(), Failed> {
    let crew = Crew::start();
    for patterns in programs {
        let differences = differences(&run(&patterns, &crew), &Expected::of(&patterns, &PLACES));
        if !differences.is_empty() {
            return Err(format!("{patterns:?}:\n{}", differences.join("\n")).into());
        }
    }
    crew.quit();
    Ok(())
}

fn check(patterns: impl Strategy<Value = Vec<Pattern>>) -> Result<(), Failed> {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let crew = Crew::start();
    let result = TestRunner::new(config).run(&patterns, |patterns| {
        let differences = differences(&run(&patterns, &crew), &Expected::of(&patterns, &PLACES));
        prop_assert!(differences.is_empty(), "\n{}", differences.join("\n"));
        Ok(())
    });
    crew.quit();
    result.map_err(|it| it.to_string().into())
}

/// One test after the other, on this thread: a runner's own threads would allocate while programs
/// run.
fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    // Out of any checkout, so that git is not asked about it hundreds of times.
    std::env::set_current_dir(std::env::temp_dir()).expect("there is one");
    let told_before = || {
        // The first leaves each thread of the crew almost a step below what it told, and the second
        // raises each to almost a step above it.
        let crowd = |blocks, size| vec![Pattern::Crowd { blocks, size, own: 1_209 }];
        check_each([crowd(3, 60_000), crowd(2, 60_326)])
    };
    let alone = || check(patterns(false));
    let among_others = || check(patterns(true));
    let tests = vec![
        Trial::test(
            "what_threads_have_not_told_of_earlier_programs_is_not_missed_in_this",
            told_before,
        ),
        Trial::test("every_field_is_what_the_pattern_gives_where_one_thread_allocates", alone),
        Trial::test("every_field_is_what_the_pattern_gives_among_other_threads", among_others),
    ];
    libtest_mimic::run(&arguments, tests).exit();
}
