//! The layer together with others: filters, a second phase layer, and layers with their own threads.

use std::sync::{Mutex, mpsc};
use std::thread;

use perf_runtime::{BuildStats, PhaseLayer};
use tracing::dispatcher::{Dispatch, with_default};
use tracing::{Event, Subscriber, debug_span, info_span};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::{registry, reload};

use super::{allocate, assert_phases, calls, counts, measure, phase_of, rows};

/// As [`measure`], with another subscriber on this thread.
#[track_caller]
fn measure_with(subscriber: impl Into<Dispatch>, work: impl FnOnce()) -> BuildStats {
    let mut measured = None;
    with_default(&subscriber.into(), || measured = Some(measure(work)));
    measured.unwrap()
}

/// Enables all spans, so that the registry keeps those that other layers disable.
struct Everything;

impl<S: Subscriber> Layer<S> for Everything {}

#[test]
fn children_of_a_span_that_is_disabled_for_the_layer_are_below_the_next_span_above() {
    let visible = filter_fn(|span| !span.name().starts_with("hidden"));
    let subscriber = registry().with(PhaseLayer::new().with_filter(visible)).with(Everything);
    let stats = measure_with(subscriber, || {
        let outer = info_span!("outer").entered();
        let hidden = info_span!("hidden").entered();
        allocate(1);
        let middle = info_span!("middle").entered();
        let hidden_too = info_span!("hidden too").entered();
        allocate(10);
        // Exited out of order. The current span is then disabled.
        drop(outer);
        allocate(100);
        let leaf = info_span!(parent: &hidden_too, "leaf");
        leaf.in_scope(|| allocate(1_000));
        drop((hidden_too, middle, hidden));
        let top = info_span!(parent: &info_span!(parent: None, "hidden root"), "top");
        top.in_scope(|| allocate(10_000));
    });
    let expected =
        [("outer", 1), ("outer/middle", 110), ("outer/middle/leaf", 1_000), ("top", 10_000)];
    assert_phases(&stats, &expected.map(|(path, bytes)| (path, calls(1), bytes)));
}

#[test]
fn spans_that_are_disabled_for_all_are_no_phases() {
    let subscriber = registry().with(PhaseLayer::new()).with(LevelFilter::INFO);
    let stats = measure_with(subscriber, || {
        info_span!("info").in_scope(|| {
            debug_span!("debug").in_scope(|| info_span!("leaf").in_scope(|| allocate(3)));
        });
    });
    assert_phases(&stats, &[("info", calls(1), 0), ("info/leaf", calls(1), 3)]);
}

#[test]
fn a_second_layer_changes_no_phase() {
    let layers: [Dispatch; 2] = [
        registry().with(PhaseLayer::new()).with(PhaseLayer::new()).into(),
        registry().with(PhaseLayer::new().and_then(PhaseLayer::new())).into(),
    ];
    for subscriber in layers {
        let stats = measure_with(subscriber, || {
            for _ in 0..3 {
                let outer = info_span!("outer");
                outer.in_scope(|| info_span!("inner").in_scope(|| allocate(10)));
                outer.in_scope(|| allocate(20));
            }
        });
        assert_phases(&stats, &[("outer", [3, 3, 0, 0, 0], 60), ("outer/inner", calls(3), 30)]);
    }
}

/// The registries number their spans alike.
#[test]
fn spans_of_two_registries_are_not_mixed_up() {
    let dispatches: [Dispatch; 2] = [(); 2].map(|()| registry().with(PhaseLayer::new()).into());
    let [first, second] = &dispatches;
    let mut ids = Vec::new();
    let stats = measure(|| {
        let one = with_default(first, || info_span!("one"));
        let two = with_default(second, || info_span!("two"));
        ids.extend([one.id(), two.id()]);
        two.in_scope(|| allocate(2));
        one.in_scope(|| {
            allocate(1);
            with_default(second, || info_span!("below").in_scope(|| allocate(4)));
            drop(two);
        });
    });
    assert_eq!(ids[0], ids[1]);
    assert_phases(
        &stats,
        &[("two", calls(1), 2), ("one", calls(1), 1), ("one/below", calls(1), 4)],
    );
}

#[test]
fn spans_from_before_the_layer_become_phases_when_they_are_entered() {
    let (layer, handle) = reload::Layer::new(None::<PhaseLayer>);
    let subscriber = registry().with(layer);
    let stats = measure_with(subscriber, || {
        let before = info_span!("before the layer").entered();
        let made_before = info_span!("made before");
        handle.modify(|layer| *layer = Some(PhaseLayer::new())).unwrap();
        made_before.in_scope(|| info_span!("below").in_scope(|| allocate(8)));
        drop(before);
    });
    assert_phases(&stats, &[("made before", calls(1), 0), ("made before/below", calls(1), 8)]);
}

/// Lets a thread of its own export each event, and waits for it.
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
    assert_eq!(rows(&stats, counts), [("work", calls(1)), ("export", calls(3))]);
    let export = phase_of(&stats, "export");
    assert_eq!((export.build_thread_ms, export.threads), (None, 1));
    assert_eq!(export.self_alloc_bytes, Some(192));
}
