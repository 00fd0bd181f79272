//! Types that do not fit, at what the user wrote.
use perf_runtime::in_current_phase;

fn main() {
    let job = in_current_phase!(|page: u8| page + 1);
    job("one");
    job();
    let _ = in_current_phase!(|page: u8| -> u8 { "one" });
    let _ = in_current_phase!(|page: u8| missing(page));
    let _ = in_current_phase!(|text: Option<u8>| -> Result<u8, ()> { Ok(text?) });
    let _ = [1].iter().map(in_current_phase!(|a, b| a));
    let _ = [1].iter().filter(in_current_phase!(|page| **page));
    let _ = in_current_phase!(async |page: u8| -> u8 { "one" });
    let _ = in_current_phase!(|| break);
    let _ = in_current_phase!(|| __phase);
    let _ = in_current_phase!(|| {
        drop(__guard);
    });
}
