//! Captures that cannot be: the compiler says what it says of the bare closure.
use std::rc::Rc;
use std::thread;

use perf_runtime::in_current_phase;

fn lent(pages: Vec<u8>) -> thread::JoinHandle<usize> {
    thread::spawn(in_current_phase!(|| pages.len()))
}

fn lent_with_argument(limit: u8) -> impl Fn(u8) -> bool {
    in_current_phase!(|page| page < limit)
}

fn lent_to_future(pages: Vec<u8>) -> impl AsyncFn() -> usize {
    in_current_phase!(async || pages.len())
}

fn not_send(pages: Rc<Vec<u8>>) {
    fn send(_: impl Send) {}
    send(in_current_phase!(move || pages.len()));
}

fn moved_twice(pages: Vec<u8>) -> usize {
    let job = in_current_phase!(move || pages);
    job();
    job().len()
}

fn used_after(pages: Vec<u8>) -> usize {
    let job = in_current_phase!(move || pages.len());
    job() + pages.len()
}

fn changed_twice() -> u8 {
    let mut count = 0;
    let mut job = in_current_phase!(|| count += 1);
    count += 1;
    job();
    count
}

fn called_as_fn(mut count: u8) {
    fn call(job: impl Fn()) {
        job();
    }
    call(in_current_phase!(|| count += 1));
}

fn no_function_pointer() -> fn(u8) -> u8 {
    in_current_phase!(|page| page + 1)
}

fn main() {}
