//! Warnings are those of the bare closure, where the user wrote what they are about.
#![deny(warnings)]

use perf_runtime::in_current_phase;

pub fn unused() {
    in_current_phase!(|| 1);
    let _job = in_current_phase!(|page: u8, (first, _): (u8, u8)| 1);
}

pub fn needless_mut() -> u8 {
    let job = in_current_phase!(move |mut page: u8| page);
    job(1)
}

pub fn unreachable() -> u8 {
    in_current_phase!(|| -> u8 {
        return 1;
        2
    })()
}

pub fn must_use() {
    let job = in_current_phase!(|| Ok::<u8, u8>(1));
    job();
    let later = in_current_phase!(|| async { 1 });
    later();
    let boxed = in_current_phase!(|| Box::pin(async { 1 }));
    boxed();
    let closure = in_current_phase!(async |mut page: u8, unused: u8| page);
    let _future = closure(1, 2);
}

fn main() {}
