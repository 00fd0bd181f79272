//! Spans that begin before a build or end after it, and builds that are open at once.

use super::{
    allocate, assert_bytes, assert_phases, calls, collector, counts, measure, measure_with,
    on_a_thread, paths, phase_of, started, subscribe, turn,
};
use contract_tests::conservation::assert_conserved;
use perf_runtime::enter;
use std::thread;
use tracing::{Span, info_span};

#[test]
fn a_span_from_before_the_build_is_a_call_where_it_is_first_entered() {
    subscribe();
    let _turn = turn();
    let outer = info_span!("outer");
    let never = outer.in_scope(|| info_span!("never"));
    let inner = never.in_scope(|| info_span!("inner"));
    let stats = measure_with(&mut collector(), || {
        let _phase = enter("phase");
        outer.in_scope(|| allocate(1));
        let (again, below) = (outer.clone(), inner.clone());
        on_a_thread(move || {
            again.in_scope(|| allocate(2));
            // One of its parents was entered in this build.
            below.in_scope(|| allocate(4));
        });
        drop((outer, never, inner));
    });
    let tree = ["phase", "phase/outer", "phase/outer/never", "phase/outer/never/inner"];
    assert_eq!(paths(&stats), tree);
    assert_bytes(&stats, "phase/outer", 3);
    assert_bytes(&stats, tree[3], 4);
    assert_eq!(counts(phase_of(&stats, "phase/outer")), [1, 1, 0, 0, 0]);
    assert_eq!(counts(phase_of(&stats, tree[3])), [1, 0, 0, 0, 0]);
}

#[test]
fn a_span_far_below_all_phases_is_where_it_is_first_entered() {
    subscribe();
    let _turn = turn();
    let root = info_span!("root");
    let mut chain = vec![root.clone()];
    for _ in 0..100 {
        chain.push(info_span!(parent: chain.last().unwrap(), "link"));
    }
    let stats = measure_with(&mut collector(), || {
        root.in_scope(|| ());
        chain[20].in_scope(|| allocate(1));
        let _phase = enter("phase");
        chain[100].in_scope(|| allocate(2));
    });
    assert_eq!(paths(&stats), ["root", "root/link", "phase", "phase/link"]);
    assert_bytes(&stats, "root/link", 1);
    assert_bytes(&stats, "phase/link", 2);
}

#[test]
fn a_span_that_is_entered_around_the_build_is_not_part_of_it() {
    subscribe();
    let _turn = turn();
    let _around = info_span!("around").entered();
    let stats = measure_with(&mut collector(), || info_span!("within").in_scope(|| ()));
    assert_eq!(paths(&stats), ["within"]);
}

#[test]
fn a_span_that_is_closed_after_the_build_is_an_open_call() {
    let mut kept = Vec::new();
    let stats = measure(|| {
        kept.push(info_span!("kept"));
        kept[0].in_scope(|| allocate(9));
        let entered = info_span!("entered");
        // Never exited.
        entered.with_subscriber(|(id, dispatch)| dispatch.enter(id));
        kept.push(entered);
    });
    assert_eq!(counts(phase_of(&stats, "kept")), [0, 0, 0, 0, 1]);
    assert_eq!(phase_of(&stats, "kept").max_ms, None);
    assert_bytes(&stats, "kept", 9);
    assert_eq!(counts(phase_of(&stats, "entered")), [0, 0, 0, 0, 1]);
    kept[1].with_subscriber(|(id, dispatch)| dispatch.exit(id));
    drop(kept);
    let next = measure(|| info_span!("next").in_scope(|| ()));
    assert_eq!(paths(&next), ["next"]);
}

#[test]
fn a_span_that_is_entered_in_several_builds_is_a_call_in_each() {
    subscribe();
    let _turn = turn();
    let mut collector = collector();
    let mut span = Span::none();
    for round in 0..3 {
        collector.start_build();
        if round == 0 {
            let _first = enter("first");
            span = info_span!("worker");
        }
        let _phase = enter("phase");
        span.in_scope(|| allocate(10));
        span.in_scope(|| allocate(20));
        if round == 0 {
            // Never exited, which does not affect the next build.
            span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
        }
        if round == 2 {
            span = Span::none();
        }
        let stats = collector.end_build();
        assert_conserved(&stats);
        // The phase that it was created in is in the first build only.
        let path = if round == 0 { "first/worker" } else { "phase/worker" };
        let calls = [[0, 2, 0, 0, 1], [0, 1, 0, 0, 1], [1, 1, 0, 0, 0]][round];
        assert_eq!(counts(phase_of(&stats, path)), calls, "{round}");
        assert_bytes(&stats, path, 30);
    }
    assert!(span.is_none());
}

#[test]
fn a_span_belongs_to_the_build_that_it_was_made_in_though_others_are_open() {
    subscribe();
    let _turn = turn();
    let mut outer = started();
    let span = info_span!("outer's");
    let other = thread::spawn({
        let span = span.clone();
        move || {
            let mut inner = started();
            let own = info_span!("inner's").entered();
            span.in_scope(|| allocate(111));
            info_span!("child").in_scope(|| allocate(222));
            drop(own);
            drop(span);
            inner.end_build()
        }
    });
    let inner = other.join().unwrap();
    drop(span);
    let outer = outer.end_build();
    assert_conserved(&outer);
    assert_conserved(&inner);
    assert_phases(&outer, &[("outer's", calls(1), 111)]);
    assert_eq!(paths(&inner), ["inner's", "inner's/child"]);
    assert_bytes(&inner, "inner's/child", 222);
    assert_eq!(counts(phase_of(&inner, "inner's")), calls(1));
}

#[test]
fn a_span_of_one_build_that_is_closed_in_another_is_counted_in_its_own() {
    subscribe();
    let _turn = turn();
    let (mut first, mut second) = (started(), collector());
    let span = info_span!("first's");
    span.in_scope(|| allocate(11));
    let second = on_a_thread(move || {
        second.start_build();
        info_span!("second's").in_scope(|| drop(span));
        second.end_build()
    });
    assert_eq!(paths(&second), ["second's"]);
    let first = first.end_build();
    assert_conserved(&first);
    assert_eq!(paths(&first), ["first's"]);
    assert_eq!((counts(&first.phases[0]), first.phases[0].threads), ([1, 0, 0, 0, 0], 1));
}
