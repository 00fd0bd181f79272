//! What a record says of calls, items, panics and times, for the entries and exits that a program
//! really makes: nested, recursive, unwinding, out of order, never closed.
#![forbid(unsafe_code)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
    time::Duration,
};

use contract_tests::one_build::{measure, paths, phase_of};
use perf_runtime::{
    BuildStats, PhaseGuard, PhaseStats, TrackingAllocator, add_items, enter, phase, tracked_phase,
};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

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
fn each_entry_is_a_call_and_phases_stand_in_tree_order() {
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
    assert_eq!(paths(&stats), ["parse", "parse/page", "render", "render/page"]);
    let calls: Vec<_> = stats.phases.iter().map(|it| it.calls).collect();
    assert_eq!(calls, [3, 15, 1, 1]);
    for phase in &stats.phases {
        assert_eq!((phase.open_calls, phase.panics, phase.cancelled, phase.polls), (0, 0, 0, 0));
        assert_eq!((phase.threads, phase.latency_ms), (1, None));
    }
}

#[test]
fn items_add_up_over_calls_and_from_inside_of_them() {
    let stats = measure(|| {
        with_items(&[0; 7]);
        with_items(&[0; 4]);
        with_items(&[]);
        phase!("block", items = 2_i64, {
            add_items(3_u8);
            phase!("inner", { add_items(10_usize) });
            add_items(-5);
        });
        // In no phase, so that nobody has them.
        add_items(1_000);
    });
    assert_eq!(
        (phase_of(&stats, "with items").calls, phase_of(&stats, "with items").items),
        (3, 11)
    );
    assert_eq!(phase_of(&stats, "block").items, 5);
    assert_eq!(phase_of(&stats, "block/inner").items, 10);
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
    assert_eq!(paths(&stats), ["left", "after"]);
    assert_eq!((phase_of(&stats, "left").calls, phase_of(&stats, "left").panics), (7, 0));
    assert_eq!(phase_of(&stats, "after").calls, 2);
}

// ---- panics ----------------------------------------------------------------------------------

#[test]
fn a_call_that_unwinds_is_a_panic_of_all_phases_that_it_leaves() {
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
    let counted = |path| (phase_of(&stats, path).calls, phase_of(&stats, path).panics);
    assert_eq!(counted("outer"), (1, 0));
    assert_eq!(counted("outer/middle"), (5, 3));
    assert_eq!(counted("outer/middle/inner"), (5, 3));
}

#[test]
fn a_panic_that_is_caught_inside_of_a_phase_is_none_of_it() {
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
    assert_eq!(phase_of(&stats, "outer/catcher/thrower").panics, 1);
    for path in ["outer", "outer/catcher", "outer/catcher/later"] {
        assert_eq!((phase_of(&stats, path).calls, phase_of(&stats, path).panics), (1, 0), "{path}");
    }
}

/// Enters a phase when it is dropped.
struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        let _cleanup = enter("cleanup");
        drop(std::hint::black_box(vec![0_u8; 64]));
    }
}

#[test]
fn a_phase_that_a_destructor_enters_while_unwinding_did_not_panic() {
    let stats = measure(|| {
        let caught = catch_unwind(|| {
            let _doomed = enter("doomed");
            let _cleaner = Cleaner;
            resume_unwind(Box::new(()));
        });
        assert!(caught.is_err());
        let _cleaner = Cleaner;
    });
    let inside = phase_of(&stats, "doomed/cleanup");
    assert_eq!((inside.calls, inside.panics, inside.alloc_bytes), (1, 0, Some(64)));
    assert_eq!(phase_of(&stats, "doomed").panics, 1);
    assert_eq!(phase_of(&stats, "cleanup").panics, 0);
}

// ---- recursion -------------------------------------------------------------------------------

