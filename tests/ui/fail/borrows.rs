//! What may not be borrowed, moved or sent is reported where the user wrote it.
use std::rc::Rc;

use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
fn dangling<'a>(text: String) -> &'a str {
    &text
}

#[tracked_phase]
async fn dangling_later<'a>(text: String) -> &'a str {
    &text
}

#[tracked_build]
fn dangling_build<'a>(text: String) -> &'a str {
    &text
}

#[tracked_phase]
fn moved_twice(text: String) -> (String, String) {
    (text, text)
}

#[tracked_phase]
async fn moved_twice_later(text: String) -> (String, String) {
    (text, text)
}

#[tracked_build]
fn moved_twice_build(text: String) -> (String, String) {
    (text, text)
}

#[tracked_phase]
async fn not_mutable(values: Vec<u8>) {
    values.push(1);
}

#[tracked_build]
fn not_mutable_build(values: Vec<u8>) {
    values.push(1);
}

#[tracked_phase]
async fn not_send(shared: Rc<u8>) {
    std::future::ready(()).await;
    drop(shared);
}

fn send<T: Send>(_: T) {}

fn main() {
    send(not_send(Rc::new(1)));
}
