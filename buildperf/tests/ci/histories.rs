//! The branch that keeps histories: concurrent pushes lose nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::scripts::{CommandOutput, script};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("what_one_job_keeps_the_next_job_has", kept_and_brought),
        trial("jobs_that_push_at_the_same_time_lose_nothing", concurrent),
        trial("the_jobs_of_a_matrix_keep_histories_of_their_own", matrix),
        trial("a_branch_that_cannot_be_pushed_to_is_a_failure", refused),
    ]
}

fn git(dir: &Path, words: &[&str]) -> String {
    let output = Command::new("git").args(words).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A repository that others push to.
fn remote() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "--quiet", "--bare"]);
    dir
}

/// A job with a checkout of its own.
struct Job {
    dir: TempDir,
    remote: String,
}

impl Job {
    fn of(remote: &TempDir) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let remote = remote.path().to_str().unwrap().to_owned();
        git(dir.path(), &["init", "--quiet"]);
        git(dir.path(), &["remote", "add", "origin", &remote]);
        Self { dir, remote }
    }

    fn record(&self, lines: &[&str]) {
        let metrics = self.dir.path().join(".build-metrics");
        fs::create_dir_all(&metrics).unwrap();
        let before = fs::read_to_string(metrics.join("history.jsonl")).unwrap_or_default();
        let added: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        fs::write(metrics.join("history.jsonl"), before + &added).unwrap();
    }

    fn history(&self, word: &str, id: &str) -> CommandOutput {
        script("history", &[word], self.dir.path(), &[("ID", id)])
    }

    #[track_caller]
    fn run(&self, word: &str) {
        let output = self.history(word, "site");
        assert_eq!(output.code, Some(0), "{output:?}");
    }

    fn lines(&self) -> Vec<String> {
        let path = self.dir.path().join(".build-metrics/history.jsonl");
        fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn kept(&self, file: &str) -> Vec<String> {
        let object = format!("buildperf-data:{file}");
        let text = git(Path::new(&self.remote), &["show", &object]);
        text.lines().map(str::to_owned).collect()
    }
}

fn kept_and_brought() {
    let remote = remote();
    let first = Job::of(&remote);
    first.run("fetch");
    first.record(&["{\"build_id\":\"a\"}", "{\"build_id\":\"b\"}"]);
    // A line that a killed writer left.
    let path = first.dir.path().join(".build-metrics/history.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole + "{\"build_id\":\"torn").unwrap();
    fs::write(first.dir.path().join(".build-metrics/accepted.jsonl"), "{\"x\":1}\n").unwrap();
    first.run("keep");
    let second = Job::of(&remote);
    // As actions/checkout leaves them.
    for token in ["one", "two"] {
        let header = format!("AUTHORIZATION: basic {token}");
        let words = ["config", "--add", "http.https://github.com/.extraheader", &header];
        git(second.dir.path(), &words);
    }
    second.run("fetch");
    second.record(&["{\"build_id\":\"c\"}"]);
    second.run("keep");
    second.run("keep");
    let expected = ["{\"build_id\":\"a\"}", "{\"build_id\":\"b\"}", "{\"build_id\":\"c\"}"];
    assert_eq!(second.lines(), expected);
    assert_eq!(first.kept("site/history.jsonl"), expected);
    assert_eq!(first.kept("site/accepted.jsonl"), ["{\"x\":1}"]);
    // Two commits: what is there already is not pushed again; and the checkout is left alone.
    let remote = Path::new(&first.remote);
    assert_eq!(git(remote, &["rev-list", "--count", "buildperf-data"]).trim(), "2");
    assert_eq!(git(second.dir.path(), &["branch", "--all"]), "");
}

fn concurrent() {
    let remote = remote();
    let jobs: Vec<Job> = (0..3).map(|_| Job::of(&remote)).collect();
    thread::scope(|scope| {
        for (number, job) in jobs.iter().enumerate() {
            scope.spawn(move || {
                job.run("fetch");
                for build in 0..2 {
                    job.record(&[&format!("{{\"build_id\":\"{number}-{build}\"}}")]);
                    job.run("keep");
                }
            });
        }
    });
    let mut kept = jobs[0].kept("site/history.jsonl");
    kept.sort();
    let expected: Vec<String> = (0..3)
        .flat_map(|number| {
            (0..2).map(move |build| format!("{{\"build_id\":\"{number}-{build}\"}}"))
        })
        .collect();
    assert_eq!(kept, expected);
}

fn matrix() {
    let remote = remote();
    for id in ["linux", "macos"] {
        let job = Job::of(&remote);
        job.record(&[id]);
        assert_eq!(job.history("keep", id).code, Some(0));
        assert_eq!(job.kept(&format!("{id}/history.jsonl")), [id]);
        assert_eq!(job.history("keep", "../x").code, Some(2));
    }
    let job = Job::of(&remote);
    assert_eq!(job.history("fetch", "linux").code, Some(0));
    assert_eq!(job.lines(), ["linux"]);
}

fn refused() {
    let job = Job::of(&remote());
    // The remote is gone by now.
    job.record(&["a"]);
    let output = job.history("keep", "site");
    assert_ne!(output.code, Some(0), "{output:?}");
    assert_eq!(job.lines(), ["a"]);
}
