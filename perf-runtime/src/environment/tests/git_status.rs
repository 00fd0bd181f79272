//! Clean and dirty checkouts, and programs named git that misbehave.

use std::{ffi::OsStr, fs, path::Path, thread};

use super::{
    super::git_status::{Status, StatusQuery},
    Repository, git,
};

fn status(directory: &Path) -> Option<Status> {
    StatusQuery::default().run(OsStr::new("git"), directory)
}

fn dirty(directory: &Path) -> Option<bool> {
    status(directory).map(|status| status.dirty)
}

#[test]
fn a_fresh_checkout_is_clean() {
    let Some(repository) = Repository::new() else { return };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let clean = Status { commit: Some(commit), branch: Some("main".to_owned()), dirty: false };
    assert_eq!(status(&repository.path()), Some(clean));
}

#[test]
fn a_changed_a_staged_a_deleted_and_a_renamed_file_make_it_dirty() {
    type Change = fn(&Repository);
    let changes: [Change; 4] = [
        |repository| fs::write(repository.path().join("file"), "changed").unwrap(),
        |repository| {
            fs::write(repository.path().join("new"), "staged").unwrap();
            repository.git(&["add", "new"]);
        },
        |repository| fs::remove_file(repository.path().join("file")).unwrap(),
        |repository| drop(repository.git(&["mv", "file", "renamed"])),
    ];
    for (number, change) in changes.iter().enumerate() {
        let Some(repository) = Repository::new() else { return };
        change(&repository);
        assert_eq!(dirty(&repository.path()), Some(true), "change {number}");
    }
}

#[test]
fn what_a_build_writes_does_not_make_it_dirty() {
    let Some(repository) = Repository::new() else { return };
    fs::create_dir(repository.path().join(".build-metrics")).unwrap();
    fs::write(repository.path().join(".build-metrics/history.jsonl"), "{}\n").unwrap();
    assert_eq!(dirty(&repository.path()), Some(false));
}

#[test]
fn a_file_that_was_only_touched_leaves_it_clean_and_the_index_alone() {
    let Some(repository) = Repository::new() else { return };
    let index = repository.path().join(".git/index");
    let before = fs::read(&index).unwrap();
    fs::write(repository.path().join("file"), "first").unwrap();
    assert_eq!(dirty(&repository.path()), Some(false));
    assert_eq!(fs::read(&index).unwrap(), before);
}

#[test]
fn the_first_of_many_changes_is_enough() {
    let Some(repository) = Repository::new() else { return };
    for number in 0..5000 {
        fs::write(repository.path().join(format!("{number:0100}")), "new").unwrap();
    }
    repository.git(&["add", "."]);
    assert_eq!(dirty(&repository.path()), Some(true));
}

#[test]
fn a_submodule_at_another_commit_makes_it_dirty_and_changes_inside_do_not() {
    let (Some(inner), Some(outer)) = (Repository::new(), Repository::new()) else { return };
    outer.git(&["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "sub"]);
    outer.commit("with a submodule");
    let sub = outer.path().join("sub");
    fs::write(sub.join("file"), "changed").unwrap();
    assert_eq!(dirty(&outer.path()), Some(false));
    git(&sub, &["commit", "-q", "-a", "-m", "inside"]).unwrap();
    assert_eq!(dirty(&outer.path()), Some(true));
}

#[test]
fn a_branch_in_a_reftable_is_known_to_git() {
    let Some(repository) = Repository::init(&["--ref-format=reftable"]) else { return };
    let commit = repository.commit("first");
    let status = status(&repository.path()).unwrap();
    assert_eq!((status.commit, status.branch.as_deref()), (Some(commit), Some("main")));
}

#[test]
fn a_branch_without_commits_and_a_detached_head_differ() {
    let Some(unborn) = Repository::init(&[]) else { return };
    let expected = Status { commit: None, branch: Some("main".to_owned()), dirty: false };
    assert_eq!(status(&unborn.path()), Some(expected));
    let Some(repository) = Repository::new() else { return };
    repository.git(&["checkout", "-q", "--detach"]);
    assert_eq!(status(&repository.path()).unwrap().branch, None);
}

#[test]
fn without_a_repository_there_is_no_status() {
    if Repository::init(&[]).is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(".git"), "gitdir: nowhere").unwrap();
    assert_eq!(status(directory.path()), None);
    assert_eq!(status(&directory.path().join("missing")), None);
}

#[test]
fn a_file_system_monitor_is_not_run() {
    let Some(repository) = Repository::new() else { return };
    let trace = repository.path().join("monitor-ran");
    let hook = format!("touch '{}'", trace.display());
    repository.git(&["config", "core.fsmonitor", &hook]);
    assert_eq!(dirty(&repository.path()), Some(false));
    assert!(!trace.exists());
}

#[test]
fn without_git_there_is_no_status() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("git");
    assert_eq!(StatusQuery::default().run(missing.as_os_str(), directory.path()), None);
}

#[test]
fn a_cancelled_query_does_not_run_git() {
    let Some(repository) = Repository::new() else { return };
    let query = StatusQuery::default();
    drop(query.cancel_on_drop());
    assert_eq!(query.run("git".as_ref(), &repository.path()), None);
}

#[cfg(unix)]
mod impostors {
    use std::{path::PathBuf, process::Command};

    use super::*;

    /// A program named git that runs `script`.
    fn impostor(directory: &Path, script: &str) -> PathBuf {
        let path = directory.join("git");
        // Not written by this process: a program that any process has open for writing cannot be run,
        // and a child that another test starts in between would have it open.
        let written = Command::new("sh")
            .args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#, "sh", script])
            .arg(&path)
            .status();
        assert!(written.unwrap().success());
        path
    }

    fn status(script: &str) -> Option<Status> {
        let directory = tempfile::tempdir().unwrap();
        let program = impostor(directory.path(), script);
        StatusQuery::default().run(program.as_os_str(), directory.path())
    }

    #[test]
    fn output_counts_only_if_it_is_complete_and_git_succeeded() {
        let clean = r"printf '# branch.oid (initial)\0# branch.head main\0'";
        assert!(status(clean).is_some_and(|status| !status.dirty));
        assert_eq!(status(&format!("{clean}; exit 128")), None);
        assert_eq!(status(&format!("{clean}; printf '1 .M'")), None);
        for script in
            ["", "exit 1", "echo fatal", r"printf '# branch.oid (initial)\0'", r"printf '\377\0\0'"]
        {
            assert_eq!(status(script), None, "{script:?}");
        }
    }

    #[test]
    fn a_git_that_prints_without_end_is_killed() {
        assert_eq!(status("yes"), None);
        assert_eq!(status("exec cat /dev/zero"), None);
    }

    #[test]
    fn cancelling_kills_a_git_that_hangs() {
        let directory = tempfile::tempdir().unwrap();
        let started = directory.path().join("started");
        let script = format!("touch '{}'; exec sleep 1000", started.display());
        let program = impostor(directory.path(), &script);
        let query = StatusQuery::default();
        let cancel = query.cancel_on_drop();
        let path = directory.path().to_owned();
        let reader = thread::spawn(move || query.run(program.as_os_str(), &path));
        while !started.exists() {
            assert!(!reader.is_finished());
            thread::yield_now();
        }
        drop(cancel);
        assert_eq!(reader.join().unwrap(), None);
    }
}
