//! What can be no name.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase("")]
fn empty() {}

#[tracked_phase(name = "")]
fn empty_long() {}

#[tracked_phase(1)]
fn number() {}

#[tracked_phase(b"bytes")]
fn bytes() {}

#[tracked_phase(c"c")]
fn c() {}

#[tracked_phase('c')]
fn character() {}

#[tracked_phase(true)]
fn boolean() {}

#[tracked_phase(-1)]
fn negative() {}

#[tracked_phase(render)]
fn identifier() {}

#[tracked_phase(name = render)]
fn identifier_long() {}

#[tracked_phase(name = concat!("a", "b"))]
fn computed() {}

#[tracked_phase(concat!("a", "b"))]
fn computed_short() {}

#[tracked_phase("a" + "b")]
fn sum() {}

#[tracked_phase("render"suffix)]
fn suffix() {}

#[tracked_phase("render/markdown")]
fn slash() {}

#[tracked_phase(name = r"render/markdown")]
fn slash_long() {}

#[tracked_phase("two\nlines")]
fn line() {}

#[tracked_phase("\u{85}")]
fn control() {}

#[tracked_build("")]
fn empty_tool() {}

#[tracked_build(1)]
fn number_tool() {}

#[tracked_build("tab\t")]
fn control_tool() {}

fn main() {
    empty();
    empty_long();
    number();
    bytes();
    c();
    character();
    boolean();
    negative();
    identifier();
    identifier_long();
    computed();
    computed_short();
    sum();
    suffix();
    slash();
    slash_long();
    line();
    control();
    empty_tool();
    number_tool();
    control_tool();
}
