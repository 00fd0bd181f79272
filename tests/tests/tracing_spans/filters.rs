//! The layer among others: filters, a second of its kind, and layers that have threads of their own.

use std::sync::{Mutex, mpsc};
use std::thread;

use contract_tests::one_build::{paths, phase_of};
use perf_runtime::{BuildStats, PhaseLayer};
use tracing::dispatcher::{Dispatch, with_default};
use tracing::{Event, Subscriber, debug_span, info_span};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::{registry, reload};

use super::{allocate, assert_bytes, counts, measure};

/// As [`measure`], with a subscriber of its own on this thread.
#[track_caller]
fn measure_with(subscriber: impl Into<Dispatch>, work: impl FnOnce()) -> BuildStats {
    let mut measured = None;
    with_default(&subscriber.into(), || measured = Some(measure(work)));
    measured.unwrap()
}

/// Is interested in all spans, so that the registry keeps those that others are not.
struct Everything;

impl<S: Subscriber> Layer<S> for Everything {}

#[test]
fn the_children_of_a_span_that_is_disabled_for_the_layer_are_those_of_the_next_above() {
    let visible = filter_fn(|it| !it.name().starts_with("hidden"));
    let subscriber = registry().with(PhaseLayer::new().with_filter(visible)).with(Everything);
    let stats = measure_with(subscriber, || {
        let outer = info_span!("outer").entered();
        let hidden = info_span!("hidden").entered();
        allocate(1);
        let middle = info_span!("middle").entered();
        let hidden_too = info_span!("hidden too").entered();
        allocate(10);
        // Exited out of order, and what is current then is disabled.
        drop(outer);
        allocate(100);
        let leaf = info_span!(parent: &hidden_too, "leaf");
        leaf.in_scope(|| allocate(1_000));
        drop((hidden_too, middle, hidden));
        let top = info_span!(parent: &info_span!(parent: None, "hidden root"), "top");
        top.in_scope(|| allocate(10_000));
    });
    assert_eq!(paths(&stats), ["outer", "outer/middle", "outer/middle/leaf", "top"]);
    for (path, bytes) in
        [("outer", 1), ("outer/middle", 110), ("outer/middle/leaf", 1_000), ("top", 10_000)]
    {
        assert_bytes(&stats, path, bytes);
        assert_eq!(counts(phase_of(&stats, path)), [1, 0, 0, 0, 0], "{path}");
    }
}

#[test]
fn spans_that_are_disabled_for_all_are_no_phases() {
    let subscriber = registry().with(PhaseLayer::new()).with(LevelFilter::INFO);
    let stats = measure_with(subscriber, || {
        info_span!("info").in_scope(|| {
            debug_span!("debug").in_scope(|| info_span!("leaf").in_scope(|| allocate(3)));
        });
    });
    assert_eq!(paths(&stats), ["info", "info/leaf"]);
    assert_bytes(&stats, "info/leaf", 3);
}

#[test]
fn a_subscriber_that_has_the_layer_twice_has_the_same_phases() {
    let subscriber = registry().with(PhaseLayer::new()).with(PhaseLayer::new());
    let stats = measure_with(subscriber, || {
        for _ in 0..3 {
            let outer = info_span!("outer");
            outer.in_scope(|| info_span!("inner").in_scope(|| allocate(10)));
            outer.in_scope(|| allocate(20));
        }
    });
    assert_eq!(paths(&stats), ["outer", "outer/inner"]);
    assert_eq!(counts(phase_of(&stats, "outer")), [3, 3, 0, 0, 0]);
    assert_eq!(counts(phase_of(&stats, "outer/inner")), [3, 0, 0, 0, 0]);
    assert_bytes(&stats, "outer/inner", 30);
}

#[test]
fn spans_from_before_the_layer_was_there_are_phases_when_they_are_entered() {
    let (layer, handle) = reload::Layer::new(None::<PhaseLayer>);
    let subscriber = registry().with(layer);
    let stats = measure_with(subscriber, || {
        let before = info_span!("before the layer").entered();
        let made_before = info_span!("made before");
        handle.modify(|it| *it = Some(PhaseLayer::new())).unwrap();
        made_before.in_scope(|| info_span!("below").in_scope(|| allocate(8)));
        drop(before);
    });
    assert_eq!(paths(&stats), ["made before", "made before/below"]);
    assert_eq!(counts(phase_of(&stats, "made before")), [1, 0, 0, 0, 0]);
    assert_bytes(&stats, "made before/below", 8);
}

/// Has a thread of its own export each event, and waits for it.
struct Exporter {
    send: mpsc::SyncSender<()>,
    done: Mutex<mpsc::Receiver<()>>,
}

impl<S: Subscriber> Layer<S> for Exporter {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.send.send(()).unwrap();
        self.done.lock().unwrap().recv().unwrap();
    }
}

#[test]
fn spans_of_another_layers_thread_are_at_the_root() {
    let (send, receive) = mpsc::sync_channel(1);
    let (send_done, done) = mpsc::sync_channel(1);
    let exporter = Exporter { send, done: Mutex::new(done) };
    let dispatch = Dispatch::new(registry().with(PhaseLayer::new()).with(exporter));
    let weak = dispatch.downgrade();
    let thread = thread::spawn(move || {
        for () in receive {
            let dispatch = weak.upgrade().unwrap();
            with_default(&dispatch, || info_span!("export").in_scope(|| allocate(64)));
            drop(dispatch);
            send_done.send(()).unwrap();
        }
    });
    let stats = measure_with(dispatch, || {
        info_span!("work").in_scope(|| {
            for _ in 0..3 {
                tracing::info!("event");
            }
        });
    });
    thread.join().unwrap();
    assert_eq!(paths(&stats), ["work", "export"]);
    let export = phase_of(&stats, "export");
    assert_eq!((counts(export), export.threads), ([3, 0, 0, 0, 0], 1));
    assert_eq!(export.build_thread_ms, None);
    assert_bytes(&stats, "export", 192);
}
