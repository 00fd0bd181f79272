//! The continuous integration job that runs the build, recognised by its environment variables.
//!
//! GitHub Actions and GitLab CI are read in full. Of any other service only its name is known; commit
//! and branch are then the checkout's, or those in `BUILD_METRICS_COMMIT` and `BUILD_METRICS_BRANCH`.

use std::{fs::File, io::Read};

use perf_history::Ci;
use serde_json::Value;

use super::{Lookup, recordable};

/// At most this much of a GitHub event is read, in bytes.
const MAX_EVENT_BYTES: u64 = 8 << 20;

/// Services of which only the name is recorded, by a variable that they set. The first match counts.
const OTHER_SERVICES: [(&str, &str); 9] = [
    ("BITBUCKET_BUILD_NUMBER", "bitbucket-pipelines"),
    ("BUILDKITE", "buildkite"),
    ("CIRCLECI", "circleci"),
    ("DRONE", "drone"),
    ("JENKINS_URL", "jenkins"),
    ("TEAMCITY_VERSION", "teamcity"),
    ("TF_BUILD", "azure-pipelines"),
    ("TRAVIS", "travis-ci"),
    ("CI", "unknown"),
];

/// A job, and the commit and branch that it was started for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Job {
    pub(super) ci: Ci,
    pub(super) branch: Option<String>,
    /// The newest commit of the pull or merge request; absent where the service does not publish it.
    change_commit: Option<String>,
    /// The commit that the service checks out by default: for a pull or merge request this may be a
    /// merge that exists in this job only.
    checked_out: Option<String>,
}

impl Job {
    /// The commit to record: that of the pull or merge request itself, where it is known.
    pub(super) fn commit(&self) -> Option<&str> {
        self.change_commit.as_deref().or(self.checked_out.as_deref())
    }

    /// Whether the job was started for a known commit, and `commit` is another one.
    pub(super) fn is_for_another_commit_than(&self, commit: &str) -> bool {
        self.commit().is_some()
            && self.change_commit.as_deref() != Some(commit)
            && self.checked_out.as_deref() != Some(commit)
    }
}

/// The job that this process runs in, if any.
pub(super) fn job(environment: Lookup<'_>) -> Option<Job> {
    let variables = Variables(environment);
    if variables.is_on("GITHUB_ACTIONS") {
        return Some(github_actions(&variables));
    }
    if variables.is_on("GITLAB_CI") {
        return Some(gitlab_ci(&variables));
    }
    let (_, provider) = OTHER_SERVICES.iter().find(|(marker, _)| variables.is_on(marker))?;
    Some(Job { ci: ci(provider, None, None, None), ..Job::default() })
}

fn github_actions(variables: &Variables<'_>) -> Job {
    let event = github_event(variables).unwrap_or_default();
    let number = event.pointer("/pull_request/number").and_then(Value::as_u64);
    // `pull_request_target` runs on the base branch: the pull request's commit is not checked out.
    let is_pull_request =
        variables.get("GITHUB_EVENT_NAME").is_some_and(|name| name == "pull_request");
    let head = event.pointer("/pull_request/head/sha").and_then(Value::as_str);
    Job {
        branch: variables.first(&["GITHUB_HEAD_REF", "GITHUB_REF"], recordable::branch),
        change_commit: head.filter(|_| is_pull_request).and_then(recordable::commit),
        checked_out: variables.first(&["GITHUB_SHA"], recordable::commit),
        ci: ci(
            "github-actions",
            variables.first(&["GITHUB_RUN_ID"], recordable::text),
            variables
                .first(&["GITHUB_REF"], recordable::change)
                .or(number.map(|number| number.to_string())),
            variables.first(&["GITHUB_BASE_REF"], recordable::branch),
        ),
    }
}

fn gitlab_ci(variables: &Variables<'_>) -> Job {
    /// The variables of merge requests, and those of pull requests on another service.
    macro_rules! of_change {
        ($name:literal) => {
            &[concat!("CI_MERGE_REQUEST_", $name), concat!("CI_EXTERNAL_PULL_REQUEST_", $name)]
        };
    }
    let branch = variables.first(of_change!("SOURCE_BRANCH_NAME"), recordable::branch);
    Job {
        branch: branch.or_else(|| variables.first(&["CI_COMMIT_BRANCH"], recordable::branch)),
        change_commit: variables.first(of_change!("SOURCE_BRANCH_SHA"), recordable::commit),
        checked_out: variables.first(&["CI_COMMIT_SHA"], recordable::commit),
        ci: ci(
            "gitlab-ci",
            variables.first(&["CI_PIPELINE_ID", "CI_JOB_ID"], recordable::text),
            variables.first(of_change!("IID"), recordable::change),
            variables.first(of_change!("TARGET_BRANCH_NAME"), recordable::branch),
        ),
    }
}

fn ci(
    provider: &str,
    run_id: Option<String>,
    change_id: Option<String>,
    base_branch: Option<String>,
) -> Ci {
    let mut ci = Ci::default();
    ci.provider = Some(provider.to_owned());
    ci.run_id = run_id;
    // Only a pull or merge request has a base.
    ci.base_branch = base_branch.filter(|_| change_id.is_some());
    ci.change_id = change_id;
    ci
}

fn github_event(variables: &Variables<'_>) -> Option<Value> {
    let path = variables.get("GITHUB_EVENT_PATH")?;
    if !std::fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(path).ok()?.take(MAX_EVENT_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

struct Variables<'a>(Lookup<'a>);

impl Variables<'_> {
    /// The value of a variable. `None` if it is unset, blank or not Unicode.
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?.into_string().ok()?;
        (!value.trim().is_empty()).then_some(value)
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| {
            !matches!(value.to_ascii_lowercase().as_str(), "false" | "0" | "no")
        })
    }

    /// The first usable value among these variables.
    fn first(&self, names: &[&str], usable: fn(&str) -> Option<String>) -> Option<String> {
        names.iter().find_map(|name| usable(&self.get(name)?))
    }
}
