//! Compiles and runs `ui/pass`, all forms of function that can be annotated and of closure that can
//! be handed off, as a project of its own: in every edition, with the feature `track` on and off.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

const EDITIONS: [&str; 3] = ["2018", "2021", "2024"];

/// Cargo lets one command at a time into the target folder that the tests share.
static FORMS: LazyLock<Forms> = LazyLock::new(Forms::new);

/// A workspace with two programs for each edition: `forms-EDITION` and, with macros that leave
/// everything as it is, `bare-EDITION`.
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
        let ui = tests.join("ui");
        let ui = ui.display();
        let runtime = format!(
            "path = '{}', default-features = false, features = ['record']",
            root.join("perf-runtime").display()
        );
        let package = |name: &str, edition: &str, rest: &str| {
            let folder = dir.join(name);
            fs::create_dir_all(&folder).expect("the target folder can be written to");
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"1.2.3\"\nedition = \"{edition}\"\n\
                 publish = false\n\n{rest}"
            );
            write_if_changed(&folder.join("Cargo.toml"), &manifest);
        };
        for edition in EDITIONS {
            for (kind, runtime) in [
                ("forms", &*runtime),
                ("bare", "path = '../bare-runtime', package = \"bare-runtime\""),
            ] {
                let name = format!("{kind}-{edition}");
                let rest = format!(
                    r#"
[[bin]]
name = "{name}"
path = '{ui}/pass/main.rs'

[features]
track = ["perf-runtime/track"]

[dependencies]
async-trait = "0.1"
perf-runtime = {{ {runtime} }}
rayon = "1"
tokio = {{ version = "1", default-features = false, features = ["macros", "rt"] }}
"#
                );
                package(&name, edition, &rest);
            }
        }
        let rest = format!(
            "[lib]\npath = '{ui}/bare_runtime.rs'\n\n[features]\ntrack = []\n\n[dependencies]\n\
             bare-macros = {{ path = '../bare-macros' }}\n\
             measuring-runtime = {{ {runtime}, package = \"perf-runtime\" }}\n"
        );
        package("bare-runtime", "2024", &rest);
        let rest = format!("[lib]\npath = '{ui}/bare_macros.rs'\nproc-macro = true\n");
        package("bare-macros", "2024", &rest);
        let rest = format!(
            "[lib]\npath = '{ui}/codegen.rs'\n\n[dependencies]\nperf-runtime = {{ {runtime} }}\n"
        );
        package("codegen", "2024", &rest);
        write_if_changed(
            &dir.join("Cargo.toml"),
            r#"
[workspace]
resolver = "3"
members = ["forms-*", "bare-*", "codegen"]

[profile.dev]
debug = false

# A profile of its own would compile all dependencies once more.
[profile.dev.package.codegen]
opt-level = 2
codegen-units = 1
debug-assertions = false
overflow-checks = false
"#,
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

    /// Runs a command of cargo on one kind of program in all editions at once.
    fn on_all_editions(&self, command: &str, kind: &str, track: bool) -> Output {
        let mut cargo = self.cargo(command);
        cargo
            .args(EDITIONS.map(|edition| format!("--package={kind}-{edition}")))
            .arg("--message-format=json")
            .args(track.then_some("--features=track"));
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{kind}, track: {track}\n{}", rendered(&output));
        output
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
    fn warnings(output: &Output, program: &str) -> BTreeSet<Warning> {
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("cargo prints JSON"))
            .filter(|entry| entry["reason"] == "compiler-message")
            .filter(|entry| entry["target"]["name"] == program)
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

/// Keeps the file's time where nothing changed, so that nothing is rebuilt.
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
    let (annotated, bare) = (functions(&annotated), functions(&bare));
    assert_eq!(annotated.keys().collect::<Vec<_>>(), bare.keys().collect::<Vec<_>>());
    for (name, code) in &bare {
        assert_eq!(annotated[name], *code, "{name}");
    }
}

/// The code of each function in a compiler's assembly: from its label to its size.
fn functions(assembly: &str) -> BTreeMap<String, String> {
    let mut functions = BTreeMap::new();
    let mut lines = assembly.lines();
    while let Some(line) = lines.next() {
        let kind = line.trim().strip_prefix(".type").and_then(|rest| rest.split_once(','));
        let Some((name, "@function")) = kind.map(|(name, kind)| (name.trim(), kind)) else {
            continue;
        };
        let code: Vec<_> =
            lines.by_ref().take_while(|line| !line.trim().starts_with(".size")).collect();
        functions.insert(name.to_owned(), with_numbered_labels(&code.join("\n")));
    }
    functions
}

/// Assembly whose local labels are numbered in the order in which they appear. The compiler also
/// counts labels of blocks that it removed later, and names constants by a hash of the crate.
fn with_numbered_labels(assembly: &str) -> String {
    let mut parts = assembly.split(".L");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut labels: Vec<&str> = Vec::new();
    for part in parts {
        let end = part.find(|char: char| !char.is_alphanumeric() && !"._$".contains(char));
        let (label, rest) = part.split_at(end.unwrap_or(part.len()));
        let number = labels.iter().position(|known| *known == label).unwrap_or_else(|| {
            labels.push(label);
            labels.len() - 1
        });
        text.extend([".L", &number.to_string(), rest]);
    }
    text
}

#[test]
fn every_form_runs_in_every_edition() {
    for track in [false, true] {
        FORMS.on_all_editions("build", "forms", track);
        for edition in EDITIONS {
            let program = FORMS.dir.join(format!("target/debug/forms-{edition}"));
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
}

#[test]
fn an_annotated_function_gives_no_warning_that_the_bare_one_does_not() {
    let bare = FORMS.on_all_editions("clippy", "bare", false);
    // See `in_current_phase` in `bare_macros.rs`.
    let closures_of_2018: BTreeSet<_> =
        Forms::warnings(&bare, "bare-2021").into_iter().filter(is_about_closures).collect();
    for track in [false, true] {
        let tracked = FORMS.on_all_editions("clippy", "forms", track);
        for edition in EDITIONS {
            let mut bare = Forms::warnings(&bare, &format!("bare-{edition}"));
            // The forms are not all good style. This shows that Clippy looks at them.
            assert!(
                bare.iter().any(|(lint, _)| lint == "clippy::missing_const_for_fn"),
                "{bare:?}"
            );
            if edition == "2018" {
                bare.retain(|warning| !is_about_closures(warning));
                bare.extend(closures_of_2018.clone());
            }
            let tracked = Forms::warnings(&tracked, &format!("forms-{edition}"));
            // A closure is not to become a function, and the braces around it are not the user's.
            let of_expansion =
                ["clippy::redundant_closure", "clippy::semicolon_if", "unused_braces"];
            let is_of_expansion = |warning: &&Warning| {
                is_about_closures(warning)
                    && of_expansion.iter().any(|lint| warning.0.starts_with(lint))
            };
            assert_eq!(tracked.iter().find(is_of_expansion), None, "edition {edition}");
            let added: Vec<_> = tracked.difference(&bare).collect();
            assert!(added.is_empty(), "edition {edition}, track: {track}: {added:#?}");
        }
    }
}

fn is_about_closures((_, lines): &Warning) -> bool {
    lines.iter().any(|(file, _)| file.contains("hand_off"))
}
