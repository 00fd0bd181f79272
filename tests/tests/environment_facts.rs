//! What a record says of the machine, the checkout and the job, as a build tool in a process of its own leaves it.
#![cfg(unix)]
#![forbid(unsafe_code)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

const TOOL: &str = env!("CARGO_BIN_EXE_annotated");

const OTHER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A directory with a checkout in it, in which a tool builds.
struct Checkout {
    root: TempDir,
}

impl Checkout {
    /// With one commit on `main`. `None`, with the reason printed, where git is missing.
    fn new() -> Option<Self> {
        let checkout = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(checkout.path()).unwrap();
        fs::write(checkout.path().join("page"), "one").unwrap();
        if checkout.git(&["init", "-q", "--initial-branch=main"]).is_none() {
            eprintln!("skipped: there is no git here");
            return None;
        }
        checkout.git(&["add", "page"]).unwrap();
        checkout.git(&["commit", "-q", "-m", "first"]).unwrap();
        Some(checkout)
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("checkout")
    }

    fn git(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("git")
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .args(["-c", "user.name=Tester", "-c", "user.email=tester@example.org"])
            .args(arguments)
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// A command in the checkout, with an environment that says nothing of whoever runs the tests.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    /// A build that takes `milliseconds` at least.
    fn tool(&self, milliseconds: u64) -> Command {
        let mut command = self.command(TOOL);
        command.args(["succeed", &milliseconds.to_string()]);
        command
    }

    /// Puts a program named git that does what `script` says first on a path, and gives that.
    fn impostor(&self, script: &str) -> String {
        let directory = self.root.path().join("bin");
        fs::create_dir_all(&directory).unwrap();
        // Written by another process, as a program that any process has open for writing cannot be run.
        let written = Command::new("sh")
            .args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#, "sh", script])
            .arg(directory.join("git"))
            .status();
        assert!(written.unwrap().success());
        format!("{}:{}", directory.display(), std::env::var("PATH").unwrap())
    }

    /// The newest record.
    fn record(&self) -> Value {
        let history = fs::read_to_string(self.path().join(".build-metrics/history.jsonl")).unwrap();
        serde_json::from_str(history.lines().last().unwrap()).unwrap()
    }
}

/// Runs the tool; its output must be what it is without tracking.
#[track_caller]
fn build(command: &mut Command) {
    let output = run(command);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\ntwo\nbuilt 2 pages\n");
    assert_eq!(output.status.code(), Some(0));
}

fn run(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    child.wait_with_output().unwrap()
}

/// Builds until the build took long enough for git to answer: how soon it does is no business of these tests.
fn dirty(checkout: &Checkout) -> bool {
    let answer = (0..8).find_map(|attempt| {
        build(&mut checkout.tool(50 << attempt));
        checkout.record()["git"]["dirty"].as_bool()
    });
    answer.expect("git answers within seconds")
}

#[test]
fn a_record_names_commit_and_branch_and_whether_there_are_changes() {
    let Some(checkout) = Checkout::new() else { return };
    assert!(!dirty(&checkout));
    let git = &checkout.record()["git"];
    assert_eq!(git["commit"].as_str(), checkout.git(&["rev-parse", "HEAD"]).as_deref());
    assert_eq!(git["branch"], "main");
    fs::write(checkout.path().join("page"), "two").unwrap();
    assert!(dirty(&checkout));
}

#[test]
fn a_build_does_not_make_the_next_one_dirty() {
    let Some(checkout) = Checkout::new() else { return };
    build(&mut checkout.tool(0));
    build(&mut checkout.tool(0));
    assert!(!dirty(&checkout));
}

#[cfg(target_os = "linux")]
#[test]
fn a_record_describes_the_machine_and_the_process() {
    let Some(checkout) = Checkout::new() else { return };
    build(&mut checkout.tool(20));
    let record = checkout.record();
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
    let Some(checkout) = Checkout::new() else { return };
    let merge = checkout.git(&["rev-parse", "HEAD"]).unwrap();
    checkout.git(&["checkout", "-q", "--detach"]).unwrap();
    let event = checkout.root.path().join("event.json");
    fs::write(&event, format!(r#"{{"pull_request":{{"number":7,"head":{{"sha":"{OTHER}"}}}}}}"#))
        .unwrap();
    let job = |commit: &str| {
        build(
            checkout
                .tool(0)
                .envs([
                    ("CI", "true"),
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_EVENT_NAME", "pull_request"),
                ])
                .envs([("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_HEAD_REF", "topic")])
                .envs([
                    ("GITHUB_BASE_REF", "main"),
                    ("GITHUB_RUN_ID", "99"),
                    ("GITHUB_SHA", commit),
                ])
                .env("GITHUB_EVENT_PATH", &event),
        );
        checkout.record()
    };
    let record = job(&merge);
    assert_eq!(record["git"]["commit"], OTHER);
    assert_eq!(record["git"]["branch"], "topic");
    let expected =
        r#"{"provider":"github-actions","run_id":"99","change_id":"7","base_branch":"main"}"#;
    assert_eq!(record["ci"], serde_json::from_str::<Value>(expected).unwrap());

    // Another checkout than the one that the job was started for.
    let record = job("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    assert_eq!(record["git"]["commit"], merge);
}

#[test]
fn nothing_private_is_recorded() {
    let Some(checkout) = Checkout::new() else { return };
    checkout
        .git(&["remote", "add", "origin", "https://walter:sesame1@example.org/site.git"])
        .unwrap();
    checkout.git(&["config", "user.name", "Walter Sesame2"]).unwrap();
    build(
        checkout
            .tool(200)
            .arg("--password=sesame3")
            .envs([("API_TOKEN", "sesame4"), ("USER", "sesame5"), ("LOGNAME", "sesame5")])
            .envs([("HOME", "/home/sesame6"), ("HOSTNAME", "sesame7")])
            .envs([("CI", "true"), ("JENKINS_URL", "https://walter:sesame8@example.org/")])
            .envs([
                ("GIT_URL", "https://walter:sesame9@example.org/"),
                ("GIT_BRANCH", "origin/main"),
            ])
            .envs([
                ("CHANGE_BRANCH", "https://walter:sesame10@example.org/"),
                ("CHANGE_AUTHOR", "walter"),
            ]),
    );
    let record = checkout.record().to_string().to_lowercase();
    assert!(record.contains(r#""provider":"jenkins""#));
    for private in ["sesame", "walter", &checkout.path().display().to_string()] {
        assert!(!record.contains(private), "{private} is in {record}");
    }
}

#[test]
fn without_git_the_checkout_is_still_known() {
    let Some(checkout) = Checkout::new() else { return };
    build(checkout.tool(50).env("PATH", "/nonexistent"));
    let git = &checkout.record()["git"];
    assert_eq!(git["commit"].as_str(), checkout.git(&["rev-parse", "HEAD"]).as_deref());
    assert_eq!((&git["branch"], git.get("dirty")), (&Value::from("main"), None));
}

#[test]
fn outside_of_a_checkout_git_is_absent_and_not_run() {
    let Some(checkout) = Checkout::new() else { return };
    fs::remove_dir_all(checkout.path().join(".git")).unwrap();
    let ran = checkout.root.path().join("ran");
    let path = checkout.impostor(&format!("touch '{}'", ran.display()));
    let ceiling = checkout.root.path().canonicalize().unwrap();
    build(checkout.tool(100).env("PATH", path).env("GIT_CEILING_DIRECTORIES", ceiling));
    assert_eq!(checkout.record().get("git"), None);
    assert!(!ran.exists());
}

#[test]
fn with_tracking_off_git_is_not_run() {
    let Some(checkout) = Checkout::new() else { return };
    let ran = checkout.root.path().join("ran");
    let path = checkout.impostor(&format!("touch '{}'", ran.display()));
    build(checkout.tool(100).env("PATH", path).env("BUILD_METRICS", "off"));
    assert!(!ran.exists());
    assert!(!checkout.path().join(".build-metrics").exists());
}

#[test]
fn a_git_that_talks_and_listens_does_neither_to_the_build() {
    let Some(checkout) = Checkout::new() else { return };
    let path = checkout.impostor("echo noise; echo noise >&2; cat; exit 1");
    build(checkout.tool(100).env("PATH", path));
    assert_eq!(checkout.record()["git"].get("dirty"), None);
}

#[cfg(target_os = "linux")]
#[test]
fn a_git_that_hangs_is_ended_with_the_build() {
    let Some(checkout) = Checkout::new() else { return };
    let process = checkout.root.path().join("process");
    let script = format!("echo $$ > '{}'; exec sleep 100000", process.display());
    let path = checkout.impostor(&script);
    for attempt in 0..6 {
        build(checkout.tool(50 << attempt).env("PATH", &path));
        assert_eq!(checkout.record()["git"].get("dirty"), None);
        let id = fs::read_to_string(&process).unwrap_or_default();
        if id.trim().is_empty() {
            continue;
        }
        let alive = || {
            let status = fs::read_to_string(Path::new("/proc").join(id.trim()).join("stat"));
            // Ended, and perhaps not yet buried by whoever adopts orphans here.
            status.is_ok_and(|status| !status.contains(") Z ") && !status.contains(") X "))
        };
        for _ in 0..1000 {
            if !alive() {
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
fn without_proc_facts_are_absent_and_the_build_goes_on() {
    let Some(checkout) = Checkout::new() else { return };
    let mut hidden = checkout.command("unshare");
    hidden.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    hidden.arg(r#"mount -t tmpfs tmpfs /proc && exec "$@""#).args(["sh", TOOL, "succeed", "50"]);
    if !run(&mut hidden).status.success() {
        eprintln!("skipped: mounting in a namespace is not permitted here");
        return;
    }
    build(&mut hidden);
    let record = checkout.record();
    assert_eq!(record.get("memory_rss_mb"), None);
    assert_eq!(record["system"].get("cpu_model"), None);
    assert_eq!(record["system"].get("memory_mb"), None);
    assert_eq!(record["noise"].get("load_average"), None);
    assert!(record["system"]["cores"].is_u64() && record["cpu_user_ms"].is_number());
    assert_eq!(record["git"]["branch"], "main");
}
