//! A real tool that allocates much: mdBook, with measuring and with measuring compiled out, on a book
//! made of the READMEs of the packages that this workspace depends on.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workloads::lower_quartile;

use super::Extent;
use crate::programs::{build, cargo, cpu_seconds, json_of, run as run_program};
use crate::programs::{without_switches, workspace};

/// What measuring costs mdBook, as a multiple of the same with measuring compiled out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct MdBook {
    /// Processor time of the process and its children, where the book is in a git checkout.
    pub(crate) cpu_in_checkout: f64,
    /// The same outside a checkout.
    pub(crate) cpu_outside: f64,
    /// Instructions of the process. Absent in quick runs, and where valgrind is not installed.
    pub(crate) instructions: Option<f64>,
}

/// Measures mdBook, and returns the record of one of its builds.
pub(super) fn run(scratch: &Path, extent: Extent) -> Result<(MdBook, Value)> {
    let programs = [("track", "mdbook-measuring"), ("", "mdbook-compiled-out")];
    let programs = programs.map(|(features, name)| -> Result<PathBuf> {
        let program = scratch.join(name);
        let arguments = ["--package", "mdbook", "--features", features];
        build(workspace(), "mdbook", &arguments, &program)?;
        Ok(program)
    });
    let [measuring, compiled_out] = programs;
    let programs = [measuring?, compiled_out?];
    let records = scratch.join("mdbook-records");
    let command = |program: &Path, book: &Path| {
        let mut command = Command::new(program);
        without_switches(&mut command).arg(book).env("BUILD_METRICS_DIR", &records);
        command.current_dir(book);
        command
    };

    let [checkout, outside] = ["checkout", "outside"].map(|name| scratch.join(name));
    let chapters = readmes()?;
    for book in [&checkout, &outside] {
        write_book(book, &chapters)?;
    }
    commit_all(&checkout)?;
    let cpu = |book: &Path| -> Result<f64> {
        let mut seconds = [Vec::new(), Vec::new()];
        for _ in 0..=extent.rounds {
            for (program, seconds) in programs.iter().zip(&mut seconds) {
                seconds.push(cpu_seconds(&mut command(program, book))?);
            }
        }
        // The first build of all reads files that the later ones find in memory.
        let [measuring, compiled_out] =
            seconds.map(|seconds| lower_quartile(seconds[1..].to_vec()));
        Ok(measuring / compiled_out)
    };
    let (cpu_in_checkout, cpu_outside) = (cpu(&checkout)?, cpu(&outside)?);

    let instructions = (extent.full && has_valgrind())
        .then(|| -> Result<f64> {
            let [measuring, compiled_out] =
                [0, 1].map(|form| instructions(&command(&programs[form], &outside)));
            Ok(measuring? / compiled_out?)
        })
        .transpose()?;
    let history = fs::read_to_string(records.join("history.jsonl"))?;
    let record = history.lines().next().context("mdBook left no record")?;
    let mdbook = MdBook { cpu_in_checkout, cpu_outside, instructions };
    Ok((mdbook, serde_json::from_str(record)?))
}

/// The READMEs of all packages that this workspace depends on.
fn readmes() -> Result<Vec<String>> {
    let metadata: Value =
        json_of(cargo(workspace()).args(["metadata", "--format-version=1", "--quiet"]))?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let readme = |package: &Value| {
        // Packages of this workspace and of the product change with the product.
        package["source"].as_str()?;
        let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
        fs::read_to_string(folder.join(package["readme"].as_str()?)).ok()
    };
    Ok(packages.iter().filter_map(readme).collect())
}

fn write_book(folder: &Path, chapters: &[String]) -> Result<()> {
    let source = folder.join("src");
    fs::create_dir_all(&source)?;
    let mut summary = String::from("# Summary\n\n");
    for (number, chapter) in chapters.iter().enumerate() {
        let file = format!("chapter-{number}.md");
        writeln!(summary, "- [Chapter {number}]({file})")?;
        fs::write(source.join(file), chapter)?;
    }
    fs::write(source.join("SUMMARY.md"), summary)?;
    fs::write(folder.join("book.toml"), "[book]\ntitle = \"READMEs\"\n")?;
    fs::write(folder.join(".gitignore"), "book\n")?;
    Ok(())
}

fn commit_all(folder: &Path) -> Result<()> {
    let author = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"];
    for arguments in
        [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "--message", "Add book"]]
    {
        run_program(Command::new("git").current_dir(folder).args(author).args(arguments))?;
    }
    Ok(())
}

fn has_valgrind() -> bool {
    let mut valgrind = Command::new("valgrind");
    let valgrind = valgrind.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    valgrind.status().is_ok_and(|status| status.success())
}

/// The instructions of a command's process in all its threads: the same on a busy machine as on an idle
/// one.
fn instructions(command: &Command) -> Result<f64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        valgrind.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => valgrind.env(name, value),
            None => valgrind.env_remove(name),
        };
    }
    let output = run_program(&mut valgrind)?.stderr;
    collected(&String::from_utf8_lossy(&output)).context("valgrind printed no count")
}

/// The count in a line such as `==7== Collected : 123456`.
fn collected(output: &str) -> Option<f64> {
    output.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_the_output_of_callgrind() {
        let output = "==7== \n==7== Events    : Ir\n==7== Collected : 8123456\n==7== \n";
        assert_eq!(collected(output), Some(8_123_456.0));
        assert_eq!(collected("==7== Events    : Ir\n"), None);
    }

    #[test]
    fn a_book_has_a_chapter_for_each_document() {
        let folder = tempfile::tempdir().unwrap();
        write_book(folder.path(), &["# One".to_owned(), "# Two".to_owned()]).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join("src").join(name)).unwrap();
        assert_eq!(read("chapter-1.md"), "# Two");
        let summary = "# Summary\n\n- [Chapter 0](chapter-0.md)\n- [Chapter 1](chapter-1.md)\n";
        assert_eq!(read("SUMMARY.md"), summary);
    }
}
