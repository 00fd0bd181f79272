//! Where a record cannot be written, the build goes on as without tracking: the same exit code, the same output, and one
//! warning that says where and why.
#![cfg(unix)]
#![forbid(unsafe_code)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

const TOOL: &str = env!("CARGO_BIN_EXE_annotated");

const ENDINGS: [&str; 3] = ["succeed", "fail", "panic"];

/// A place for a history that cannot be written.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    /// Where the records should go.
    fn metrics(&self) -> PathBuf {
        self.root().join("metrics")
    }

    /// Runs the tool with its records in [`Self::metrics`].
    fn build(&self, ending: &str) -> Output {
        let mut command = Command::new(TOOL);
        command.arg(ending);
        self.run(&mut command)
    }

    /// Runs the tool in a file system of its own: `prepare` is a shell script that finds the metrics' path
    /// in `$1`, `conclude` one that runs afterwards. `None`, with the reason printed, where mounting is not
    /// permitted.
    fn build_mounted(&self, prepare: &str, ending: &str, conclude: &str) -> Option<Output> {
        let namespace = ["unshare", "--user", "--map-root-user", "--mount"];
        let may_mount = Command::new(namespace[0])
            .args(&namespace[1..])
            .args(["sh", "-c", "mount -t tmpfs tmpfs /mnt"])
            .output();
        if !may_mount.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: mounting in a namespace is not permitted here");
            return None;
        }
        let script = format!(
            "exec 3>&2 2>/dev/null; {prepare}; \"$2\" \"$3\" 2>&3; code=$?; {conclude}; exit $code"
        );
        let mut command = Command::new(namespace[0]);
        command.args(&namespace[1..]).args(["sh", "-c", &script, "sh"]);
        command.arg(self.metrics()).arg(TOOL).arg(ending);
        Some(self.run(&mut command))
    }

    fn run(&self, command: &mut Command) -> Output {
        run(command.env("BUILD_METRICS_DIR", self.metrics()).current_dir(self.root()))
    }
}

fn run(command: &mut Command) -> Output {
    let mut child = command
        .env_remove("BUILD_METRICS_LABELS")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\nthree\n").unwrap();
    child.wait_with_output().unwrap()
}

/// What the tool does without tracking.
fn untracked(ending: &str) -> Output {
    run(Command::new(TOOL).arg(ending).env("BUILD_METRICS", "off"))
}

/// Standard error without the one warning, which is given, too. The number of the thread that a panic
/// names is another in each process.
fn split_warnings(output: &Output) -> (String, Vec<String>) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let (warnings, rest): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with("warning: "));
    let rest = rest.join("\n").replace(|character: char| character.is_ascii_digit(), "");
    (rest, warnings.into_iter().map(str::to_owned).collect())
}

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

/// The build was as without tracking, and one warning names the metrics' path and `cause`.
#[track_caller]
fn assert_warned(place: &Place, ending: &str, output: &Output, cause: &str) {
    let warnings = assert_same_but_for_warnings(ending, output);
    let [warning] = &warnings[..] else { panic!("{ending}: not one warning: {warnings:?}") };
    let path = place.metrics();
    assert!(warning.contains(path.to_str().unwrap()), "{warning} does not name {}", path.display());
    assert!(warning.contains(cause), "{warning} does not say {cause}");
}

/// All endings, at a place that `prepare` makes.
#[track_caller]
fn assert_every_ending_is_warned_of(prepare: impl Fn(&Path), cause: &str) {
    for ending in ENDINGS {
        let place = Place::new();
        prepare(&place.metrics());
        assert_warned(&place, ending, &place.build(ending), cause);
    }
}

#[test]
fn the_tool_does_as_it_is_told_without_tracking() {
    assert_eq!(
        ENDINGS.map(|ending| untracked(ending).status.code()),
        [Some(0), Some(3), Some(101)]
    );
    assert_eq!(untracked("succeed").stdout, b"one\ntwo\nthree\nbuilt 3 pages\n");
}

#[test]
fn a_missing_directory_is_made() {
    for ending in ENDINGS {
        let place = Place::new();
        let output = place.build(ending);
        assert_eq!(assert_same_but_for_warnings(ending, &output), Vec::<String>::new());
        let history = fs::read_to_string(place.metrics().join("history.jsonl")).unwrap();
        assert_eq!(history.lines().count(), 1);
    }
}

