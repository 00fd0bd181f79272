//! The comment on a pull request: written once, updated in place, and only where that is allowed.

use std::fs;
use std::thread;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::api::{Api, TOKEN};
use crate::scripts::{CommandOutput, script};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("the_first_comment_is_written_and_then_updated_in_place", written_and_updated),
        trial("an_unchanged_comment_is_not_written_again", left_alone),
        trial("a_first_comment_can_be_limited_to_changes", only_on_change),
        trial("a_pull_request_from_a_fork_is_no_failure_and_gets_no_comment", fork),
        trial("the_second_workflow_comments_for_a_fork_and_trusts_nothing", second_workflow),
        trial("the_jobs_of_a_matrix_each_have_their_own_comment", matrix),
        trial("a_comment_is_found_behind_hundreds_of_others", many_comments),
        trial("without_a_pull_request_there_is_no_comment", no_pull_request),
    ]
}

/// What `in-turn` leaves.
fn results(verdict: &str, body: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("verdict"), format!("{verdict}\n")).unwrap();
    fs::write(dir.path().join("body.md"), body).unwrap();
    dir
}

fn comment(api: &Api, out: &TempDir, variables: &[(&str, &str)]) -> CommandOutput {
    let path = out.path().to_str().unwrap();
    let mut all = vec![
        ("OUT", path),
        ("NUMBER", "7"),
        ("TOKEN", TOKEN),
        ("GITHUB_API_URL", api.address()),
        ("GITHUB_REPOSITORY", "owner/site"),
    ];
    all.retain(|(name, _)| variables.iter().all(|(other, _)| other != name));
    all.extend(variables);
    script("comment", &[], out.path(), &all)
}

#[track_caller]
fn assert_fine(output: &CommandOutput) {
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(!format!("{output:?}").contains(TOKEN), "{output:?}");
}

fn methods(api: &Api) -> Vec<String> {
    api.requests().iter().map(|what| what.split(' ').next().unwrap().to_owned()).collect()
}

fn written_and_updated() {
    let api = Api::start();
    api.comment("looks good to me");
    let out = results("regression", "**regression** \"quoted\" \\ `code`\n\nü $HOME $(id)\n");
    assert_fine(&comment(&api, &out, &[]));
    let first =
        "<!-- buildperf:buildperf -->\n**regression** \"quoted\" \\ `code`\n\nü $HOME $(id)\n";
    assert_eq!(api.comments(), ["looks good to me", first]);
    assert_eq!(methods(&api), ["GET", "POST"]);
    fs::write(out.path().join("body.md"), "**unchanged**\n").unwrap();
    assert_fine(&comment(&api, &out, &[]));
    let second = "<!-- buildperf:buildperf -->\n**unchanged**\n";
    assert_eq!(api.comments(), ["looks good to me", second]);
    assert_eq!(methods(&api), ["GET", "PATCH"]);
}

fn left_alone() {
    let api = Api::start();
    let out = results("unchanged", "**unchanged**\n");
    assert_fine(&comment(&api, &out, &[]));
    api.requests();
    assert_fine(&comment(&api, &out, &[]));
    assert_eq!(methods(&api), ["GET"]);
    assert_eq!(api.comments().len(), 1);
}

fn only_on_change() {
    let api = Api::start();
    let only = [("ONLY_ON_CHANGE", "true")];
    assert_fine(&comment(&api, &results("unchanged", "same\n"), &only));
    assert_fine(&comment(&api, &results("nothing was judged", "none\n"), &only));
    assert_eq!(api.comments(), [""; 0]);
    assert_fine(&comment(&api, &results("regression", "slower\n"), &only));
    assert_eq!(api.comments().len(), 1);
    // A comment about a fixed problem is updated.
    assert_fine(&comment(&api, &results("unchanged", "same\n"), &only));
    assert!(api.comments()[0].ends_with("same\n"), "{:?}", api.comments());
}

fn fork() {
    let api = Api::start();
    let out = results("regression", "slower\n");
    let output = comment(&api, &out, &[("TOKEN", "may-only-read")]);
    assert_fine(&output);
    assert!(output.err.contains("the token may not comment here (403)"), "{output:?}");
    assert_eq!(api.comments(), [""; 0]);
    assert_fine(&comment(&api, &out, &[("TOKEN", "")]));
}

fn second_workflow() {
    let api = Api::start();
    let out = results("regression", "<!-- buildperf:other --> @everyone slower\n");
    fs::write(out.path().join("number"), "7\n").unwrap();
    let of_fork = |sha| comment(&api, &out, &[("NUMBER", ""), ("HEAD_SHA", sha)]);
    // A job that says that it is about the pull request of somebody else.
    let output = of_fork("0ther");
    assert_fine(&output);
    assert!(output.err.contains("pull request 7 is not at 0ther"), "{output:?}");
    assert_eq!(api.comments(), [""; 0]);
    assert_fine(&of_fork("abc123"));
    let expected =
        "<!-- buildperf:buildperf -->\n&lt;!-- buildperf:other --> &#64;everyone slower\n";
    assert_eq!(api.comments(), [expected]);
    fs::write(out.path().join("number"), "7/../../x\n").unwrap();
    api.requests();
    assert_fine(&of_fork("abc123"));
    assert!(api.requests().is_empty());
}

fn matrix() {
    let api = Api::start();
    for round in ["slower", "faster"] {
        thread::scope(|scope| {
            for id in ["linux", "macos"] {
                let api = &api;
                scope.spawn(move || {
                    let out = results("regression", &format!("{id} is {round}\n"));
                    assert_fine(&comment(api, &out, &[("ID", id)]));
                });
            }
        });
        let mut comments = api.comments();
        comments.sort();
        let expected =
            ["linux", "macos"].map(|id| format!("<!-- buildperf:{id} -->\n{id} is {round}\n"));
        assert_eq!(comments, expected);
    }
    let out = results("regression", "slower\n");
    assert_eq!(comment(&api, &out, &[("ID", "a --> b")]).code, Some(2));
}

fn many_comments() {
    let api = Api::start();
    for n in 0..150 {
        api.comment(&format!("comment {n}"));
    }
    let out = results("regression", "slower\n");
    assert_fine(&comment(&api, &out, &[]));
    for n in 0..100 {
        api.comment(&format!("later comment {n}"));
    }
    fs::write(out.path().join("body.md"), "faster\n").unwrap();
    assert_fine(&comment(&api, &out, &[]));
    let ours: Vec<_> =
        api.comments().into_iter().filter(|body| body.contains("buildperf")).collect();
    assert_eq!(ours, ["<!-- buildperf:buildperf -->\nfaster\n"]);
}

fn no_pull_request() {
    let api = Api::start();
    assert_fine(&comment(&api, &results("regression", "slower\n"), &[("NUMBER", "")]));
    assert!(api.requests().is_empty());
}
