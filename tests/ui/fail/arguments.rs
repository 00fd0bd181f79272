//! Arguments that are unknown, given twice, or not what they should be.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase(nam = "render")]
fn unknown() {}

#[tracked_phase("render", item = 1)]
fn unknown_second() {}

#[tracked_phase(name)]
fn without_value() {}

#[tracked_phase(name = "a", name = "b")]
fn name_twice() {}

#[tracked_phase("a", name = "b")]
fn name_in_both_forms() {}

#[tracked_phase("a", "b")]
fn two_names() {}

#[tracked_phase(items = 1, "a")]
fn name_last() {}

#[tracked_phase(items = 1, items = 2)]
fn items_twice() {}

#[tracked_phase(items)]
fn items_without_value() {}

#[tracked_phase(items = )]
fn items_without_expression() {}

#[tracked_phase(items = 1 future = true)]
fn without_comma() {}

#[tracked_phase(crate = perf_runtime, crate = perf_runtime)]
fn crate_twice() {}

#[tracked_phase(crate = "perf_runtime")]
fn crate_as_text() {}

#[tracked_phase(future = 1)]
fn future_of_a_number() {}

#[tracked_phase(future = true, future = true)]
fn future_twice() -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async {})
}

#[tracked_phase("name",, items = 1)]
fn two_commas() {}

#[tracked_build(items = 1)]
fn items_of_a_build() {}

#[tracked_build("tool", version = "1")]
fn unknown_of_a_build() {}

#[tracked_build("tool", name = "tool")]
fn tool_twice() {}

fn main() {
    unknown();
    unknown_second();
    without_value();
    name_twice();
    name_in_both_forms();
    two_names();
    name_last();
    items_twice();
    items_without_value();
    items_without_expression();
    without_comma();
    crate_twice();
    crate_as_text();
    future_of_a_number();
    drop(future_twice());
    two_commas();
    items_of_a_build();
    unknown_of_a_build();
    tool_twice();
}
