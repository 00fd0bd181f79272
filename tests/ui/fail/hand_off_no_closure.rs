//! What is handed to `in_current_phase!` and is no closure, or no good one.
use perf_runtime::in_current_phase;

fn render(page: u8) -> u8 {
    page
}

macro_rules! hand_off {
    ($expression:expr) => {
        in_current_phase!($expression)
    };
}

fn main() {
    let _: u8 = in_current_phase!(render)(1);
    let _: u8 = in_current_phase!(render(1));
    let _: u8 = in_current_phase!(if true { render } else { render })(1);
    let _: u8 = hand_off!(render(1) + 1);
    let _ = in_current_phase!(async { render(1) });
    let _ = in_current_phase!(async move { render(1) });
    in_current_phase!({
        render(1);
    });
    in_current_phase!();
    let _: u8 = in_current_phase!(|page| render(page), 1)(1);
    let _: u8 = in_current_phase!(move |page| render(page), |page| page)(1);
    let _ = in_current_phase!(static || 1);
    let _ = in_current_phase!(crate = perf_runtime);
    let _ = in_current_phase!(crate = perf_runtime |page: u8| page);
    let _ = in_current_phase!(crate = 1, |page: u8| page);
    let _ = in_current_phase!(render, |page: u8| page);
}