#[test]
fn a_missing_directory_several_levels_deep_is_made() {
    let place = Place::new();
    let deep = place.metrics().join("a/b/c");
    let output = run(Command::new(TOOL).arg("succeed").env("BUILD_METRICS_DIR", &deep));
    assert_eq!(assert_same_but_for_warnings("succeed", &output), Vec::<String>::new());
    assert!(deep.join("history.jsonl").is_file());
}

#[test]
fn a_file_in_the_place_of_the_directory_is_one_warning() {
    assert_every_ending_is_warned_of(
        |metrics| fs::write(metrics, "mine").unwrap(),
        "Not a directory",
    );
    let place = Place::new();
    fs::write(place.metrics(), "mine").unwrap();
    place.build("succeed");
    assert_eq!(fs::read_to_string(place.metrics()).unwrap(), "mine");
}

#[test]
fn a_file_above_the_directory_is_one_warning() {
    let place = Place::new();
    fs::write(place.metrics(), "mine").unwrap();
    let below = place.metrics().join("below");
    let output = run(Command::new(TOOL).arg("succeed").env("BUILD_METRICS_DIR", below));
    assert_warned(&place, "succeed", &output, "Not a directory");
}

#[test]
fn a_circle_of_symbolic_links_is_one_warning() {
    assert_every_ending_is_warned_of(
        |metrics| std::os::unix::fs::symlink(metrics, metrics).unwrap(),
        "symbolic links",
    );
}

#[test]
fn a_link_to_nowhere_is_one_warning() {
    let place = Place::new();
    std::os::unix::fs::symlink("/nonexistent/metrics", place.metrics()).unwrap();
    assert_warned(&place, "succeed", &place.build("succeed"), "metrics");
}

#[test]
fn a_directory_in_the_place_of_the_history_is_one_warning() {
    assert_every_ending_is_warned_of(
        |metrics| fs::create_dir_all(metrics.join("history.jsonl")).unwrap(),
        "history.jsonl",
    );
}

#[test]
fn a_directory_in_the_place_of_the_lock_does_not_stop_the_build() {
    for ending in ENDINGS {
        let place = Place::new();
        assert_eq!(place.build("succeed").status.code(), Some(0));
        for entry in fs::read_dir(place.metrics()).unwrap() {
            let path = entry.unwrap().path();
            if path.to_str().unwrap().contains("lock") {
                fs::remove_file(&path).unwrap();
                fs::create_dir(&path).unwrap();
            }
        }
        assert_warned(&place, ending, &place.build(ending), "lock");
    }
}

#[test]
fn a_history_that_is_a_device_or_a_pipe_is_one_warning() {
    for target in ["/dev/full", "/dev/zero"] {
        assert_every_ending_is_warned_of(
            |metrics| {
                fs::create_dir(metrics).unwrap();
                std::os::unix::fs::symlink(target, metrics.join("history.jsonl")).unwrap();
            },
            "history.jsonl",
        );
    }
    assert_every_ending_is_warned_of(
        |metrics| {
            fs::create_dir(metrics).unwrap();
            let made = Command::new("mkfifo").arg(metrics.join("history.jsonl")).status();
            assert!(made.unwrap().success());
        },
        "history.jsonl",
    );
}

#[test]
fn a_full_disk_is_one_warning() {
    for ending in ENDINGS {
        let place = Place::new();
        fs::create_dir(place.metrics()).unwrap();
        let full = r#"mount -t tmpfs -o size=64k tmpfs "$1"; cat /dev/zero > "$1/fill""#;
        let Some(output) = place.build_mounted(full, ending, ":") else { return };
        assert_warned(&place, ending, &output, "No space left on device");
    }
}

