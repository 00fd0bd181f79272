//! Calls, items, panics and times of phases that nest, recurse, unwind, close out of order or stay open.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use contract_tests::one_build::{allocate, measure, paths, phase_of, rows};
use perf_runtime::{BuildStats, PhaseGuard, PhaseStats, add_items, enter, phase, tracked_phase};

fn calls_and_panics(phase: &PhaseStats) -> (u64, u64) {
    (phase.calls, phase.panics)
}

fn calls_and_open_calls(phase: &PhaseStats) -> (u64, u64) {
    (phase.calls, phase.open_calls)
}

#[tracked_phase("with items", items = pages.len())]
fn with_items(pages: &[u8]) {
    let _ = pages;
}

#[tracked_phase("descend", items = 1)]
fn descend(depth: u32) {
    let block = vec![0_u8; 100];
    if depth > 0 {
        descend(depth - 1);
    }
    drop(block);
}

#[tracked_phase("ping")]
fn ping(depth: u32) {
    if depth > 0 {
        pong(depth - 1);
    }
}

#[tracked_phase("pong")]
fn pong(depth: u32) {
    if depth > 0 {
        ping(depth - 1);
    }
}

// ---- calls and items -------------------------------------------------------------------------

#[test]
fn each_entry_is_a_call_and_phases_are_in_tree_order() {
    let stats = measure(|| {
        for _ in 0..3 {
            let _parse = enter("parse");
            for _ in 0..5 {
                let _page = enter("page");
            }
        }
        let _render = enter("render");
        let _page = enter("page");
    });
    let calls = [("parse", 3), ("parse/page", 15), ("render", 1), ("render/page", 1)];
    assert_eq!(rows(&stats, |phase| phase.calls), calls);
    for phase in &stats.phases {
        assert_eq!((phase.open_calls, phase.panics, phase.cancelled, phase.polls), (0, 0, 0, 0));
        assert_eq!((phase.threads, phase.latency_ms), (1, None));
    }
}

#[test]
fn items_add_up_over_calls_and_additions() {
    let stats = measure(|| {
        with_items(&[0; 7]);
        with_items(&[0; 4]);
        with_items(&[]);
        phase!("block", items = 2_i64, {
            add_items(3_u8);
            phase!("inner", { add_items(10_usize) });
            add_items(-5);
        });
        // In no phase, so that they are not counted.
        add_items(1_000);
    });
    let expected = [("with items", (3, 11)), ("block", (1, 5)), ("block/inner", (1, 10))];
    assert_eq!(rows(&stats, |phase| (phase.calls, phase.items)), expected);
}

#[test]
fn an_early_return_a_break_and_a_question_mark_end_the_call() {
    fn leave(how: u32) -> Result<u32, std::num::ParseIntError> {
        let mut rounds = 0;
        'outer: while rounds < 2 {
            rounds += 1;
            phase!("left", {
                match how {
                    0 => return Ok(0),
                    1 => break 'outer,
                    2 => drop("x".parse::<u32>()?),
                    3 => continue 'outer,
                    _ => {}
                }
            });
            let _after = enter("after");
        }
        Ok(rounds)
    }
    let stats = measure(|| {
        for how in 0..5 {
            assert_eq!(leave(how).is_err(), how == 2);
        }
    });
    assert_eq!(rows(&stats, calls_and_panics), [("left", (7, 0)), ("after", (2, 0))]);
}

// ---- panics ----------------------------------------------------------------------------------

#[test]
fn a_panic_is_counted_in_all_phases_that_it_unwinds() {
    let stats = measure(|| {
        let _outer = enter("outer");
        for round in 0..5 {
            let caught = catch_unwind(|| {
                let _middle = enter("middle");
                let _inner = enter("inner");
                if round % 2 == 0 {
                    resume_unwind(Box::new(round));
                }
            });
            assert_eq!(caught.is_err(), round % 2 == 0);
        }
    });
    let expected = [("outer", (1, 0)), ("outer/middle", (5, 3)), ("outer/middle/inner", (5, 3))];
    assert_eq!(rows(&stats, calls_and_panics), expected);
}

