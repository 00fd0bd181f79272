//! The variables of each service, as its documentation shows them.

use std::fs;

use super::{
    super::ci::{Job, job},
    repository::{nothing_set, set},
};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";

/// The job's facts (provider, run, change, base, branch, commit) where `variables` are set to what stands
/// behind them; the value `A` is [`A`].
fn told(variables: &str) -> String {
    let pairs = variables.split_whitespace().map(|pair| pair.split_once('=').expect("a pair"));
    let pairs: Vec<_> = pairs
        .map(|(name, value)| {
            (
                name,
                match value {
                    "A" => A,
                    "B" => B,
                    other => other,
                },
            )
        })
        .collect();
    let job = job(&set(&pairs)).expect("a job");
    let commit = job.commit().map(str::to_owned);
    let Job { ci, branch, .. } = job;
    [ci.provider, ci.run_id, ci.change_id, ci.base_branch, branch, commit]
        .map(|fact| fact.unwrap_or_else(|| "-".to_owned()))
        .join(" ")
}

#[test]
fn outside_of_continuous_integration_there_is_no_job() {
    assert_eq!(job(&nothing_set), None);
    for no in ["", "false", "0", "FALSE", " "] {
        assert_eq!(job(&set(&[("CI", no)])), None, "{no:?}");
    }
}

#[test]
fn an_unknown_service_is_a_job_without_facts() {
    assert_eq!(told("CI=true CI_COMMIT_SHA=A"), "unknown - - - - -");
}

#[test]
fn pushes_are_told() {
    let cases: [(&str, &str); 11] = [
        (
            "github-actions 12345 - - feature/x",
            "GITHUB_ACTIONS=true GITHUB_RUN_ID=12345 GITHUB_REF=refs/heads/feature/x \
             GITHUB_HEAD_REF= GITHUB_BASE_REF= GITHUB_SHA=A",
        ),
        (
            "gitlab-ci 77 - - main",
            "GITLAB_CI=true CI_PIPELINE_ID=77 CI_COMMIT_BRANCH=main CI_COMMIT_SHA=A",
        ),
        (
            "circleci w-1 - - main",
            "CIRCLECI=true CIRCLE_WORKFLOW_ID=w-1 CIRCLE_BRANCH=main CIRCLE_SHA1=A",
        ),
        (
            "buildkite b-1 - - main",
            "BUILDKITE=true BUILDKITE_BUILD_ID=b-1 BUILDKITE_PULL_REQUEST=false \
             BUILDKITE_BRANCH=main BUILDKITE_COMMIT=A",
        ),
        (
            "azure-pipelines 9 - - main",
            "TF_BUILD=True BUILD_BUILDID=9 BUILD_SOURCEBRANCH=refs/heads/main \
             BUILD_SOURCEVERSION=A",
        ),
        (
            "travis-ci 5 - - main",
            "TRAVIS=true TRAVIS_BUILD_ID=5 TRAVIS_PULL_REQUEST=false TRAVIS_BRANCH=main \
             TRAVIS_COMMIT=A",
        ),
        (
            "bitbucket-pipelines {u} - - main",
            "BITBUCKET_BUILD_NUMBER=3 BITBUCKET_PIPELINE_UUID={u} BITBUCKET_BRANCH=main \
             BITBUCKET_COMMIT=A",
        ),
        ("teamcity 8 - - -", "TEAMCITY_VERSION=2025.1 BUILD_NUMBER=8 BUILD_VCS_NUMBER=A"),
        (
            "woodpecker 4 - - main",
            "CI=woodpecker CI_PIPELINE_NUMBER=4 CI_COMMIT_BRANCH=main CI_COMMIT_SHA=A",
        ),
        (
            "drone 6 - - main",
            "CI=true DRONE=true DRONE_BUILD_NUMBER=6 DRONE_BRANCH=main DRONE_COMMIT_SHA=A",
        ),
        (
            "jenkins jenkins-site-2 - - main",
            "JENKINS_URL=http://u:p@host/ BUILD_TAG=jenkins-site-2 GIT_BRANCH=origin/main \
             GIT_COMMIT=A",
        ),
    ];
    for (expected, variables) in cases {
        assert_eq!(told(variables), format!("{expected} {A}"));
    }
}

