//! Compiles and runs `ui/pass`, all forms of function that can be annotated and of closure that can
//! be handed off, as a project of its own: in every edition, with the feature `track` on and off.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

const EDITIONS: [&str; 3] = ["2018", "2021", "2024"];

/// Cargo lets one command at a time into the target folder that the tests share.
static FORMS: LazyLock<Forms> = LazyLock::new(Forms::new);

/// A workspace with one program for each edition.
struct Forms {
    dir: PathBuf,
}

/// A warning by its lint and the lines that it is about.
type Warning = (String, Vec<(String, u64)>);

impl Forms {
    fn new() -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = tests.parent().expect("the package is in the workspace's folder");
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("macro-forms");
        let mut members = String::new();
        for edition in EDITIONS {
            write!(members, "\"{edition}\", ").expect("strings take all");
            let member = dir.join(edition);
            fs::create_dir_all(&member).expect("the target folder can be written to");
            write_if_changed(
                &member.join("Cargo.toml"),
                &format!(
                    r#"
[package]
name = "forms-{edition}"
version = "1.2.3"
edition = "{edition}"
publish = false

[[bin]]
name = "forms-{edition}"
path = '{main}'

[features]
track = ["perf-runtime/track"]

[dependencies]
async-trait = "0.1"
perf-runtime = {{ path = '{runtime}', default-features = false }}
rayon = "1"
tokio = {{ version = "1", default-features = false, features = ["macros", "rt"] }}
"#,
                    main = tests.join("ui/pass/main.rs").display(),
                    runtime = root.join("perf-runtime").display(),
                ),
            );
        }
        fs::create_dir_all(dir.join("codegen")).expect("the target folder can be written to");
        write_if_changed(
            &dir.join("codegen/Cargo.toml"),
            &format!(
                r#"
[package]
name = "codegen"
version = "1.2.3"
edition = "2024"
publish = false

[lib]
path = '{codegen}'

[dependencies]
perf-runtime = {{ path = '{runtime}', default-features = false }}
"#,
                codegen = tests.join("ui/codegen.rs").display(),
                runtime = root.join("perf-runtime").display(),
            ),
        );
        write_if_changed(
            &dir.join("Cargo.toml"),
            &format!(
                r#"
[workspace]
resolver = "3"
members = [{members}"codegen"]

[profile.dev]
debug = false

# A profile of its own would compile all dependencies once more.
[profile.dev.package.codegen]
opt-level = 2
codegen-units = 1
debug-assertions = false
overflow-checks = false
"#
            ),
        );
        fs::copy(root.join("Cargo.lock"), dir.join("Cargo.lock")).expect("there is a lock file");
        Forms { dir }
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(&self.dir)
            .args([command, "--offline"])
            .env("CARGO_TARGET_DIR", self.dir.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS");
        cargo
    }

    /// Runs a command of cargo on all editions at once.
    fn on_all_editions(&self, command: &str, track: bool) -> Output {
        let mut cargo = self.cargo(command);
        cargo
            .args(["--workspace", "--exclude=codegen", "--message-format=json"])
            .args(track.then_some("--features=track"));
        cargo.output().expect("cargo runs")
    }

    /// The machine code of `ui/codegen.rs`, with `track` off.
    fn machine_code(&self, flags: &[&str]) -> String {
        // Another place each time: cargo would not compile again for one that it knows.
        let place = tempfile::tempdir().expect("there is room for temporary files");
        let file = place.path().join("codegen.s");
        let emit = format!("--emit=asm={}", file.display());
        let mut cargo = self.cargo("rustc");
        cargo.args(["-p", "codegen", "--lib", "--", &emit]).args(flags);
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{}", rendered(&output));
        fs::read_to_string(&file).expect("the compiler wrote it")
    }

