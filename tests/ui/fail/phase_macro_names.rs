//! A block's name is a string literal; for others there is `enter`.
use perf_runtime::phase;

fn main() {
    phase!(1, {});
    let name = "run time";
    phase!(name, {});
}
