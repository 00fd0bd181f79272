//! What a build is told about its surroundings, when everything works together.

use std::{sync::mpsc, thread, time::Duration};

use perf_history::{Ci, Git};

use super::{
    super::{
        Finding, Found, Observation, Surroundings, checkout::Head, ci::job, git,
        git_status::Status, process::Usage,
    },
    repository::{Repository, set},
};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn gitlab() -> [(&'static str, &'static str); 3] {
    [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", A), ("CI_COMMIT_BRANCH", "topic")]
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
    let job = job(&set(&gitlab()));
    assert_eq!(git(job.as_ref(), Some(detached_at(A)), None), Some(facts(A, "topic", None)));
    assert_eq!(git(job.as_ref(), None, None), Some(facts(A, "topic", None)));
}

#[test]
fn a_checkout_at_a_commit_that_the_job_does_not_know_speaks_for_itself() {
    let job = job(&set(&gitlab()));
    assert_eq!(git(job.as_ref(), Some(detached_at(B)), None), Some(facts(B, "topic", None)));
    let other = Head { commit: Some(B.to_owned()), branch: Some("main".to_owned()) };
    assert_eq!(git(job.as_ref(), Some(other), None), Some(facts(B, "main", None)));
}

#[test]
fn what_the_files_do_not_say_git_says() {
    let status =
        Status { commit: Some(A.to_owned()), branch: Some("main".to_owned()), dirty: true };
    assert_eq!(git(None, Some(Head::default()), Some(status)), Some(facts(A, "main", Some(true))));
    assert_eq!(git(None, Some(Head::default()), None), None);
}

#[test]
fn a_build_waits_for_the_facts_of_its_series_and_not_for_the_status() {
    let (sender, findings) = mpsc::channel();
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        let surroundings = Surroundings { job: None, head: Some(detached_at(A)) };
        sender.send(Finding::Surroundings(surroundings)).unwrap();
        sender.send(Finding::Machine { own_usage: None }).unwrap();
        sender
    });
    let found = Found::wait(&findings, Duration::from_hours(1));
    assert_eq!(found.surroundings.head, Some(detached_at(A)));
    assert_eq!(found.status, None);
    drop(late.join().unwrap());
}

#[test]
fn a_build_does_not_wait_for_ever() {
    let (sender, findings) = mpsc::channel::<Finding>();
    let found = Found::wait(&findings, Duration::from_millis(1));
    assert_eq!((found.surroundings.head, found.status), (None, None));
    drop(sender);
    let found = Found::wait(&findings, Duration::from_hours(1));
    assert_eq!(found.status, None);
}

#[test]
fn a_status_that_is_there_is_taken() {
    let (sender, findings) = mpsc::channel();
    let own_usage = Some(Usage { major_faults: 3, ..Usage::default() });
    sender.send(Finding::Surroundings(Surroundings::default())).unwrap();
    sender.send(Finding::Machine { own_usage: None }).unwrap();
    let status = Some(Status { commit: None, branch: None, dirty: true });
    sender.send(Finding::Status { status, own_usage: own_usage.clone() }).unwrap();
    let found = Found::wait(&findings, Duration::from_hours(1));
    assert!(found.status.is_some_and(|status| status.dirty));
    assert_eq!(found.own_usage, own_usage);
}

#[test]
fn an_observation_that_nobody_finishes_is_harmless() {
    let Some(repository) = Repository::new() else {
        return;
    };
    for _ in 0..50 {
        drop(Observation::begin(&repository.path(), true));
    }
    let facts = Observation::begin(&repository.path(), true).finish();
    assert!(facts.system.is_some());
}

#[test]
fn a_place_that_does_not_exist_has_no_checkout() {
    let facts = Observation::begin("/nonexistent/place".as_ref(), true).finish();
    assert!(facts.git.is_none_or(|git| git.dirty.is_none()));
    assert!(facts.platform.is_some_and(|platform| !platform.is_empty()));
}

#[cfg(target_os = "linux")]
#[test]
fn every_fact_is_there_on_a_healthy_machine() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    // How soon git answers is no business of this test.
    let facts = (0..100)
        .map(|attempt| {
            let observation = Observation::begin(&repository.path(), true);
            thread::sleep(Duration::from_millis(20 * (attempt + 1)));
            observation.finish()
        })
        .find(|facts| facts.git.as_ref().is_some_and(|git| git.dirty.is_some()))
        .expect("git answers within two seconds");
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
    // Whoever runs the tests may do so in a job of a service, which is not about this repository.
    let git = facts.git.unwrap();
    assert_eq!((git.commit, git.dirty), (Some(commit), Some(false)));
    assert_eq!(facts.ci.is_some(), job(&|name| std::env::var_os(name)).is_some());
    assert_ne!(facts.ci, Some(Ci::default()));
}