#[test]
fn direct_recursion_is_one_phase_whose_calls_all_count_and_whose_total_counts_once() {
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
fn recursion_deeper_than_any_stack_of_phases_is_still_one_phase() {
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
fn phases_nested_without_end_are_kept_apart_or_are_other_and_none_is_lost() {
    let deep = 3_000;
    let stats = measure(|| {
        let guards: Vec<_> = (0..deep).map(|depth| enter(format!("depth {depth}"))).collect();
        // The innermost first, as the stack would.
        guards.into_iter().rev().for_each(drop);
    });
    assert_eq!(stats.phases.len(), deep);
    assert!(stats.phases.iter().all(|it| it.calls == 1 && it.open_calls == 0));
    assert_eq!(stats.phases[deep - 1].path.split('/').count(), deep);
}

// ---- times -----------------------------------------------------------------------------------

#[test]
fn a_phases_times_are_no_less_than_what_it_did_and_no_more_than_the_build() {
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
    // All of it ran on the build's own thread.
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
        let below = |it: &&PhaseStats| {
            it.path
                .strip_prefix(&parent.path)
                .and_then(|it| it.strip_prefix('/'))
                .is_some_and(|it| !it.contains('/'))
        };
        let children: Vec<_> = stats.phases.iter().filter(below).collect();
        let own: f64 = children.iter().filter_map(|it| it.build_thread_ms).sum();
        assert!(parent.build_thread_ms.unwrap() + 1e-9 >= own, "{own} of {parent:?}");
        assert!(
            (parent.build_thread_ms.unwrap() - own - parent.build_thread_self_ms.unwrap()).abs()
                < 1e-9
        );
        for child in children {
            assert!(child.started_ms + 1e-9 >= parent.started_ms);
            let (end, childs_end) =
                (parent.started_ms + parent.elapsed_ms, child.started_ms + child.elapsed_ms);
            assert!(childs_end <= end + 1e-9, "{child:?} outlives {parent:?}");
        }
    }
}

#[test]
fn percentiles_stand_in_order_between_the_shortest_and_the_longest_call() {
    let stats = measure(|| {
        for round in 0..1_000 {
            let _spread = enter("spread");
            spin(round * round % 997);
        }
        let _once = enter("once");
        spin(1_000);
    });
    for phase in &stats.phases {
        let [min, p50, p95, p99, max] =
            [phase.min_ms, phase.p50_ms, phase.p95_ms, phase.p99_ms, phase.max_ms]
                .map(Option::unwrap);
        assert!(0.0 <= min && min <= p50 && p50 <= p95 && p95 <= p99 && p99 <= max, "{phase:?}");
        assert!(max <= phase.total_ms + 1e-9, "{phase:?}");
    }
    let once = phase_of(&stats, "once");
    assert_eq!([once.min_ms, once.p50_ms, once.p99_ms, once.max_ms], [Some(once.total_ms); 4]);
}

// ---- guards that are not dropped in order ------------------------------------------------------

#[test]
fn dropping_a_guard_closes_all_that_is_open_above_it_and_a_closed_one_does_nothing() {
    let stats = measure(|| {
        let a = enter("a");
        let b = enter("b");
        let c = enter("c");
        drop(a);
        // Closed already; were they not, this would be their child.
        let after = enter("after");
        drop(b);
        let inner = enter("inner");
        drop(c);
        drop(inner);
        drop(after);
        let _last = enter("last");
    });
    assert_eq!(paths(&stats), ["a", "a/b", "a/b/c", "after", "after/inner", "last"]);
    assert!(stats.phases.iter().all(|it| (it.calls, it.open_calls) == (1, 0)), "{stats:?}");
}

#[test]
fn a_closed_guard_does_nothing_to_a_later_entry_in_its_place() {
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
    assert_eq!(paths(&stats), ["outer", "outer/inner", "outer/inner/innermost"]);
    let calls: Vec<_> = stats.phases.iter().map(|it| it.calls).collect();
    assert_eq!(calls, [101, 101, 1]);
}

/// A task that is in a phase as long as it lives.
struct Task {
    _phase: PhaseGuard,
    block: Vec<u8>,
}

#[test]
fn guards_in_structures_close_where_the_structure_goes() {
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
    // The guard goes first: what the structure still holds is freed after the phase.
    let made = (500 + size_of::<Task>()) as u64;
    assert_eq!((task.alloc_bytes, task.freed_bytes), (Some(made), Some(0)));
}

#[test]
fn a_guard_that_is_forgotten_leaves_a_call_open_until_what_is_around_it_ends() {
    let stats = measure(|| {
        {
            let _around = enter("around");
            std::mem::forget(enter("forgotten"));
            let _below = enter("below");
        }
        std::mem::forget(enter("for ever"));
        drop(std::hint::black_box(vec![0_u8; 300]));
        let _below = enter("below");
        drop(std::hint::black_box(vec![0_u8; 200]));
    });
    assert_eq!(
        paths(&stats),
        ["around", "around/forgotten", "around/forgotten/below", "for ever", "for ever/below"]
    );
    let counted = |path| (phase_of(&stats, path).calls, phase_of(&stats, path).open_calls);
    for path in ["around", "around/forgotten", "around/forgotten/below", "for ever/below"] {
        assert_eq!(counted(path), (1, 0), "{path}");
    }
    assert_eq!(counted("for ever"), (0, 1));
    let for_ever = phase_of(&stats, "for ever");
    assert!(for_ever.alloc_bytes.unwrap() >= 500, "{for_ever:?}");
    assert_eq!(phase_of(&stats, "for ever/below").alloc_bytes, Some(200));
    assert_eq!((for_ever.min_ms, for_ever.p50_ms, for_ever.max_ms), (None, None, None));
    assert!(for_ever.build_thread_ms.unwrap() > 0.0, "{for_ever:?}");
}

#[test]
fn a_guard_that_a_panic_carries_away_and_back_is_closed_once() {
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
    for path in ["outer", "outer/inner"] {
        assert_eq!((phase_of(&stats, path).calls, phase_of(&stats, path).panics), (1, 1), "{path}");
    }
}

// ---- names that are made at run time -----------------------------------------------------------

#[test]
fn no_name_that_is_made_at_run_time_breaks_a_path_or_the_record() {
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
        assert!(
            !phase.path.contains('/') && !phase.path.contains(char::is_control),
            "{:?}",
            phase.path
        );
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
fn names_that_differ_only_in_what_is_replaced_are_one_phase() {
    let stats = measure(|| {
        for name in ["a/b", "a_b", "a\nb"] {
            let _phase = enter(name);
        }
    });
    assert_eq!(paths(&stats), ["a_b"]);
    assert_eq!(phase_of(&stats, "a_b").calls, 3);
}

#[test]
fn phases_beyond_the_bound_are_one_and_all_sums_are_right() {
    let many: usize = 20_000;
    let stats = measure(|| {
        let _before = enter("before");
        let files = enter("files");
        for round in 0..2 {
            for file in 0..many {
                let _file = enter(format!("file {file}"));
                add_items(1);
                drop(std::hint::black_box(vec![0_u8; 10 + round]));
            }
        }
        drop(files);
        let _late = enter("late");
        let _below = enter("below");
    });
    let files = phase_of(&stats, "before/files");
    let below: Vec<_> =
        stats.phases.iter().filter(|it| it.path.starts_with("before/files/")).collect();
    assert!((10_000..many).contains(&below.len()), "{}", below.len());
    let other = phase_of(&stats, "before/files/(other)");
    let sum = |of: fn(&PhaseStats) -> u64| below.iter().map(|it| of(it)).sum::<u64>();
    assert_eq!(sum(|it| it.calls), 40_000);
    assert_eq!(sum(|it| it.items), 40_000);
    // The names themselves are made before their phases are entered.
    assert_eq!(sum(|it| it.alloc_bytes.unwrap()), 20_000 * 21);
    assert_eq!(other.calls, 2 * (20_001 - below.len() as u64));
    assert_eq!(other.items, other.calls);
    let own: f64 = below.iter().filter_map(|it| it.build_thread_ms).sum();
    assert!(files.build_thread_ms.unwrap() >= own, "{files:?}");
    let ordinary = below.iter().filter(|it| it.path != other.path);
    assert!(ordinary.clone().all(|it| it.calls == 2) && ordinary.count() > 10_000);
    // What comes after the bound is not lost, either.
    let late: u64 = stats
        .phases
        .iter()
        .filter(|it| !it.path.starts_with("before/files"))
        .map(|it| it.calls)
        .sum();
    assert_eq!(late, 3, "{:?}", stats.phases.last());
}
