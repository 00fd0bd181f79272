//! A body of the wrong type is reported where the user wrote it.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
fn last_expression() -> String {
    5
}

#[tracked_phase]
async fn last_expression_later() -> String {
    5
}

#[tracked_phase]
fn early_return(flag: bool) -> String {
    if flag {
        return 5;
    }
    String::new()
}

#[tracked_phase]
async fn early_return_later(flag: bool) -> String {
    if flag {
        return 5;
    }
    String::new()
}

#[tracked_phase]
fn missing() -> String {
}

#[tracked_phase]
async fn missing_later() -> String {
}

#[tracked_phase]
fn missing_after_statement(text: &str) -> String {
    text.to_owned();
}

#[tracked_phase]
async fn missing_after_statement_later(text: &str) -> String {
    text.to_owned();
}

#[tracked_phase]
fn unexpected() {
    5
}

#[tracked_phase]
async fn unexpected_later() {
    5
}

#[tracked_phase]
fn question_mark(text: &str) -> Result<u32, Wrong> {
    let number: u32 = text.parse()?;
    Ok(number)
}

#[tracked_phase]
async fn question_mark_later(text: &str) -> Result<u32, Wrong> {
    let number: u32 = text.parse()?;
    Ok(number)
}

#[tracked_phase]
fn not_that_future() -> impl Future<Output = u32> {
    async { "text" }
}

#[tracked_phase]
fn never() -> ! {
    5
}

#[tracked_phase]
async fn never_later() -> ! {
    5
}

#[tracked_build]
fn build(flag: bool) -> Result<u32, String> {
    if flag {
        return 5;
    }
    "text"
}

#[tracked_build]
async fn build_later(flag: bool) -> Result<u32, String> {
    if flag {
        return 5;
    }
    "text"
}

fn main() {}

/// An error that nothing becomes.
struct Wrong;