#[test]
fn a_panic_that_is_caught_inside_a_phase_is_not_counted_in_it() {
    let stats = measure(|| {
        let _outer = enter("outer");
        let outer_caught = catch_unwind(|| {
            let _catcher = enter("catcher");
            let inner_caught = catch_unwind(|| {
                let _thrower = enter("thrower");
                resume_unwind(Box::new(()));
            });
            assert!(inner_caught.is_err());
            let _later = enter("later");
        });
        assert!(outer_caught.is_ok());
    });
    let thrower = ("outer/catcher/thrower", (1, 1));
    let others = ["outer", "outer/catcher", "outer/catcher/later"].map(|path| (path, (1, 0)));
    let expected = [others[0], others[1], thrower, others[2]];
    assert_eq!(rows(&stats, calls_and_panics), expected);
}

/// Enters a phase when it is dropped.
struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        let _cleanup = enter("cleanup");
        allocate(64);
    }
}

#[test]
fn a_phase_that_a_destructor_enters_during_unwinding_has_not_panicked() {
    let stats = measure(|| {
        let caught = catch_unwind(|| {
            let _doomed = enter("doomed");
            let _cleaner = Cleaner;
            resume_unwind(Box::new(()));
        });
        assert!(caught.is_err());
        let _cleaner = Cleaner;
    });
    let expected = [("doomed", (1, 1)), ("doomed/cleanup", (1, 0)), ("cleanup", (1, 0))];
    assert_eq!(rows(&stats, calls_and_panics), expected);
    assert_eq!(phase_of(&stats, "doomed/cleanup").alloc_bytes, Some(64));
}

// ---- recursion -------------------------------------------------------------------------------

#[test]
fn direct_recursion_is_one_phase_with_all_calls_and_a_total_that_counts_once() {
    let stats = measure(|| {
        descend(9);
        descend(0);
    });
    assert_eq!(paths(&stats), ["descend"]);
    let descend = phase_of(&stats, "descend");
    assert_eq!((descend.calls, descend.items), (11, 11));
    assert_eq!((descend.alloc_count, descend.alloc_bytes), (Some(11), Some(1_100)));
    assert_eq!((descend.freed_count, descend.peak_bytes), (Some(11), Some(1_000)));
    assert_eq!(descend.self_alloc_bytes, descend.alloc_bytes);
    assert!((descend.total_ms - descend.self_ms).abs() < 1e-9, "{descend:?}");
    assert!(descend.total_ms <= stats.build_time_ms, "{descend:?}");
    assert!(descend.total_ms <= descend.elapsed_ms + 1e-9, "{descend:?}");
}

#[test]
fn mutual_recursion_is_one_phase_each_and_their_totals_count_once() {
    let stats = measure(|| ping(9));
    assert_eq!(paths(&stats), ["ping", "ping/pong"]);
    let (outer, inner) = (phase_of(&stats, "ping"), phase_of(&stats, "ping/pong"));
    assert_eq!((outer.calls, inner.calls), (5, 5));
    assert!(outer.total_ms <= stats.build_time_ms, "{outer:?}");
    assert!(inner.total_ms <= outer.total_ms, "{inner:?} in {outer:?}");
    let alone = outer.self_ms + inner.self_ms;
    assert!((alone - outer.total_ms).abs() < 1e-9, "{alone} ≠ {}", outer.total_ms);
}

#[test]
fn deep_recursion_is_one_phase() {
    let stats = thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(|| measure(|| descend(20_000)))
        .unwrap()
        .join()
        .unwrap();
    let descend = phase_of(&stats, "descend");
    assert_eq!((descend.calls, descend.alloc_bytes), (20_001, Some(2_000_100)));
    assert_eq!(descend.peak_bytes, Some(2_000_100));
}

#[test]
fn thousands_of_nested_phases_are_all_recorded() {
    let deep = 3_000;
    let stats = measure(|| {
        let guards: Vec<_> = (0..deep).map(|depth| enter(format!("depth {depth}"))).collect();
        // The innermost first, like the stack.
        guards.into_iter().rev().for_each(drop);
    });
    assert_eq!(stats.phases.len(), deep);
    assert!(rows(&stats, calls_and_open_calls).iter().all(|row| row.1 == (1, 0)));
    assert_eq!(stats.phases[deep - 1].path.split('/').count(), deep);
}