#[test]
fn changes_are_told_with_their_own_branch_and_newest_commit() {
    let cases: [(&str, &str); 9] = [
        (
            "gitlab-ci 77 12 main topic",
            "GITLAB_CI=true CI_PIPELINE_ID=77 CI_MERGE_REQUEST_IID=12 \
             CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main \
             CI_MERGE_REQUEST_SOURCE_BRANCH_NAME=topic CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=A \
             CI_COMMIT_SHA=B",
        ),
        (
            "circleci 4 31 - pull/31",
            "CIRCLECI=true CIRCLE_BUILD_NUM=4 \
             CIRCLE_PULL_REQUEST=https://example.org/o/r/pull/31 CIRCLE_BRANCH=pull/31 \
             CIRCLE_SHA1=A",
        ),
        (
            "buildkite b-1 7 main topic",
            "BUILDKITE=true BUILDKITE_BUILD_ID=b-1 BUILDKITE_PULL_REQUEST=7 \
             BUILDKITE_PULL_REQUEST_BASE_BRANCH=main BUILDKITE_BRANCH=topic \
             BUILDKITE_COMMIT=A",
        ),
        (
            "azure-pipelines 9 40 main topic",
            "TF_BUILD=True BUILD_BUILDID=9 SYSTEM_PULLREQUEST_PULLREQUESTID=40 \
             SYSTEM_PULLREQUEST_TARGETBRANCH=refs/heads/main \
             SYSTEM_PULLREQUEST_SOURCEBRANCH=refs/heads/topic \
             SYSTEM_PULLREQUEST_SOURCECOMMITID=A BUILD_SOURCEBRANCH=refs/pull/40/merge \
             BUILD_SOURCEVERSION=B",
        ),
        (
            "travis-ci 5 6 main topic",
            "TRAVIS=true TRAVIS_BUILD_ID=5 TRAVIS_PULL_REQUEST=6 \
             TRAVIS_PULL_REQUEST_BRANCH=topic TRAVIS_PULL_REQUEST_SHA=A TRAVIS_BRANCH=main \
             TRAVIS_COMMIT=B",
        ),
        (
            "bitbucket-pipelines 3 2 main topic",
            "BITBUCKET_BUILD_NUMBER=3 BITBUCKET_PR_ID=2 BITBUCKET_BRANCH=topic \
             BITBUCKET_PR_DESTINATION_BRANCH=main BITBUCKET_COMMIT=A",
        ),
        (
            "woodpecker 4 9 main topic",
            "CI=woodpecker CI_PIPELINE_NUMBER=4 CI_COMMIT_PULL_REQUEST=9 \
             CI_COMMIT_SOURCE_BRANCH=topic CI_COMMIT_TARGET_BRANCH=main CI_COMMIT_BRANCH=main \
             CI_COMMIT_SHA=A",
        ),
        (
            "drone 6 9 main topic",
            "DRONE=true DRONE_BUILD_NUMBER=6 DRONE_PULL_REQUEST=9 DRONE_SOURCE_BRANCH=topic \
             DRONE_TARGET_BRANCH=main DRONE_BRANCH=main DRONE_COMMIT=A",
        ),
        (
            "jenkins 2 12 main topic",
            "JENKINS_URL=http://host/ BUILD_ID=2 CHANGE_ID=12 CHANGE_TARGET=main \
             CHANGE_BRANCH=topic BRANCH_NAME=PR-12 GIT_COMMIT=A",
        ),
    ];
    for (expected, variables) in cases {
        assert_eq!(told(variables), format!("{expected} {A}"));
    }
}

#[test]
fn a_tag_is_no_branch() {
    let cases: [&[(&str, &str)]; 5] = [
        &[("GITHUB_ACTIONS", "true"), ("GITHUB_REF", "refs/tags/v1"), ("GITHUB_REF_NAME", "v1")],
        &[("TF_BUILD", "True"), ("BUILD_SOURCEBRANCH", "refs/tags/v1")],
        &[("TRAVIS", "true"), ("TRAVIS_BRANCH", "v1"), ("TRAVIS_TAG", "v1")],
        &[("BUILDKITE", "true"), ("BUILDKITE_BRANCH", "v1"), ("BUILDKITE_TAG", "v1")],
        &[("JENKINS_URL", "x"), ("BRANCH_NAME", "v1"), ("TAG_NAME", "v1")],
    ];
    for variables in cases {
        assert_eq!(job(&set(variables)).unwrap().branch, None, "{variables:?}");
    }
}

/// A GitHub job of the event `name`, whose file holds `event`.
fn github(name: &str, event: &str) -> Job {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("event.json");
    fs::write(&path, event).unwrap();
    let reference = if name == "pull_request" { "refs/pull/34/merge" } else { "refs/heads/main" };
    job(&set(&[
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
fn a_pull_request_on_github_is_its_own_newest_commit_and_not_the_merge() {
    let event = format!(r#"{{"pull_request": {{"number": 34, "head": {{"sha": "{A}"}}}}}}"#);
    let job = github("pull_request", &event);
    assert_eq!(job.commit(), Some(A));
    assert_eq!(job.ci.change_id.as_deref(), Some("34"));
    assert_eq!(job.ci.base_branch.as_deref(), Some("main"));
    assert_eq!(job.branch.as_deref(), Some("topic"));
    assert!(!job.is_not_of(A) && !job.is_not_of(B) && job.is_not_of(C));
}

#[test]
fn a_job_on_the_base_of_a_pull_request_has_the_commit_of_the_base() {
    let event = format!(r#"{{"pull_request": {{"number": 34, "head": {{"sha": "{A}"}}}}}}"#);
    let job = github("pull_request_target", &event);
    assert_eq!(job.commit(), Some(B));
    assert_eq!(job.ci.change_id.as_deref(), Some("34"));
    assert_eq!(job.branch.as_deref(), Some("topic"));
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
    let missing =
        [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", "/nonexistent"), ("GITHUB_SHA", B)];
    assert_eq!(job(&set(&missing)).unwrap().commit(), Some(B));
    let directory = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", "/"), ("GITHUB_SHA", B)];
    assert_eq!(job(&set(&directory)).unwrap().commit(), Some(B));
}

#[test]
fn what_is_no_commit_branch_or_change_is_not_recorded_as_one() {
    let secret = "https://user:secret@example.org/r.git";
    let long = "9".repeat(10_000);
    let job = job(&set(&[
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", "HEAD"),
        ("BUILDKITE_BRANCH", secret),
        ("BUILDKITE_BUILD_ID", &long),
        ("BUILDKITE_PULL_REQUEST", "\u{1b}[2J"),
        ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
    ]))
    .unwrap();
    assert_eq!(job.commit(), None);
    assert_eq!(job.branch, None);
    assert_eq!(job.ci.change_id, None);
    assert_eq!(job.ci.base_branch, None);
    assert_eq!(job.ci.run_id.map(|id| id.len()), Some(256));
}
