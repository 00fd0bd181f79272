//! The variables of each service, as its documentation shows them.

use std::fs;

use super::{
    super::ci::{Job, job},
    environment, unset,
};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";

/// The job's facts (provider, run, change, base, branch, commit) with `variables` set. The values `A`
/// and `B` are [`A`] and [`B`].
fn facts(variables: &str) -> String {
    let pairs = variables.split_whitespace().map(|pair| pair.split_once('=').expect("a pair"));
    let commit = |value| if value == "A" { A } else { B };
    let pairs: Vec<_> = pairs
        .map(|(name, value)| (name, if matches!(value, "A" | "B") { commit(value) } else { value }))
        .collect();
    let job = job(&environment(&pairs)).expect("a job");
    let commit = job.commit().map(str::to_owned);
    let Job { ci, branch, .. } = job;
    [ci.provider, ci.run_id, ci.change_id, ci.base_branch, branch, commit]
        .map(|fact| fact.unwrap_or_else(|| "-".to_owned()))
        .join(" ")
}

#[test]
fn outside_continuous_integration_there_is_no_job() {
    assert_eq!(job(&unset), None);
    for off in ["", "false", "0", "FALSE", " "] {
        assert_eq!(job(&environment(&[("CI", off)])), None, "{off:?}");
    }
}

#[test]
fn only_the_name_of_another_service_is_known() {
    for (provider, variables) in [
        ("bitbucket-pipelines", "CI=true BITBUCKET_BUILD_NUMBER=3 BITBUCKET_BRANCH=main"),
        ("buildkite", "CI=true BUILDKITE=true BUILDKITE_COMMIT=A"),
        ("circleci", "CI=true CIRCLECI=true CIRCLE_SHA1=A"),
        ("drone", "CI=true DRONE=true DRONE_COMMIT_SHA=A"),
        ("jenkins", "JENKINS_URL=http://u:p@host/ GIT_COMMIT=A"),
        ("teamcity", "TEAMCITY_VERSION=2025.1 BUILD_VCS_NUMBER=A"),
        ("azure-pipelines", "TF_BUILD=True BUILD_SOURCEVERSION=A"),
        ("travis-ci", "CI=true TRAVIS=true TRAVIS_COMMIT=A"),
        ("unknown", "CI=woodpecker CI_COMMIT_SHA=A"),
    ] {
        assert_eq!(facts(variables), format!("{provider} - - - - -"));
    }
}

#[test]
fn a_push_has_a_branch_and_a_commit() {
    let github = "GITHUB_ACTIONS=true GITHUB_RUN_ID=12345 GITHUB_REF=refs/heads/feature/x \
                  GITHUB_HEAD_REF= GITHUB_BASE_REF= GITHUB_SHA=A";
    assert_eq!(facts(github), format!("github-actions 12345 - - feature/x {A}"));
    let gitlab = "GITLAB_CI=true CI_PIPELINE_ID=77 CI_COMMIT_BRANCH=main CI_COMMIT_SHA=A";
    assert_eq!(facts(gitlab), format!("gitlab-ci 77 - - main {A}"));
}

#[test]
fn a_merge_request_on_gitlab_has_its_own_branch_and_newest_commit() {
    for prefix in ["CI_MERGE_REQUEST", "CI_EXTERNAL_PULL_REQUEST"] {
        let variables = format!(
            "GITLAB_CI=true CI_PIPELINE_ID=77 {prefix}_IID=12 {prefix}_TARGET_BRANCH_NAME=main \
             {prefix}_SOURCE_BRANCH_NAME=topic {prefix}_SOURCE_BRANCH_SHA=A CI_COMMIT_SHA=B"
        );
        assert_eq!(facts(&variables), format!("gitlab-ci 77 12 main topic {A}"));
    }
}

#[test]
fn a_tag_is_not_a_branch() {
    for variables in [
        "GITHUB_ACTIONS=true GITHUB_REF=refs/tags/v1 GITHUB_REF_NAME=v1",
        "GITLAB_CI=true CI_COMMIT_TAG=v1 CI_COMMIT_REF_NAME=v1",
    ] {
        assert!(facts(variables).ends_with(" - - - - -"), "{variables}");
    }
}

/// A GitHub job of the event `name`, whose file contains `event`.
fn github(name: &str, event: &str) -> Job {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("event.json");
    fs::write(&path, event).unwrap();
    let reference = if name == "pull_request" { "refs/pull/34/merge" } else { "refs/heads/main" };
    job(&environment(&[
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", name),
        ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
        ("GITHUB_REF", reference),
        ("GITHUB_HEAD_REF", "topic"),
        ("GITHUB_BASE_REF", "main"),
        ("GITHUB_SHA", B),
    ]))
    .unwrap()
}

#[test]
fn a_pull_request_on_github_has_its_own_newest_commit_and_not_the_merge() {
    let event = format!(r#"{{"pull_request": {{"number": 34, "head": {{"sha": "{A}"}}}}}}"#);
    // `pull_request_target` runs on the base branch.
    for (name, commit) in [("pull_request", A), ("pull_request_target", B)] {
        let job = github(name, &event);
        assert_eq!(job.commit(), Some(commit));
        assert_eq!(job.ci.change_id.as_deref(), Some("34"));
        assert_eq!(job.ci.base_branch.as_deref(), Some("main"));
        assert_eq!(job.branch.as_deref(), Some("topic"));
    }
    let job = github("pull_request", &event);
    assert_eq!(
        [A, B, C].map(|commit| job.is_for_another_commit_than(commit)),
        [false, false, true]
    );
}

#[test]
fn an_event_that_cannot_be_read_leaves_the_variables() {
    let deep = "[".repeat(100_000);
    for event in [
        "",
        "null",
        "{",
        "[1,2]",
        r#"{"pull_request": 1}"#,
        r#"{"pull_request":{"head":{"sha":7}}}"#,
        &deep,
    ] {
        let job = github("pull_request", event);
        assert_eq!(job.commit(), Some(B), "{event:.40}");
        assert_eq!(job.ci.change_id.as_deref(), Some("34"));
    }
    for path in ["/nonexistent", "/"] {
        let variables = format!("GITHUB_ACTIONS=1 GITHUB_EVENT_PATH={path} GITHUB_SHA=B");
        assert_eq!(facts(&variables), format!("github-actions - - - - {B}"));
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_not_recorded() {
    let secret = "https://user:secret@example.org/r.git";
    let long = "9".repeat(10_000);
    let job = job(&environment(&[
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", "HEAD"),
        ("CI_COMMIT_BRANCH", secret),
        ("CI_PIPELINE_ID", &long),
        ("CI_MERGE_REQUEST_IID", "\u{1b}[2J"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ]))
    .unwrap();
    assert_eq!((job.commit(), &job.branch), (None, &None));
    assert_eq!((job.ci.change_id, job.ci.base_branch), (None, None));
    assert_eq!(job.ci.run_id.map(|id| id.len()), Some(256));
}
