//! The phase of a span is below the phase of its parent, wherever the span is entered.

use super::{allocate, assert_bytes, calls, counts, measure, on_a_thread, paths, phase_of, rows};
use perf_runtime::{enter, tracked_phase};
use std::thread;
use std::time::Duration;
use tracing::info_span;

#[test]
fn spans_and_annotated_phases_nest_in_each_other() {
    #[tracked_phase("annotated")]
    fn annotated() {
        allocate(1);
        info_span!("inner").in_scope(|| {
            allocate(2);
            let _guard = enter("guard");
            info_span!("innermost").in_scope(|| allocate(3));
        });
    }
    let stats = measure(|| info_span!("outer").in_scope(annotated));
    let tree = [
        "outer",
        "outer/annotated",
        "outer/annotated/inner",
        "outer/annotated/inner/guard",
        "outer/annotated/inner/guard/innermost",
    ];
    assert_eq!(rows(&stats, counts), tree.map(|path| (path, calls(1))));
    assert_bytes(&stats, tree[4], 3);
}

#[test]
fn a_span_is_below_the_phase_that_it_was_made_in_wherever_it_is_entered() {
    let stats = measure(|| {
        let made_there = {
            let _there = enter("there");
            let _span = info_span!("span").entered();
            info_span!("child")
        };
        let _here = enter("here");
        made_there.in_scope(|| allocate(50));
        on_a_thread(move || made_there.in_scope(|| allocate(60)));
        info_span!("other").in_scope(|| allocate(70));
    });
    assert_eq!(paths(&stats), ["there", "there/span", "there/span/child", "here", "here/other"]);
    assert_bytes(&stats, "there/span/child", 110);
    assert_bytes(&stats, "here/other", 70);
    let [there, here] = ["there", "here"].map(|path| phase_of(&stats, path));
    assert!(there.alloc_bytes >= Some(110), "{there:?}");
    assert_eq!((counts(there), there.threads), ([1, 0, 0, 0, 0], 2));
    assert_eq!(phase_of(&stats, "there/span/child").threads, 2);
    assert_eq!(here.threads, 1);
}

#[test]
fn time_of_a_span_with_another_parent_is_not_part_of_the_phase_that_it_interrupts() {
    let stats = measure(|| {
        let parent = info_span!("parent");
        info_span!("busy").in_scope(|| {
            let child = info_span!(parent: &parent, "child");
            child.in_scope(|| thread::sleep(Duration::from_millis(30)));
            let root = info_span!(parent: None, "root");
            root.in_scope(|| thread::sleep(Duration::from_millis(30)));
        });
    });
    let [busy, parent, child, root] =
        ["busy", "parent", "parent/child", "root"].map(|path| phase_of(&stats, path));
    assert!(child.total_ms >= 30.0 && root.total_ms >= 30.0, "{stats:?}");
    assert!(parent.total_ms >= child.total_ms, "{stats:?}");
    assert!(busy.total_ms <= busy.elapsed_ms - 60.0, "{busy:?}");
    let longest = busy.max_ms.unwrap();
    assert!((longest - busy.total_ms).abs() < 1e-6, "stolen work is not part of a call: {busy:?}");
}

#[test]
fn an_explicit_parent_is_the_parent() {
    let stats = measure(|| {
        let root = info_span!("root");
        let middle = info_span!(parent: &root, "middle");
        let leaf = info_span!(parent: &middle, "leaf");
        // The innermost is entered first, before its parents.
        leaf.in_scope(|| allocate(1));
        middle.in_scope(|| {
            allocate(2);
            let _elsewhere = enter("annotated");
            info_span!(parent: &root, "second").in_scope(|| allocate(4));
        });
        root.in_scope(|| allocate(8));
        info_span!(parent: leaf.id(), "below").in_scope(|| allocate(16));
    });
    for (path, bytes) in [
        ("root", 8),
        ("root/middle", 2),
        ("root/middle/leaf", 1),
        ("root/second", 4),
        ("root/middle/annotated", 0),
        ("root/middle/leaf/below", 16),
    ] {
        assert_bytes(&stats, path, bytes);
        assert_eq!(counts(phase_of(&stats, path)), calls(1), "{path}");
    }
    assert_eq!(stats.phases.len(), 6);
}

#[test]
fn a_parent_that_was_not_entered_is_the_open_phase_of_its_name() {
    let stats = measure(|| {
        let outer = info_span!("name").entered();
        let middle = info_span!("middle").entered();
        let same = info_span!("name");
        info_span!(parent: &same, "leaf").in_scope(|| allocate(7));
        same.in_scope(|| allocate(3));
        drop((middle, outer));
    });
    assert_eq!(paths(&stats), ["name", "name/middle", "name/leaf"]);
    assert_bytes(&stats, "name", 3);
    assert_bytes(&stats, "name/leaf", 7);
    assert_eq!(phase_of(&stats, "name").calls, 2);
}

#[test]
fn a_span_that_follows_from_another_is_not_below_it() {
    let stats = measure(|| {
        let first = info_span!("first");
        first.in_scope(|| ());
        let second = info_span!("second");
        second.follows_from(&first);
        second.in_scope(|| ());
    });
    assert_eq!(paths(&stats), ["first", "second"]);
}

#[test]
fn events_and_fields_change_nothing() {
    let stats = measure(|| {
        let span = info_span!("span", field = tracing::field::Empty);
        let _entered = span.enter();
        span.record("field", 3);
        tracing::info!(number = 3, "message");
    });
    assert_eq!(rows(&stats, counts), [("span", calls(1))]);
}
