//! `items = …` of the wrong type, or of what is not there.
use perf_runtime::tracked_phase;

#[tracked_phase(items = "three")]
fn text() {}

#[tracked_phase(items = 1.5)]
async fn fraction() {}

#[tracked_phase(items = pages.len())]
fn unknown() {}

#[tracked_phase(items = pages.len())]
async fn unknown_later() {}

#[tracked_phase(items = 1)]
fn known() -> impl Future<Output = ()> {
    async {}
}

#[tracked_phase(items = None)]
fn known_not() -> impl Future<Output = ()> {
    async {}
}

fn main() {
    drop(known());
}