// ---- times -----------------------------------------------------------------------------------

#[test]
fn times_are_at_least_those_of_the_work_and_at_most_those_of_the_build() {
    let stats = measure(|| {
        thread::sleep(Duration::from_millis(5));
        for milliseconds in [4, 8, 12] {
            let _outer = enter("outer");
            thread::sleep(Duration::from_millis(milliseconds));
            let _inner = enter("inner");
            thread::sleep(Duration::from_millis(3));
        }
        thread::sleep(Duration::from_millis(6));
    });
    let (outer, inner) = (phase_of(&stats, "outer"), phase_of(&stats, "outer/inner"));
    assert!(outer.self_ms >= 24.0, "{outer:?}");
    assert!(inner.total_ms >= 9.0, "{inner:?}");
    assert!((outer.total_ms - outer.self_ms - inner.total_ms).abs() < 1e-9, "{outer:?} {inner:?}");
    assert!(inner.total_ms - inner.self_ms < 1e-9, "{inner:?}");
    assert!(outer.min_ms.unwrap() >= 7.0 && outer.max_ms.unwrap() >= 15.0, "{outer:?}");
    assert!(outer.started_ms >= 5.0 && inner.started_ms >= 9.0, "{outer:?} {inner:?}");
    assert!(outer.elapsed_ms >= 33.0, "{outer:?}");
    assert!(stats.unattributed.as_ref().unwrap().build_thread_ms >= 11.0, "{stats:?}");
    assert!(outer.started_ms + outer.elapsed_ms + 6.0 <= stats.build_time_ms, "{stats:?}");
    // Everything ran on the build thread.
    for phase in [outer, inner] {
        assert_eq!(phase.build_thread_ms, Some(phase.total_ms));
        assert_eq!(phase.build_thread_self_ms, Some(phase.self_ms));
        assert!(phase.elapsed_ms + 1e-9 >= phase.total_ms, "{phase:?}");
    }
    assert_eq!(stats.phase_timings_ms.len(), 1);
    assert_eq!(stats.phase_timings_ms.get("outer"), outer.build_thread_ms.as_ref());
}

/// Work without a clock in it.
fn spin(rounds: u64) -> u64 {
    (0..rounds).fold(1, |state, round| std::hint::black_box(state ^ round.wrapping_mul(state)))
}

#[test]
fn a_parent_takes_no_less_time_than_its_children_together() {
    let stats = measure(|| {
        for outer in 0..20 {
            let _outer = enter("outer");
            for (name, rounds) in [("a", 500), ("b", 50), ("c", 5)] {
                let _child = enter(name);
                spin(rounds);
                if outer % 3 == 0 {
                    let _grandchild = enter("below");
                    spin(rounds);
                }
            }
        }
    });
    assert_eq!(stats.phases.len(), 7);
    for parent in &stats.phases {
        let is_child = |phase: &&PhaseStats| {
            phase.path.rsplit_once('/').is_some_and(|(above, _)| above == parent.path)
        };
        let children: Vec<_> = stats.phases.iter().filter(is_child).collect();
        let in_children: f64 = children.iter().filter_map(|child| child.build_thread_ms).sum();
        let total = parent.build_thread_ms.unwrap();
        assert!(total + 1e-9 >= in_children, "{in_children} of {parent:?}");
        assert!((total - in_children - parent.build_thread_self_ms.unwrap()).abs() < 1e-9);
        let end = |phase: &PhaseStats| phase.started_ms + phase.elapsed_ms;
        for child in children {
            assert!(child.started_ms + 1e-9 >= parent.started_ms);
            assert!(end(child) <= end(parent) + 1e-9, "{child:?} outlives {parent:?}");
        }
    }
}

