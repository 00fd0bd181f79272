//! What a record says of the machine, the checkout and the CI job.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use contract_tests::programs::{Place, run_with_input};
use serde_json::{Value, json};

use crate::{BUILD_TOOL, tool};

const OTHER_COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A build that takes at least `milliseconds`.
fn annotated(checkout: &Place, milliseconds: u64) -> Command {
    let mut command = tool(checkout, "annotated");
    command.args(["succeed", &milliseconds.to_string()]);
    command
}

/// Runs the tool. What it writes must be what it writes without tracking.
#[track_caller]
fn build(command: &mut Command) {
    let output = run_with_input(command, "one\ntwo\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\ntwo\nbuilt 2 pages\n");
    assert_eq!(output.status.code(), Some(0));
}

/// A directory with a program named git that runs `script`, and a `PATH` on which it comes first.
fn fake_git(script: &str) -> (Place, String) {
    let place = Place::new();
    // Another process writes it: a program that any process has open for writing cannot be run.
    let written = Command::new("sh")
        .args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#, "sh", script])
        .arg(place.path("git"))
        .status();
    assert!(written.unwrap().success());
    let path = format!("{}:{}", place.path("").display(), std::env::var("PATH").unwrap());
    (place, path)
}

/// A git that only leaves a file, whose path is the last value.
fn git_that_leaves_a_trace() -> (Place, String, PathBuf) {
    let (git, path) = fake_git("touch \"$(dirname \"$0\")/ran\"");
    let ran = git.path("ran");
    (git, path, ran)
}

/// Whether the checkout has changes. Builds until one took long enough for git to answer.
fn dirty(checkout: &Place) -> bool {
    let answer = (0..8).find_map(|attempt| {
        build(&mut annotated(checkout, 50 << attempt));
        checkout.newest_record()["git"]["dirty"].as_bool()
    });
    answer.expect("git answers within seconds")
}

#[test]
fn a_record_names_commit_and_branch_and_whether_there_are_changes() {
    let Some(checkout) = Place::checkout() else { return };
    // The records of a build are no change.
    build(&mut annotated(&checkout, 0));
    assert!(!dirty(&checkout));
    let git = &checkout.newest_record()["git"];
    assert_eq!(git["commit"].as_str(), checkout.git(&["rev-parse", "HEAD"]).as_deref());
    assert_eq!(git["branch"], "main");
    fs::write(checkout.path("page"), "two").unwrap();
    assert!(dirty(&checkout));
}

#[cfg(target_os = "linux")]
#[test]
fn a_record_describes_the_machine_and_the_process() {
    let Some(checkout) = Place::checkout() else { return };
    build(&mut annotated(&checkout, 20));
    let record = checkout.newest_record();
    for number in ["cpu_user_ms", "cpu_system_ms", "memory_rss_mb", "memory_peak_rss_mb"] {
        assert!(record[number].as_f64().is_some_and(|value| value >= 0.0), "{number}: {record}");
    }
    assert!(record["memory_peak_rss_mb"].as_f64() >= record["memory_rss_mb"].as_f64());
    assert_eq!(record["platform"], "linux");
    assert_eq!(record["system"]["os"], "linux");
    assert_eq!(record["system"]["arch"], std::env::consts::ARCH);
    assert!(record["system"]["cores"].as_u64().is_some_and(|cores| cores > 0));
    assert!(record["system"]["memory_mb"].as_f64().is_some_and(|megabytes| megabytes > 16.0));
    for number in ["involuntary_context_switches", "major_page_faults", "load_average"] {
        assert!(record["noise"][number].is_number(), "{number}: {record}");
    }
    assert_eq!(record.get("ci"), None);
}

