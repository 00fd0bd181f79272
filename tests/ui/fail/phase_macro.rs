//! Blocks, and their items, of the wrong type.
use perf_runtime::phase;

fn main() {
    phase!("name", items = "three", {});
    let _: u8 = phase!("name", { "text" });
}
