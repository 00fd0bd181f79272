//! The facts that a build records, with all sources together.

use std::{sync::mpsc, thread, time::Duration};

use perf_history::{Ci, Git};

use super::{
    super::{
        Finding, Findings, GitOptions, Location, Observation, checkout::Head, ci::Job, ci::job,
        git_status::Status, process::Usage,
    },
    Repository, environment,
};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn gitlab() -> [(&'static str, &'static str); 3] {
    [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", A), ("CI_COMMIT_BRANCH", "topic")]
}

const LOOK: GitOptions = GitOptions { look: true, commit: None, branch: None };

fn git(job: Option<&Job>, head: Option<Head>, status: Option<Status>) -> Option<Git> {
    super::super::git(LOOK, job, head, status)
}

fn facts(commit: &str, branch: &str, dirty: Option<bool>) -> Git {
    let mut git = Git::default();
    git.commit = Some(commit.to_owned());
    git.branch = Some(branch.to_owned());
    git.dirty = dirty;
    git
}

fn detached_at(commit: &str) -> Head {
    Head { commit: Some(commit.to_owned()), branch: None }
}

#[test]
fn the_job_names_the_branch_of_a_detached_checkout() {
    let job = job(&environment(&gitlab()));
    assert_eq!(git(job.as_ref(), Some(detached_at(A)), None), Some(facts(A, "topic", None)));
    assert_eq!(git(job.as_ref(), None, None), Some(facts(A, "topic", None)));
}

#[test]
fn a_checkout_at_a_commit_that_the_job_does_not_know_comes_first() {
    let job = job(&environment(&gitlab()));
    assert_eq!(git(job.as_ref(), Some(detached_at(B)), None), Some(facts(B, "topic", None)));
    let other = Head { commit: Some(B.to_owned()), branch: Some("main".to_owned()) };
    assert_eq!(git(job.as_ref(), Some(other), None), Some(facts(B, "main", None)));
}

#[test]
fn git_status_supplies_what_the_files_do_not_contain() {
    let status =
        Status { commit: Some(A.to_owned()), branch: Some("main".to_owned()), dirty: true };
    assert_eq!(git(None, Some(Head::default()), Some(status)), Some(facts(A, "main", Some(true))));
    assert_eq!(git(None, Some(Head::default()), None), None);
}

#[test]
fn commit_and_branch_from_the_environment_override_all_others() {
    let options =
        |look| GitOptions { look, commit: Some(B.to_owned()), branch: Some("override".to_owned()) };
    let job = job(&environment(&gitlab()));
    let status = || Some(Status { commit: None, branch: None, dirty: true });
    let found = super::super::git(options(true), job.as_ref(), Some(detached_at(A)), status());
    assert_eq!(found, Some(facts(B, "override", Some(true))));
    let found = super::super::git(options(false), job.as_ref(), Some(detached_at(A)), status());
    assert_eq!(found, Some(facts(B, "override", None)));
    let nothing = super::super::git(GitOptions::default(), job.as_ref(), None, status());
    assert_eq!(nothing, None);
}

#[test]
fn a_build_waits_for_the_facts_of_its_series_and_not_for_the_status() {
    let (sender, findings) = mpsc::channel();
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        let location = Location { job: None, head: Some(detached_at(A)) };
        sender.send(Finding::Location(location)).unwrap();
        sender.send(Finding::Machine { thread_usage: None }).unwrap();
        sender
    });
    let found = Findings::wait(&findings, Duration::from_hours(1));
    assert_eq!(found.location.head, Some(detached_at(A)));
    assert_eq!(found.status, None);
    drop(late.join().unwrap());
}

#[test]
fn a_build_does_not_wait_longer_than_its_limit() {
    let (sender, findings) = mpsc::channel::<Finding>();
    let found = Findings::wait(&findings, Duration::from_millis(1));
    assert_eq!((found.location.head, found.status), (None, None));
    drop(sender);
    let found = Findings::wait(&findings, Duration::from_hours(1));
    assert_eq!(found.status, None);
}

#[test]
fn a_status_that_arrived_in_time_is_recorded() {
    let (sender, findings) = mpsc::channel();
    let thread_usage = Some(Usage { major_faults: 3, ..Usage::default() });
    sender.send(Finding::Location(Location::default())).unwrap();
    sender.send(Finding::Machine { thread_usage: None }).unwrap();
    let status = Some(Status { commit: None, branch: None, dirty: true });
    sender.send(Finding::Status { status, thread_usage: thread_usage.clone() }).unwrap();
    let found = Findings::wait(&findings, Duration::from_hours(1));
    assert!(found.status.is_some_and(|status| status.dirty));
    assert_eq!(found.thread_usage, thread_usage);
}

#[test]
fn an_observation_can_be_dropped() {
    let Some(repository) = Repository::new() else { return };
    for _ in 0..50 {
        drop(Observation::begin(&repository.path(), LOOK));
    }
    let facts = Observation::begin(&repository.path(), LOOK).finish();
    assert!(facts.system.is_some());
}

#[test]
fn a_directory_that_does_not_exist_has_no_checkout() {
    let facts = Observation::begin("/nonexistent/directory".as_ref(), LOOK).finish();
    assert!(facts.git.is_none_or(|git| git.dirty.is_none()));
    assert!(facts.platform.is_some_and(|platform| !platform.is_empty()));
}

#[cfg(target_os = "linux")]
#[test]
fn all_facts_are_present_on_a_healthy_machine() {
    let Some(repository) = Repository::new() else { return };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    // This test does not depend on how fast git is.
    let facts = (0..100)
        .map(|attempt| {
            let observation = Observation::begin(&repository.path(), LOOK);
            thread::sleep(Duration::from_millis(20 * (attempt + 1)));
            observation.finish()
        })
        .find(|facts| facts.git.as_ref().is_some_and(|git| git.dirty.is_some()))
        .expect("git status finishes within two seconds");
    assert!(facts.cpu_user_ms.is_some_and(|time| time >= 0.0));
    assert!(facts.cpu_system_ms.is_some_and(|time| time >= 0.0));
    assert!(facts.memory_start_rss_mb.unwrap() > 0.0);
    let (resident, peak) = (facts.memory_rss_mb.unwrap(), facts.memory_peak_rss_mb.unwrap());
    assert!(resident > 0.5 && peak >= resident, "{resident} {peak}");
    let noise = facts.noise.unwrap();
    assert!(noise.involuntary_context_switches.is_some() && noise.major_page_faults.is_some());
    assert!(noise.load_average.is_some());
    let system = facts.system.unwrap();
    assert!(system.cores.is_some() && system.memory_mb.is_some() && system.os.is_some());
    // The tests themselves may run in a job, which was started for another repository.
    let git = facts.git.unwrap();
    assert_eq!((git.commit, git.dirty), (Some(commit), Some(false)));
    assert_eq!(facts.ci.is_some(), job(&|name| std::env::var_os(name)).is_some());
    assert_ne!(facts.ci, Some(Ci::default()));
}