#[test]
fn percentiles_are_ordered_between_the_shortest_and_the_longest_call() {
    let stats = measure(|| {
        for round in 0..1_000 {
            let _spread = enter("spread");
            spin(round * round % 997);
        }
        let _once = enter("once");
        spin(1_000);
    });
    for phase in &stats.phases {
        let spread = [phase.min_ms, phase.p50_ms, phase.p95_ms, phase.p99_ms, phase.max_ms];
        assert!(spread.is_sorted() && spread[0] >= Some(0.0), "{phase:?}");
        assert!(phase.max_ms.unwrap() <= phase.total_ms + 1e-9, "{phase:?}");
    }
    let once = phase_of(&stats, "once");
    assert_eq!([once.min_ms, once.p50_ms, once.p99_ms, once.max_ms], [Some(once.total_ms); 4]);
}

// ---- guards that are not dropped in order ------------------------------------------------------

#[test]
fn dropping_a_guard_closes_all_phases_inside_it_and_dropping_theirs_does_nothing() {
    let stats = measure(|| {
        let a = enter("a");
        let b = enter("b");
        let c = enter("c");
        drop(a);
        // The others are closed, so that this is not their child.
        let after = enter("after");
        drop(b);
        let inner = enter("inner");
        drop(c);
        drop(inner);
        drop(after);
        let _last = enter("last");
    });
    let once = ["a", "a/b", "a/b/c", "after", "after/inner", "last"].map(|path| (path, (1, 0)));
    assert_eq!(rows(&stats, calls_and_open_calls), once);
}

#[test]
fn a_closed_guard_does_not_close_a_later_entry_at_its_depth() {
    let stats = measure(|| {
        let mut closed = Vec::new();
        for _ in 0..100 {
            let outer = enter("outer");
            closed.push(enter("inner"));
            drop(outer);
        }
        let _outer = enter("outer");
        let _inner = enter("inner");
        drop(closed);
        let _innermost = enter("innermost");
    });
    let calls = [("outer", 101), ("outer/inner", 101), ("outer/inner/innermost", 1)];
    assert_eq!(rows(&stats, |phase| phase.calls), calls);
}

/// A task that is in a phase from its creation to its drop.
struct Task {
    _phase: PhaseGuard,
    block: Vec<u8>,
}

#[test]
fn a_guard_in_a_struct_closes_when_the_struct_is_dropped() {
    let stats = measure(|| {
        let task = Box::new(Task { _phase: enter("task"), block: vec![0; 500] });
        let _step = enter("step");
        assert_eq!(task.block.len(), 500);
        let kept = Some(task);
        drop(kept);
        let _after = enter("after");
    });
    assert_eq!(paths(&stats), ["task", "task/step", "after"]);
    let task = phase_of(&stats, "task");
    // The guard is dropped first: the other fields are freed after the phase.
    let allocated = (500 + size_of::<Task>()) as u64;
    assert_eq!((task.alloc_bytes, task.freed_bytes), (Some(allocated), Some(0)));
}

#[test]
fn the_call_of_a_forgotten_guard_is_open_until_the_phase_around_it_ends() {
    let stats = measure(|| {
        {
            let _around = enter("around");
            std::mem::forget(enter("forgotten"));
            let _below = enter("below");
        }
        std::mem::forget(enter("for ever"));
        allocate(300);
        let _below = enter("below");
        allocate(200);
    });
    let expected = [
        ("around", (1, 0)),
        ("around/forgotten", (1, 0)),
        ("around/forgotten/below", (1, 0)),
        ("for ever", (0, 1)),
        ("for ever/below", (1, 0)),
    ];
    assert_eq!(rows(&stats, calls_and_open_calls), expected);
    let for_ever = phase_of(&stats, "for ever");
    assert!(for_ever.alloc_bytes.unwrap() >= 500, "{for_ever:?}");
    assert_eq!(phase_of(&stats, "for ever/below").alloc_bytes, Some(200));
    assert_eq!((for_ever.min_ms, for_ever.p50_ms, for_ever.max_ms), (None, None, None));
    assert!(for_ever.build_thread_ms.unwrap() > 0.0, "{for_ever:?}");
}