#[test]
fn a_disk_without_inodes_is_one_warning() {
    for ending in ENDINGS {
        let place = Place::new();
        fs::create_dir(place.metrics()).unwrap();
        let full = r#"mount -t tmpfs -o nr_inodes=1 tmpfs "$1""#;
        let Some(output) = place.build_mounted(full, ending, ":") else { return };
        assert_warned(&place, ending, &output, "No space left on device");
    }
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_record_keeps_what_was_there() {
    // The last page of the file has room for a part of the record.
    for room in [1, 100, 500] {
        let place = Place::new();
        fs::create_dir(place.metrics()).unwrap();
        let line = format!("{}\n", "x".repeat(4096 - room - 1));
        let kept = place.root().join("kept");
        fs::write(place.root().join("line"), &line).unwrap();
        let full = r#"mount -t tmpfs -o size=64k tmpfs "$1"; cp line "$1/history.jsonl"; cat /dev/zero > "$1/fill""#;
        let Some(output) = place.build_mounted(full, "succeed", r#"cp "$1/history.jsonl" kept"#)
        else {
            return;
        };
        assert_warned(&place, "succeed", &output, "No space left on device");
        assert!(
            fs::read_to_string(kept).unwrap() == line,
            "the history was changed, with {room} bytes of room"
        );
    }
}

#[test]
fn a_read_only_directory_is_one_warning() {
    for ending in ENDINGS {
        let place = Place::new();
        fs::create_dir(place.metrics()).unwrap();
        let read_only = r#"mount --bind "$1" "$1"; mount -o remount,bind,ro "$1""#;
        let Some(output) = place.build_mounted(read_only, ending, ":") else { return };
        assert_warned(&place, ending, &output, "Read-only file system");
        assert_eq!(fs::read_dir(place.metrics()).unwrap().count(), 0);
    }
}

#[test]
fn a_read_only_history_is_unharmed() {
    let place = Place::new();
    assert_eq!(place.build("succeed").status.code(), Some(0));
    let path = place.metrics().join("history.jsonl");
    let before = fs::read(&path).unwrap();
    let read_only = r#"mount --bind "$1" "$1"; mount -o remount,bind,ro "$1""#;
    let Some(output) = place.build_mounted(read_only, "succeed", ":") else { return };
    assert_warned(&place, "succeed", &output, "Read-only file system");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_warning_that_nobody_can_hear_changes_nothing() {
    for ending in ENDINGS {
        let place = Place::new();
        fs::write(place.metrics(), "mine").unwrap();
        for silence in ["2>&-", "2>/dev/full"] {
            let silenced = || {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("exec \"$@\" {silence}"), "sh", TOOL, ending]);
                shell
            };
            let expected = run(silenced().env("BUILD_METRICS", "off"));
            let output = place.run(&mut silenced());
            assert_eq!(output.status.code(), expected.status.code(), "{ending} {silence}");
            assert_eq!(output.stdout, expected.stdout, "{ending} {silence}");
        }
    }
}
#[test]
fn a_latest_that_cannot_be_replaced_is_one_warning_and_the_record_is_kept() {
    for ending in ENDINGS {
        let place = Place::new();
        fs::create_dir_all(place.metrics().join("latest.json/not-empty")).unwrap();
        assert_warned(&place, ending, &place.build(ending), "latest.json");
        let history = fs::read_to_string(place.metrics().join("history.jsonl")).unwrap();
        assert_eq!(history.lines().count(), 1);
    }
}

#[test]
fn a_limit_on_the_size_of_files_does_not_end_the_process() {
    for ending in ENDINGS {
        let place = Place::new();
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 1; exec \"$1\" \"$2\"", "sh", TOOL, ending]);
        assert_warned(&place, ending, &place.run(&mut command), "bytes a file");
    }
}

#[test]
fn a_path_that_would_act_on_a_terminal_is_escaped_in_the_warning() {
    for ending in ENDINGS {
        let place = Place::new();
        let hostile = place.root().join("a\u{1b}[2J\nb");
        fs::write(&hostile, "").unwrap();
        let mut command = Command::new(TOOL);
        command.arg(ending);
        let output = run(command.env("BUILD_METRICS_DIR", &hostile).current_dir(place.root()));
        let warnings = assert_same_but_for_warnings(ending, &output);
        let [warning] = &warnings[..] else { panic!("{ending}: not one warning: {warnings:?}") };
        assert!(warning.contains(r"a\u{1b}[2J\nb"), "{warning}");
    }
}
