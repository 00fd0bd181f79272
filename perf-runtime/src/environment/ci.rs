//! The continuous integration job that builds, recognised by the variables which its service sets.

use std::{fs::File, io::Read};

use perf_history::Ci;
use serde_json::Value;

use super::{Lookup, recordable};

/// What a GitHub event is read of at most, in bytes.
const LONGEST_EVENT: u64 = 8 << 20;

/// What the job was started for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Job {
    pub(super) ci: Ci,
    pub(super) branch: Option<String>,
    /// The newest commit of the change itself; absent where the service does not tell it.
    change_commit: Option<String>,
    /// What the service checks out by default: of a change, some services merge it first.
    checked_out: Option<String>,
}

impl Job {
    /// The commit that the job is about.
    pub(super) fn commit(&self) -> Option<&str> {
        self.change_commit.as_deref().or(self.checked_out.as_deref())
    }

    /// Whether `commit` is none that the job knows, while it knows some.
    pub(super) fn is_not_of(&self, commit: &str) -> bool {
        self.commit().is_some()
            && self.change_commit.as_deref() != Some(commit)
            && self.checked_out.as_deref() != Some(commit)
    }
}

/// The variables of one service. In each list the first one that holds a usable value counts.
struct Service {
    provider: &'static str,
    /// A variable that is set by this service alone, and its value where that matters.
    sign: (&'static str, Option<&'static str>),
    run_id: &'static [&'static str],
    change_id: &'static [&'static str],
    base_branch: &'static [&'static str],
    branch: &'static [&'static str],
    /// Set in builds of a tag, whose name these services give for a branch.
    tag: Option<&'static str>,
    change_commit: &'static [&'static str],
    checked_out: &'static [&'static str],
}

/// Services with a sign of their own; the more particular before those that imitate others.
const SERVICES: [Service; 12] = [
    Service {
        provider: "github-actions",
        sign: ("GITHUB_ACTIONS", None),
        run_id: &["GITHUB_RUN_ID"],
        change_id: &["GITHUB_REF"],
        base_branch: &["GITHUB_BASE_REF"],
        branch: &["GITHUB_HEAD_REF", "GITHUB_REF"],
        tag: None,
        // In the event's file.
        change_commit: &[],
        checked_out: &["GITHUB_SHA"],
    },
    Service {
        provider: "gitlab-ci",
        sign: ("GITLAB_CI", None),
        run_id: &["CI_PIPELINE_ID", "CI_JOB_ID"],
        change_id: &["CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"],
        base_branch: &[
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
            "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME",
        ],
        branch: &[
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME",
            "CI_COMMIT_BRANCH",
        ],
        tag: None,
        change_commit: &[
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA",
        ],
        checked_out: &["CI_COMMIT_SHA"],
    },
    Service {
        provider: "circleci",
        sign: ("CIRCLECI", None),
        run_id: &["CIRCLE_WORKFLOW_ID", "CIRCLE_BUILD_NUM"],
        change_id: &["CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"],
        base_branch: &[],
        branch: &["CIRCLE_BRANCH"],
        tag: None,
        change_commit: &[],
        checked_out: &["CIRCLE_SHA1"],
    },
    Service {
        provider: "buildkite",
        sign: ("BUILDKITE", None),
        run_id: &["BUILDKITE_BUILD_ID"],
        change_id: &["BUILDKITE_PULL_REQUEST"],
        base_branch: &["BUILDKITE_PULL_REQUEST_BASE_BRANCH"],
        branch: &["BUILDKITE_BRANCH"],
        tag: Some("BUILDKITE_TAG"),
        change_commit: &[],
        checked_out: &["BUILDKITE_COMMIT"],
    },
    Service {
        provider: "azure-pipelines",
        sign: ("TF_BUILD", None),
        run_id: &["BUILD_BUILDID"],
        change_id: &["SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"],
        base_branch: &["SYSTEM_PULLREQUEST_TARGETBRANCH"],
        branch: &["SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"],
        tag: None,
        change_commit: &["SYSTEM_PULLREQUEST_SOURCECOMMITID"],
        checked_out: &["BUILD_SOURCEVERSION"],
    },
    Service {
        provider: "travis-ci",
        sign: ("TRAVIS", None),
        run_id: &["TRAVIS_BUILD_ID"],
        change_id: &["TRAVIS_PULL_REQUEST"],
        base_branch: &["TRAVIS_BRANCH"],
        branch: &["TRAVIS_PULL_REQUEST_BRANCH", "TRAVIS_BRANCH"],
        tag: Some("TRAVIS_TAG"),
        change_commit: &["TRAVIS_PULL_REQUEST_SHA"],
        checked_out: &["TRAVIS_COMMIT"],
    },
    Service {
        provider: "bitbucket-pipelines",
        sign: ("BITBUCKET_BUILD_NUMBER", None),
        run_id: &["BITBUCKET_PIPELINE_UUID", "BITBUCKET_BUILD_NUMBER"],
        change_id: &["BITBUCKET_PR_ID"],
        base_branch: &["BITBUCKET_PR_DESTINATION_BRANCH"],
        branch: &["BITBUCKET_BRANCH"],
        tag: Some("BITBUCKET_TAG"),
        change_commit: &[],
        checked_out: &["BITBUCKET_COMMIT"],
    },
    Service {
        provider: "teamcity",
        sign: ("TEAMCITY_VERSION", None),
        run_id: &["BUILD_NUMBER"],
        change_id: &[],
        base_branch: &[],
        branch: &[],
        tag: None,
        change_commit: &[],
        checked_out: &["BUILD_VCS_NUMBER"],
    },
    Service {
        provider: "woodpecker",
        sign: ("CI", Some("woodpecker")),
        run_id: &["CI_PIPELINE_NUMBER"],
        change_id: &["CI_COMMIT_PULL_REQUEST"],
        base_branch: &["CI_COMMIT_TARGET_BRANCH"],
        branch: &["CI_COMMIT_SOURCE_BRANCH", "CI_COMMIT_BRANCH"],
        tag: Some("CI_COMMIT_TAG"),
        change_commit: &[],
        checked_out: &["CI_COMMIT_SHA"],
    },
    Service {
        provider: "drone",
        sign: ("DRONE", None),
        run_id: &["DRONE_BUILD_NUMBER"],
        change_id: &["DRONE_PULL_REQUEST"],
        base_branch: &["DRONE_TARGET_BRANCH"],
        branch: &["DRONE_SOURCE_BRANCH", "DRONE_BRANCH"],
        tag: Some("DRONE_TAG"),
        change_commit: &[],
        checked_out: &["DRONE_COMMIT_SHA", "DRONE_COMMIT"],
    },
    Service {
        provider: "jenkins",
        sign: ("JENKINS_URL", None),
        run_id: &["BUILD_TAG", "BUILD_ID"],
        change_id: &["CHANGE_ID"],
        base_branch: &["CHANGE_TARGET"],
        branch: &["CHANGE_BRANCH", "BRANCH_NAME", "GIT_LOCAL_BRANCH", JENKINS_REMOTE_BRANCH],
        tag: Some("TAG_NAME"),
        change_commit: &[],
        checked_out: &["GIT_COMMIT"],
    },
    Service {
        provider: "unknown",
        sign: ("CI", None),
        run_id: &[],
        change_id: &[],
        base_branch: &[],
        branch: &[],
        tag: None,
        change_commit: &[],
        checked_out: &[],
    },
];