    /// What the compiler and Clippy warn of in one edition's program.
    fn warnings(output: &Output, edition: &str) -> BTreeSet<Warning> {
        let program = format!("forms-{edition}");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("cargo speaks JSON"))
            .filter(|entry| entry["reason"] == "compiler-message")
            .filter(|entry| entry["target"]["name"] == *program)
            .filter_map(|entry| {
                let lint = entry["message"]["code"]["code"].as_str()?.to_owned();
                let mut lines: Vec<_> = entry["message"]["spans"]
                    .as_array()?
                    .iter()
                    .filter(|span| span["is_primary"] == true)
                    .map(|span| (span["file_name"].to_string(), span["line_start"].as_u64()))
                    .map(|(file, line)| (file, line.unwrap_or(0)))
                    .collect();
                lines.dedup();
                Some((lint, lines))
            })
            .collect()
    }
}

/// Keeps the file's time where nothing changed, so that nothing is built anew.
fn write_if_changed(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return;
    }
    fs::write(path, text).expect("the target folder can be written to");
}

/// The diagnostics among cargo's messages, for a human.
fn rendered(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_default();
        if entry["message"]["level"] == "error" {
            text.push_str(entry["message"]["rendered"].as_str().unwrap_or_default());
        }
    }
    text
}

#[test]
fn compiled_out_an_annotated_function_is_the_machine_code_of_the_bare_one() {
    let annotated = FORMS.machine_code(&["--check-cfg=cfg(bare)"]);
    let bare = FORMS.machine_code(&["--check-cfg=cfg(bare)", "--cfg=bare"]);
    for function in ["plain", "counted", "owned", "boxed", "build", "polls", "later"] {
        assert!(bare.contains(function), "{function} is not compiled");
    }
    let difference =
        annotated.lines().zip(bare.lines()).find(|(annotated, bare)| annotated != bare);
    assert_eq!(difference, None);
    assert_eq!(annotated.len(), bare.len());
}

#[test]
fn every_form_runs_in_every_edition_and_gives_no_warning_that_the_bare_function_does_not() {
    let forms = &*FORMS;
    for track in [false, true] {
        let built = forms.on_all_editions("build", track);
        assert!(built.status.success(), "track: {track}\n{}", rendered(&built));
        for edition in EDITIONS {
            let program = forms.dir.join(format!("target/debug/forms-{edition}"));
            let metrics = tempfile::tempdir().expect("there is a folder for temporary files");
            let ran = Command::new(program)
                .env("BUILD_METRICS_DIR", metrics.path())
                .env_remove("BUILD_METRICS")
                .output()
                .expect("what was built can be run");
            assert!(
                ran.status.success() && ran.stdout == b"all forms ran\n",
                "edition {edition}, track: {track}\n{}",
                String::from_utf8_lossy(&ran.stderr)
            );
        }
    }

    let bare = forms.on_all_editions("clippy", false);
    assert!(bare.status.success(), "{}", rendered(&bare));
    let tracked = forms.on_all_editions("clippy", true);
    assert!(tracked.status.success(), "{}", rendered(&tracked));
    for edition in EDITIONS {
        let bare = Forms::warnings(&bare, edition);
        // The forms are not all of them good style, and that they are looked at shows in this.
        assert!(bare.iter().any(|(lint, _)| lint == "clippy::missing_const_for_fn"), "{bare:?}");
        // A closure is not to be a function, and the braces around it are not the user's.
        let of_expansion = ["clippy::redundant_closure", "clippy::semicolon_if", "unused_braces"];
        let is_of_expansion = |(lint, lines): &&Warning| {
            of_expansion.iter().any(|it| lint.starts_with(it))
                && lines.iter().any(|(file, _)| file.contains("hand_off"))
        };
        assert_eq!(bare.iter().find(is_of_expansion), None, "edition {edition}");
        let tracked = Forms::warnings(&tracked, edition);
        let added: Vec<_> = tracked.difference(&bare).collect();
        assert!(added.is_empty(), "edition {edition}: {added:#?}");
    }
}
