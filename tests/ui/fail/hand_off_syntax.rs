//! Closures that the compiler cannot read.
use perf_runtime::in_current_phase;

fn main() {
    let _ = in_current_phase!(|page|);
    let _ = in_current_phase!(|page| -> u8 page);
    let _ = in_current_phase!(|page| page.);
}
