//! What cannot be inferred is reported where the user wrote it.
use perf_runtime::{tracked_build, tracked_phase};

#[tracked_phase]
fn collected() {
    let values = Vec::new();
}

#[tracked_phase]
async fn collected_later() {
    let values = Vec::new();
}

#[tracked_phase]
fn parsed() -> impl Sized {
    "1".parse().unwrap()
}

#[tracked_phase]
async fn parsed_later() -> impl Sized {
    "1".parse().unwrap()
}

#[tracked_phase]
async fn error_of_question_mark() {
    let closure = || {
        "1".parse::<u32>()?;
        Ok(())
    };
}

#[tracked_build]
fn build() -> Result<impl Sized, ()> {
    Ok(None)
}

#[tracked_build]
async fn build_later() -> Result<impl Sized, ()> {
    Ok(None)
}

fn main() {}
