//! The judge's statistics, against other people's implementations (`tests/data/statistics`), and
//! against slow and obvious models.

mod benjamini_hochberg;
mod bootstrap;
mod e_divisive;
mod mann_whitney;
mod robust;
mod rules;
mod sequential;

use std::path::Path;

use serde::de::DeserializeOwned;

#[derive(serde::Deserialize)]
struct Values<T> {
    cases: Vec<T>,
}

/// The cases of a file in `tests/data/statistics`.
pub(crate) fn cases<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/statistics").join(name);
    let text = std::fs::read_to_string(&path).expect("the values lie beside the tests");
    let values: Values<T> = serde_json::from_str(&text).expect("the values are of this form");
    assert!(!values.cases.is_empty(), "{name} holds no case");
    values.cases
}

/// Asserts that two numbers are equal but for rounding.
#[track_caller]
pub(crate) fn assert_close(ours: f64, theirs: f64, tolerance: f64) {
    let scale = theirs.abs().max(f64::MIN_POSITIVE);
    assert!((ours - theirs).abs() <= tolerance * scale, "ours is {ours:e}, theirs {theirs:e}");
}
