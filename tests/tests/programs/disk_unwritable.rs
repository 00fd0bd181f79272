//! If a record cannot be written, the build goes on as without tracking: the same exit code, the same
//! output, and one warning that says where and why.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use contract_tests::programs::{Place, run_with_input};

use crate::{BUILD_TOOL, ENDINGS, tool};

/// Runs the tool with its records in `metrics`.
fn build(place: &Place, ending: &str) -> Output {
    build_into(place, ending, &place.path("metrics"))
}

fn build_into(place: &Place, ending: &str, metrics: &Path) -> Output {
    run(tool(place, "annotated").arg(ending).env("BUILD_METRICS_DIR", metrics))
}

fn run(command: &mut Command) -> Output {
    run_with_input(command.env("RUST_BACKTRACE", "0"), "one\ntwo\nthree\n")
}

fn untracked(ending: &str) -> Output {
    run(tool(&Place::new(), "annotated").arg(ending).env("BUILD_METRICS", "off"))
}

/// Runs the tool in a mount namespace. The shell script `prepare` finds the path for the records in
/// `$metrics`, and so does `conclude`, which runs afterwards. `None` if mounting is not permitted.
fn build_mounted(place: &Place, prepare: &str, ending: &str, conclude: &str) -> Option<Output> {
    fs::create_dir_all(place.path("metrics")).unwrap();
    let script = format!(
        "exec 3>&2 2>/dev/null; metrics=$1; shift; {prepare}; \"$@\" 2>&3; code=$?; {conclude}; exit $code"
    );
    let mut command = place.in_mount_namespace("/mnt", &script)?;
    let metrics = place.path("metrics");
    command
        .arg(&metrics)
        .args([BUILD_TOOL, "annotated", ending])
        .env("BUILD_METRICS_DIR", &metrics);
    Some(run(&mut command))
}

/// Standard error without warnings, and the warnings. Digits are left out: a panic message names the
/// number of its thread.
fn split_warnings(output: &Output) -> (String, Vec<String>) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let (warnings, rest): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with("warning: "));
    let rest = rest.join("\n").replace(|character: char| character.is_ascii_digit(), "");
    (rest, warnings.into_iter().map(str::to_owned).collect())
}

/// Asserts that the output is that without tracking but for warnings, which are returned.
#[track_caller]
fn assert_same_but_for_warnings(ending: &str, output: &Output) -> Vec<String> {
    let expected = untracked(ending);
    assert_eq!(output.status.code(), expected.status.code(), "{ending}: {output:?}");
    assert_eq!(output.stdout, expected.stdout, "{ending}");
    let ((rest, warnings), (expected, none)) = (split_warnings(output), split_warnings(&expected));
    assert_eq!(rest, expected, "{ending}");
    assert_eq!(none, Vec::<String>::new());
    warnings
}

/// Asserts that the output is that without tracking and one warning, which contains all of `words`.
#[track_caller]
fn assert_one_warning(ending: &str, output: &Output, words: &[&str]) {
    let warnings = assert_same_but_for_warnings(ending, output);
    let [warning] = &warnings[..] else { panic!("{ending}: not one warning: {warnings:?}") };
    for word in words {
        assert!(warning.contains(word), "{warning} does not contain {word}");
    }
}

/// Asserts one warning that names the path of the records and `cause`.
#[track_caller]
fn assert_warned(place: &Place, ending: &str, output: &Output, cause: &str) {
    assert_one_warning(ending, output, &[place.path("metrics").to_str().unwrap(), cause]);
}

/// The same for every ending, in a place where `prepare` was called with the path of the records.
#[track_caller]
fn assert_every_ending_warns(prepare: impl Fn(&Path), cause: &str) {
    for (ending, ..) in ENDINGS {
        let place = Place::new();
        prepare(&place.path("metrics"));
        assert_warned(&place, ending, &build(&place, ending), cause);
    }
}

/// The same, where `mount` mounts something on the path of the records. The directory below the
/// mount stays empty.
#[track_caller]
fn assert_every_ending_warns_on(mount: &str, cause: &str) {
    for (ending, ..) in ENDINGS {
        let place = Place::new();
        let Some(output) = build_mounted(&place, mount, ending, ":") else { return };
        assert_warned(&place, ending, &output, cause);
        assert_eq!(fs::read_dir(place.path("metrics")).unwrap().count(), 0);
    }
}

const READ_ONLY: &str =
    r#"mount --bind "$metrics" "$metrics"; mount -o remount,bind,ro "$metrics""#;

#[test]
fn without_tracking_the_tool_ends_as_asked() {
    for (ending, code, _) in ENDINGS {
        assert_eq!(untracked(ending).status.code(), Some(code));
    }
    assert_eq!(untracked("succeed").stdout, b"one\ntwo\nthree\nbuilt 3 pages\n");
}

#[test]
fn a_missing_directory_is_created() {
    for (ending, ..) in ENDINGS {
        for below in ["metrics", "metrics/a/b/c"] {
            let place = Place::new();
            let output = build_into(&place, ending, &place.path(below));
            assert_eq!(assert_same_but_for_warnings(ending, &output), Vec::<String>::new());
            assert_eq!(place.records(below).len(), 1);
        }
    }
}

#[test]
fn a_file_in_the_place_of_the_directory_is_one_warning_and_keeps_its_content() {
    assert_every_ending_warns(|metrics| fs::write(metrics, "mine").unwrap(), "Not a directory");
    let place = Place::new();
    fs::write(place.path("metrics"), "mine").unwrap();
    build(&place, "succeed");
    assert_eq!(fs::read_to_string(place.path("metrics")).unwrap(), "mine");
    let output = build_into(&place, "succeed", &place.path("metrics/below"));
    assert_warned(&place, "succeed", &output, "Not a directory");
}

