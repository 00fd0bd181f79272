//! What `#[tracked_build]` leaves of a function, in every form that it can have.
#![forbid(unsafe_code)]

mod macro_polling;

use std::fs;
use std::future::{Future, ready};
use std::panic::{catch_unwind, resume_unwind};
use std::path::Path;
use std::pin::Pin;
use std::process::Command;

use macro_polling::{Wait, block_on, poll_once};
use perf_runtime::{tracked_build, tracked_phase};
use serde_json::Value;

type BoxFuture = Pin<Box<dyn Future<Output = u32>>>;

#[tracked_phase]
fn own_name() {}

#[tracked_build("result")]
fn build_result(fail: bool) -> Result<u32, std::num::ParseIntError> {
    own_name();
    let text = if fail { "one" } else { "1" };
    let number = text.parse()?;
    perf_runtime::build().count("total_pages", 83);
    Ok(number)
}

#[tracked_build]
fn build_default() -> Option<u32> {
    own_name();
    None
}

#[tracked_build("generic")]
fn build_generic<T, E>(value: Result<T, E>) -> Result<T, E> {
    value
}

#[tracked_build("opaque")]
fn build_opaque(fail: bool) -> Result<impl Sized, String> {
    if fail {
        return Err(String::new());
    }
    Ok(1)
}

#[tracked_build("panics")]
fn build_panics() {
    own_name();
    resume_unwind(Box::new("expected"));
}

#[tracked_build("never")]
fn build_never() -> ! {
    resume_unwind(Box::new("expected"))
}

#[tracked_build("async")]
async fn build_later(fail: bool) -> Result<u32, String> {
    Wait(2).await;
    own_name();
    if fail {
        return Err(String::new());
    }
    Ok(1)
}

#[tracked_build("future")]
fn build_future(fail: bool) -> impl Future<Output = Result<u32, u32>> {
    if fail {
        return ready(Err(1));
    }
    ready(Ok(1))
}

#[tracked_build("boxed", future = true)]
fn build_boxed() -> BoxFuture {
    Box::pin(async {
        Wait(1).await;
        own_name();
        4
    })
}

#[tracked_phase("around")]
#[tracked_build("both")]
fn build_and_phase() {
    own_name();
}

/// The builds that a process of its own makes, because where records go is the environment's say.
#[test]
#[ignore = "makes records for the other tests"]
fn builds() {
    assert_eq!(build_result(false), Ok(1));
    assert!(build_result(true).is_err());
    assert_eq!(build_default(), None);
    assert!(build_generic(Err::<(), _>(1)).is_err());
    assert!(build_opaque(true).is_err());
    assert!(build_opaque(false).is_ok());
    catch_unwind(build_panics).unwrap_err();
    catch_unwind(|| build_never()).unwrap_err();
    assert_eq!(block_on(build_later(false)), Ok(1));
    assert!(block_on(build_later(true)).is_err());
    let mut half_way = Box::pin(build_later(false));
    assert!(poll_once(half_way.as_mut()).is_pending());
    drop(half_way);
    drop(build_later(true));
    assert_eq!(block_on(build_future(false)), Ok(1));
    assert_eq!(block_on(build_future(true)), Err(1));
    drop(build_future(false));
    assert_eq!(block_on(build_boxed()), 4);
    build_and_phase();
}

fn run_builds(dir: &Path, switch: Option<&str>) -> Vec<Value> {
    let mut command = Command::new(std::env::current_exe().expect("the test runs"));
    command
        .args(["--exact", "builds", "--ignored"])
        .env("BUILD_METRICS_DIR", dir)
        .env_remove("BUILD_METRICS");
    if let Some(switch) = switch {
        command.env("BUILD_METRICS", switch);
    }
    let output = command.output().expect("the test can run itself");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    fs::read_to_string(dir.join("history.jsonl"))
        .unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str(line).expect("records are JSON"))
        .collect()
}

#[test]
fn a_tracked_build_leaves_one_record_with_the_outcome_of_what_it_returned() {
    let dir = tempfile::tempdir().expect("a folder for the records");
    let records = run_builds(dir.path(), None);
    let outcomes: Vec<_> = records
        .iter()
        .map(|record| {
            let phases = record["phases"].as_array().map_or(&[][..], Vec::as_slice);
            (
                record["tool"].as_str().unwrap_or_default(),
                record["outcome"].as_str().unwrap_or_default(),
                phases.iter().map(|phase| phase["path"].as_str().unwrap_or_default()).collect(),
            )
        })
        .collect();
    let expected: Vec<(&str, &str, Vec<&str>)> = vec![
        ("result", "success", vec!["own_name"]),
        ("result", "failed", vec!["own_name"]),
        ("contract-tests", "success", vec!["own_name"]),
        ("generic", "failed", vec![]),
        ("opaque", "failed", vec![]),
        ("opaque", "success", vec![]),
        ("panics", "panicked", vec!["own_name"]),
        ("never", "panicked", vec![]),
        ("async", "success", vec!["own_name"]),
        ("async", "failed", vec!["own_name"]),
        ("async", "failed", vec![]),
        ("future", "success", vec![]),
        ("future", "failed", vec![]),
        ("boxed", "success", vec!["own_name"]),
        ("both", "success", vec!["around", "around/own_name"]),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(records[0]["tool_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(records[0]["total_pages"], 83);
    assert_eq!(records[1]["total_pages"], Value::Null);
}

#[test]
fn a_tracked_build_that_is_switched_off_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder for the records");
    let metrics = dir.path().join("metrics");
    assert!(run_builds(&metrics, Some("off")).is_empty());
    assert!(!metrics.exists());
}
