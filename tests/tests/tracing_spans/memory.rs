//! Memory of the layer itself is not counted.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use perf_runtime::{PhaseHandle, PhaseLayer, enter};
use tracing::dispatcher::{Dispatch, get_default, with_default};
use tracing::{Span, Subscriber, info_span};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry;

use super::{allocate, counts, measure, paths, phase_of};

/// Creates spans in all ways for which the layer needs memory. `elsewhere` runs on another thread.
fn work(elsewhere: &Elsewhere) {
    let outer = info_span!("outer");
    let never = info_span!(parent: &outer, "never");
    outer.in_scope(|| {
        for bytes in 0..40 {
            let nested: Vec<_> = (0..bytes).map(|_| info_span!("nested").entered()).collect();
            allocate(bytes);
            info_span!(parent: &never, "elsewhere").in_scope(|| allocate(bytes));
            // The outermost first.
            drop(nested);
        }
        for _ in 0..4 {
            elsewhere.run(&outer, &never);
        }
    });
}

type Work = (Dispatch, PhaseHandle, Span, Span);

/// A thread that enters spans. The registry would allocate for a new thread, and a channel would
/// allocate when it waits.
struct Elsewhere {
    work: Mutex<Option<Work>>,
    turn: Barrier,
}

impl Elsewhere {
    fn start() -> Arc<Self> {
        let this = Arc::new(Self { work: Mutex::default(), turn: Barrier::new(2) });
        let there = Arc::clone(&this);
        thread::spawn(move || {
            loop {
                there.turn.wait();
                let work = there.work.lock().unwrap().take();
                let Some((dispatch, phase, outer, never)) = work else { return };
                {
                    let _guard = phase.enter();
                    with_default(&dispatch, || {
                        outer.in_scope(|| outer.in_scope(|| allocate(100)));
                        never.in_scope(|| info_span!("leaf").in_scope(|| allocate(10)));
                        drop((outer, never));
                    });
                    drop(dispatch);
                }
                there.turn.wait();
            }
        });
        this
    }

    fn run(&self, outer: &Span, never: &Span) {
        let dispatch = get_default(Clone::clone);
        let work = (dispatch, PhaseHandle::current(), outer.clone(), never.clone());
        *self.work.lock().unwrap() = Some(work);
        self.turn.wait();
        self.turn.wait();
    }

    fn end(&self) {
        self.turn.wait();
    }
}

/// Without any layer, the registry would never free spans.
struct Nothing;

impl<S: Subscriber> Layer<S> for Nothing {}

#[test]
fn with_the_layer_a_program_allocates_what_it_does_with_one_that_does_nothing() {
    let elsewhere = Elsewhere::start();
    let measure = |dispatch: &Dispatch| {
        let mut measured = None;
        with_default(dispatch, || {
            measured = Some(measure(|| {
                let _all = enter("all");
                work(&elsewhere);
            }));
        });
        measured.unwrap()
    };
    // Allocations that do not depend on the subscriber happen the first time.
    measure(&Dispatch::new(registry().with(Nothing)));
    let bare = measure(&Dispatch::new(registry().with(Nothing)));
    let layered = measure(&Dispatch::new(registry().with(PhaseLayer::new())));
    elsewhere.end();
    assert_eq!(paths(&bare), ["all"]);
    assert_eq!(counts(phase_of(&layered, "all/outer/never/leaf")), [4, 0, 0, 0, 0]);
    let all = |stats| {
        let all = phase_of(stats, "all");
        let bytes = (all.alloc_bytes, all.freed_bytes, all.net_bytes);
        (all.alloc_count, all.freed_count, all.realloc_count, bytes)
    };
    assert_eq!(all(&layered), all(&bare));
}