#[test]
fn a_pull_request_is_recorded_under_its_own_commit_and_branch() {
    let Some(checkout) = Place::checkout() else { return };
    let merge = checkout.git(&["rev-parse", "HEAD"]).unwrap();
    checkout.git(&["checkout", "-q", "--detach"]).unwrap();
    let event = checkout.path("event.json");
    let content = json!({ "pull_request": { "number": 7, "head": { "sha": OTHER_COMMIT } } });
    fs::write(&event, content.to_string()).unwrap();
    let job = |commit: &str| {
        let mut command = annotated(&checkout, 0);
        command.envs([("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "99")]);
        command.envs([("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_REF", "refs/pull/7/merge")]);
        command.envs([("GITHUB_HEAD_REF", "topic"), ("GITHUB_BASE_REF", "main")]);
        build(command.env("GITHUB_SHA", commit).env("GITHUB_EVENT_PATH", &event));
        checkout.newest_record()
    };
    let record = job(&merge);
    assert_eq!(record["git"]["commit"], OTHER_COMMIT);
    assert_eq!(record["git"]["branch"], "topic");
    let expected = json!({
        "provider": "github-actions", "run_id": "99", "change_id": "7", "base_branch": "main",
    });
    assert_eq!(record["ci"], expected);

    // A checkout other than the one that the job was started for.
    let record = job("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    assert_eq!(record["git"]["commit"], merge);
}

#[test]
fn nothing_private_is_recorded() {
    let Some(checkout) = Place::checkout() else { return };
    let url = "https://walter:sesame1@example.org/site.git";
    checkout.git(&["remote", "add", "origin", url]).unwrap();
    checkout.git(&["config", "user.name", "Walter Sesame2"]).unwrap();
    let mut command = annotated(&checkout, 200);
    command.arg("--password=sesame3").envs([("API_TOKEN", "sesame4"), ("USER", "sesame5")]);
    command.envs([("LOGNAME", "sesame5"), ("HOME", "/home/sesame6"), ("HOSTNAME", "sesame7")]);
    command.envs([("CI", "true"), ("JENKINS_URL", "https://walter:sesame8@example.org/")]);
    command.envs([("GIT_URL", "https://walter:sesame9@example.org/"), ("CHANGE_AUTHOR", "walter")]);
    command.envs([("CHANGE_BRANCH", "https://walter:sesame10@example.org/")]);
    build(command.env("GIT_BRANCH", "origin/main"));
    let record = checkout.newest_record().to_string().to_lowercase();
    assert!(record.contains(r#""provider":"jenkins""#));
    for private in ["sesame", "walter", &checkout.path("").display().to_string()] {
        assert!(!record.contains(private), "{private} is in {record}");
    }
}

#[test]
fn without_git_the_checkout_is_still_known() {
    let Some(checkout) = Place::checkout() else { return };
    build(annotated(&checkout, 50).env("PATH", "/nonexistent"));
    let git = &checkout.newest_record()["git"];
    assert_eq!(git["commit"].as_str(), checkout.git(&["rev-parse", "HEAD"]).as_deref());
    assert_eq!((&git["branch"], git.get("dirty")), (&Value::from("main"), None));
}

#[test]
fn outside_of_a_checkout_git_is_not_recorded_and_not_run() {
    let (place, (_git, path, ran)) = (Place::new(), git_that_leaves_a_trace());
    build(annotated(&place, 100).env("PATH", path));
    assert_eq!(place.newest_record().get("git"), None);
    assert!(!ran.exists());
}

#[test]
fn with_tracking_off_git_is_not_run() {
    let Some(checkout) = Place::checkout() else { return };
    let (_git, path, ran) = git_that_leaves_a_trace();
    build(annotated(&checkout, 100).env("PATH", path).env("BUILD_METRICS", "off"));
    assert!(!ran.exists());
    assert!(!checkout.path(".build-metrics").exists());
}

#[test]
fn a_git_that_writes_and_reads_does_not_disturb_the_build() {
    let Some(checkout) = Place::checkout() else { return };
    let (_git, path) = fake_git("echo noise; echo noise >&2; cat; exit 1");
    build(annotated(&checkout, 100).env("PATH", path));
    assert_eq!(checkout.newest_record()["git"].get("dirty"), None);
}

#[cfg(target_os = "linux")]
#[test]
fn a_git_that_hangs_is_ended_with_the_build() {
    let Some(checkout) = Place::checkout() else { return };
    let process = checkout.path("process");
    let script = format!("echo $$ > '{}'; exec sleep 100000", process.display());
    let (_git, path) = fake_git(&script);
    for attempt in 0..6 {
        build(annotated(&checkout, 50 << attempt).env("PATH", &path));
        assert_eq!(checkout.newest_record()["git"].get("dirty"), None);
        let id = fs::read_to_string(&process).unwrap_or_default();
        if id.trim().is_empty() {
            continue;
        }
        let is_alive = || {
            let status = fs::read_to_string(format!("/proc/{}/stat", id.trim()));
            // A process that has ended may still be there until its new parent waits for it.
            status.is_ok_and(|status| !status.contains(") Z ") && !status.contains(") X "))
        };
        for _ in 0..1000 {
            if !is_alive() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("process {id} is alive ten seconds after the build");
    }
    panic!("git was not started within seconds");
}

#[cfg(target_os = "linux")]
#[test]
fn without_proc_some_facts_are_missing_and_the_build_goes_on() {
    let Some(checkout) = Place::checkout() else { return };
    let script = r#"mount -t tmpfs tmpfs /proc && exec "$@""#;
    let Some(mut hidden) = checkout.in_mount_namespace("/proc", script) else { return };
    build(hidden.args([BUILD_TOOL, "annotated", "succeed", "50"]));
    let record = checkout.newest_record();
    assert_eq!(record.get("memory_rss_mb"), None);
    assert_eq!(record["system"].get("cpu_model"), None);
    assert_eq!(record["system"].get("memory_mb"), None);
    assert_eq!(record["noise"].get("load_average"), None);
    assert!(record["system"]["cores"].is_u64() && record["cpu_user_ms"].is_number());
    assert_eq!(record["git"]["branch"], "main");
}