#[test]
fn a_guard_that_survives_the_unwinding_of_its_phase_is_closed_once() {
    let stats = measure(|| {
        let mut kept = None;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _outer = enter("outer");
            kept = Some(enter("inner"));
            resume_unwind(Box::new(()));
        }));
        assert!(caught.is_err());
        drop(kept);
    });
    assert_eq!(rows(&stats, calls_and_panics), [("outer", (1, 1)), ("outer/inner", (1, 1))]);
}

// ---- names from strings ------------------------------------------------------------------------

#[test]
fn no_name_breaks_a_path_or_the_record() {
    let long = "é".repeat(5_000);
    let names = [
        "a/b",
        "/",
        "line\nbreak",
        "\u{1b}[31mred",
        "",
        " ",
        "\"\\",
        "\u{202e}evil",
        "=1+1",
        &long,
    ];
    let stats = measure(|| {
        for name in names {
            let _phase = enter(name);
        }
        let _from_string = enter(String::from("a string"));
    });
    assert_eq!(stats.phases.len(), names.len() + 1, "{:?}", paths(&stats));
    for phase in &stats.phases {
        assert_eq!(phase.calls, 1, "{:?}", phase.path);
        let is_forbidden = |character: char| character == '/' || character.is_control();
        assert!(!phase.path.contains(is_forbidden), "{:?}", phase.path);
        assert!((1..=256).contains(&phase.path.len()), "{:?}", phase.path);
    }
    for path in ["a_b", "_", "line_break", "_[31mred", "(unnamed)", " ", "a string"] {
        assert!(stats.phase(path).is_some(), "{path:?} is not among {:?}", paths(&stats));
    }
    let line = serde_json::to_string(&stats).unwrap();
    assert_eq!(line.lines().count(), 1);
    let again: BuildStats = serde_json::from_str(&line).unwrap();
    assert_eq!(paths(&again), paths(&stats));
}

#[test]
fn names_that_differ_only_in_replaced_characters_are_one_phase() {
    let stats = measure(|| {
        for name in ["a/b", "a_b", "a\nb"] {
            let _phase = enter(name);
        }
    });
    assert_eq!(rows(&stats, |phase| phase.calls), [("a_b", 3)]);
}

#[test]
fn phases_beyond_the_limit_are_one_phase_and_all_sums_are_right() {
    let many: usize = 20_000;
    let stats = measure(|| {
        let _before = enter("before");
        let files = enter("files");
        for round in 0..2 {
            for file in 0..many {
                let _file = enter(format!("file {file}"));
                add_items(1);
                allocate(10 + round);
            }
        }
        drop(files);
        let _late = enter("late");
        let _below = enter("below");
    });
    let files = phase_of(&stats, "before/files");
    let (below, elsewhere): (Vec<_>, Vec<_>) =
        stats.phases.iter().partition(|phase| phase.path.starts_with("before/files/"));
    assert!((10_000..many).contains(&below.len()), "{}", below.len());
    let other = phase_of(&stats, "before/files/(other)");
    let sum = |field: fn(&PhaseStats) -> u64| below.iter().map(|phase| field(phase)).sum::<u64>();
    assert_eq!(sum(|phase| phase.calls), 40_000);
    assert_eq!(sum(|phase| phase.items), 40_000);
    // The names are allocated before their phases are entered.
    assert_eq!(sum(|phase| phase.alloc_bytes.unwrap()), 20_000 * 21);
    assert_eq!(other.calls, 2 * (20_001 - below.len() as u64));
    assert_eq!(other.items, other.calls);
    let in_files: f64 = below.iter().filter_map(|phase| phase.build_thread_ms).sum();
    assert!(files.build_thread_ms.unwrap() >= in_files, "{files:?}");
    let ordinary = below.iter().filter(|phase| phase.path != other.path);
    assert!(ordinary.clone().all(|phase| phase.calls == 2) && ordinary.count() > 10_000);
    // "before", "before/files", and what came after the limit.
    let calls: u64 = elsewhere.iter().map(|phase| phase.calls).sum();
    assert_eq!(calls, 4, "{elsewhere:?}");
}