/// Holds the branch with the name of its remote before it (`origin/main`), or `detached`.
const JENKINS_REMOTE_BRANCH: &str = "GIT_BRANCH";

/// The job that this process runs in, if it is one.
///
/// The commit of a pull or merge request is the newest of the change itself where the service tells it, not the merge
/// that was made for the job and is found nowhere else.
pub(super) fn job(environment: Lookup<'_>) -> Option<Job> {
    let variable = |name: &str| {
        let value = environment(name)?.into_string().ok()?;
        (!value.trim().is_empty()).then_some(value)
    };
    let service = SERVICES.iter().find(|service| {
        let (name, expected) = service.sign;
        variable(name).is_some_and(|value| match expected {
            Some(expected) => value == expected,
            None => !matches!(value.to_ascii_lowercase().as_str(), "false" | "0" | "no"),
        })
    })?;
    let first = |names: &[&str], usable: fn(&str) -> Option<String>| {
        names.iter().find_map(|name| usable(&variable(name)?))
    };
    let branch_of = |name: &&str| {
        let value = variable(name)?;
        if *name == JENKINS_REMOTE_BRANCH {
            recordable::branch(value.split_once('/')?.1)
        } else {
            recordable::branch(&value)
        }
    };
    let event = if service.provider == "github-actions" {
        github_event(&variable)
    } else {
        Event::default()
    };
    let change_id = first(service.change_id, recordable::change).or(event.change_id);
    let is_tag = change_id.is_none() && service.tag.is_some_and(|tag| variable(tag).is_some());
    Some(Job {
        branch: service.branch.iter().find_map(branch_of).filter(|_| !is_tag),
        change_commit: first(service.change_commit, recordable::commit).or(event.change_commit),
        checked_out: first(service.checked_out, recordable::commit),
        ci: {
            let mut ci = Ci::default();
            ci.provider = Some(service.provider.to_owned());
            ci.run_id = first(service.run_id, recordable::text);
            // Some services give the base's variable a meaning outside changes, too.
            ci.base_branch =
                change_id.as_ref().and_then(|_| first(service.base_branch, recordable::branch));
            ci.change_id = change_id;
            ci
        },
    })
}

/// What only GitHub's event tells.
#[derive(Default)]
struct Event {
    change_commit: Option<String>,
    change_id: Option<String>,
}

fn github_event(variable: &dyn Fn(&str) -> Option<String>) -> Event {
    let read = || -> Option<Value> {
        let mut text = Vec::new();
        let path = variable("GITHUB_EVENT_PATH")?;
        if !std::fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        File::open(path).ok()?.take(LONGEST_EVENT).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    };
    let Some(event) = read() else {
        return Event::default();
    };
    // `pull_request_target` runs on the base branch, so the change's commit is not what is checked out.
    let of_change = variable("GITHUB_EVENT_NAME").is_some_and(|name| name == "pull_request");
    let head = event.pointer("/pull_request/head/sha").and_then(Value::as_str);
    Event {
        change_commit: head.filter(|_| of_change).and_then(recordable::commit),
        change_id: event
            .pointer("/pull_request/number")
            .and_then(Value::as_u64)
            .map(|id| id.to_string()),
    }
}