#[test]
fn a_symbolic_link_to_itself_or_to_nothing_is_one_warning() {
    assert_every_ending_warns(|metrics| symlink(metrics, metrics).unwrap(), "symbolic links");
    let dangling = |metrics: &Path| symlink("/nonexistent/metrics", metrics).unwrap();
    assert_every_ending_warns(dangling, "metrics");
}

#[test]
fn a_history_that_is_no_file_is_one_warning() {
    let directory = |history: &Path| fs::create_dir(history).unwrap();
    let full = |history: &Path| symlink("/dev/full", history).unwrap();
    let zero = |history: &Path| symlink("/dev/zero", history).unwrap();
    let pipe = |history: &Path| {
        assert!(Command::new("mkfifo").arg(history).status().unwrap().success());
    };
    for create in [directory as fn(&Path), full, zero, pipe] {
        let prepare = |metrics: &Path| {
            fs::create_dir(metrics).unwrap();
            create(&metrics.join("history.jsonl"));
        };
        assert_every_ending_warns(prepare, "history.jsonl");
    }
}

#[test]
fn a_directory_in_the_place_of_the_lock_is_one_warning() {
    for (ending, ..) in ENDINGS {
        let place = Place::new();
        assert_eq!(build(&place, "succeed").status.code(), Some(0));
        for entry in fs::read_dir(place.path("metrics")).unwrap() {
            let path = entry.unwrap().path();
            if path.to_str().unwrap().contains("lock") {
                fs::remove_file(&path).unwrap();
                fs::create_dir(&path).unwrap();
            }
        }
        assert_warned(&place, ending, &build(&place, ending), "lock");
    }
}

#[test]
fn a_disk_without_space_is_one_warning() {
    let full = r#"mount -t tmpfs -o size=64k tmpfs "$metrics"; cat /dev/zero > "$metrics/fill""#;
    assert_every_ending_warns_on(full, "No space left on device");
}

#[test]
fn a_disk_without_inodes_is_one_warning() {
    let full = r#"mount -t tmpfs -o nr_inodes=1 tmpfs "$metrics""#;
    assert_every_ending_warns_on(full, "No space left on device");
}

#[test]
fn a_read_only_directory_is_one_warning() {
    assert_every_ending_warns_on(READ_ONLY, "Read-only file system");
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_record_keeps_the_history() {
    // The last page of the file has room for a part of the record.
    for room in [1, 100, 500] {
        let place = Place::new();
        let line = format!("{}\n", "x".repeat(4096 - room - 1));
        fs::write(place.path("line"), &line).unwrap();
        let full = r#"mount -t tmpfs -o size=64k tmpfs "$metrics"; cp line "$metrics/history.jsonl"; cat /dev/zero > "$metrics/fill""#;
        let keep = r#"cp "$metrics/history.jsonl" kept"#;
        let Some(output) = build_mounted(&place, full, "succeed", keep) else { return };
        assert_warned(&place, "succeed", &output, "No space left on device");
        let kept = fs::read_to_string(place.path("kept")).unwrap();
        assert!(kept == line, "the history was changed, with {room} bytes of room");
    }
}

#[test]
fn a_read_only_history_is_one_warning_and_keeps_its_content() {
    let place = Place::new();
    assert_eq!(build(&place, "succeed").status.code(), Some(0));
    let path = place.path("metrics/history.jsonl");
    let before = fs::read(&path).unwrap();
    let Some(output) = build_mounted(&place, READ_ONLY, "succeed", ":") else { return };
    assert_warned(&place, "succeed", &output, "Read-only file system");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_warning_that_cannot_be_written_changes_nothing() {
    for (ending, ..) in ENDINGS {
        let place = Place::new();
        fs::write(place.path("metrics"), "mine").unwrap();
        for redirection in ["2>&-", "2>/dev/full"] {
            let silenced = || {
                let mut shell = place.command("sh");
                let script = format!("exec \"$@\" {redirection}");
                shell.args(["-c", &script, "sh", BUILD_TOOL, "annotated", ending]);
                shell
            };
            let expected = run(silenced().env("BUILD_METRICS", "off"));
            let output = run(silenced().env("BUILD_METRICS_DIR", place.path("metrics")));
            assert_eq!(output.status.code(), expected.status.code(), "{ending} {redirection}");
            assert_eq!(output.stdout, expected.stdout, "{ending} {redirection}");
        }
    }
}

#[test]
fn a_latest_that_cannot_be_replaced_is_one_warning_and_the_record_is_kept() {
    for (ending, ..) in ENDINGS {
        let place = Place::new();
        fs::create_dir_all(place.path("metrics/latest.json/not-empty")).unwrap();
        assert_warned(&place, ending, &build(&place, ending), "latest.json");
        assert_eq!(place.records("metrics").len(), 1);
    }
}

#[test]
fn a_limit_on_the_size_of_files_does_not_end_the_process() {
    for (ending, ..) in ENDINGS {
        let place = Place::new();
        let mut command = place.command("sh");
        command.args(["-c", "ulimit -f 1; exec \"$@\"", "sh", BUILD_TOOL, "annotated", ending]);
        let output = run(command.env("BUILD_METRICS_DIR", place.path("metrics")));
        assert_warned(&place, ending, &output, "file size limit");
    }
}

#[test]
fn control_characters_of_a_path_are_escaped_in_the_warning() {
    for (ending, ..) in ENDINGS {
        let place = Place::new();
        let hostile = place.path("a\u{1b}[2J\nb");
        fs::write(&hostile, "").unwrap();
        let output = build_into(&place, ending, &hostile);
        assert_one_warning(ending, &output, &[r"a\u{1b}[2J\nb"]);
    }
}
