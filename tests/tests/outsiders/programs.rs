//! Three real programs, used as libraries: each is a build with phases on one thread that does the same work
//! in every process. The record and valgrind measure the same program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use perf_runtime::{PerformanceCollector, phase, tracked_phase};
use regex::Regex;

/// The sources of this workspace: what all programs work on.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// A Rust parser, `syn`, over the sources of this workspace.
    Syntax,
    /// A few files of the same.
    LittleSyntax,
    /// Patterns of `regex` over the same.
    Patterns,
    /// The example: a site of the same, as code in Markdown.
    StaticSite,
}

impl Program {
    pub(crate) const ALL: [Self; 4] =
        [Self::Syntax, Self::LittleSyntax, Self::Patterns, Self::StaticSite];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::LittleSyntax => "little-syntax",
            Self::Patterns => "patterns",
            Self::StaticSite => "static-site",
        }
    }

    /// The program with a name.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|program| program.name() == name).expect("a program's name")
    }

    /// Prepares the directory in which the program runs.
    pub(crate) fn prepare(self, directory: &Path) {
        if self == Self::StaticSite {
            write_documents(&directory.join("documents"));
        }
    }

    /// A collector for its record.
    pub(crate) fn collector(self) -> PerformanceCollector {
        PerformanceCollector::from_env(self.name(), "1")
    }

    /// Runs it, in the current directory.
    pub(crate) fn run(self, mut collector: PerformanceCollector) -> ExitCode {
        collector.start_build();
        match self {
            Self::Syntax => syntax(usize::MAX),
            Self::LittleSyntax => syntax(6),
            Self::Patterns => patterns(),
            Self::StaticSite => {
                static_site::start_threads().expect("threads");
                let options = static_site::Options {
                    source: Some("documents".into()),
                    out: "site".into(),
                    templates: None,
                    incremental: false,
                };
                static_site::build(&options).expect("a site");
            }
        }
        let stats = collector.end_build();
        collector.save(&stats);
        ExitCode::SUCCESS
    }
}

/// All Rust sources of the product, in the order of their paths.
fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    let crates = ["perf-cli", "perf-history", "perf-macros", "perf-runtime"];
    let mut folders: Vec<_> =
        crates.iter().map(|name| Path::new(WORKSPACE).join(name).join("src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    sources.sort();
    sources
}

#[tracked_phase("read", items = paths.len())]
fn read(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| fs::read_to_string(path).expect("a source")).collect()
}

fn syntax(files: usize) {
    let mut paths = phase!("find", { sources() });
    paths.truncate(files);
    let texts = read(&paths);
    let mut trees = Vec::new();
    for text in &texts {
        phase!("parse", { trees.push(syn::parse_file(text).expect("it compiles")) });
    }
    let names: Vec<_> = phase!("names", { trees.iter().flat_map(names_of).collect() });
    assert!(names.len() > trees.len());
    phase!("free", { drop((texts, trees, names)) });
}

/// The names of all functions of a file.
fn names_of(file: &syn::File) -> Vec<String> {
    let functions = |item: &syn::Item| match item {
        syn::Item::Fn(function) => vec![function.sig.ident.to_string()],
        syn::Item::Impl(block) => block
            .items
            .iter()
            .filter_map(|item| match item {
                syn::ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    file.items.iter().flat_map(functions).collect()
}

fn patterns() {
    let texts = read(&sources());
    let patterns = [
        r"\b[\p{Lu}][\p{L}\p{N}]+\b",
        r"(?i)\b(fn|struct|enum|impl|trait|mod|use)\s+(\w{1,40})",
        r"//[/!]?\s*(?<text>[^\n]{1,100})",
        r#""(?:[^"\\]|\\.){0,200}""#,
        r"(?m)^\s*#\[[^\]]+\]\s*$",
        r"[\w&&[^\d]]\w*(::\w+){1,6}",
        r"(\p{Greek}|\p{Cyrillic}|\p{Han}|[^\x00-\x7F]){1,20}",
        r"\b\d[\d_]*(\.\d+)?([eE][+-]?\d+)?(_?[iuf](8|16|32|64|size))?\b",
    ];
    let compiled: Vec<Regex> = phase!("compile", {
        patterns.iter().map(|pattern| Regex::new(pattern).expect("valid")).collect()
    });
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, text) in texts.iter().enumerate() {
        for pattern in &compiled {
            phase!("search", {
                for one in pattern.find_iter(text) {
                    found.entry(one.as_str().to_owned()).or_default().push(number);
                }
            });
        }
    }
    let report = phase!("report", {
        let mut lines: Vec<_> =
            found.iter().map(|(text, places)| format!("{:>6} {text}", places.len())).collect();
        lines.sort();
        lines.join("\n")
    });
    assert!(report.lines().count() >= found.len());
    phase!("free", { drop((texts, compiled, found, report)) });
}

/// A document for each of some sources, with all of its code in it.
fn write_documents(folder: &Path) {
    fs::create_dir(folder).expect("an empty directory");
    for (number, source) in sources().iter().step_by(4).enumerate() {
        let code = fs::read_to_string(source).expect("a source");
        let name = source.file_stem().expect("a file's name").to_string_lossy();
        let text = format!(
            "# The file {name}\n\nIts *code*, [all](index.md) of it:\n\n~~~~rust\n{code}\n~~~~\n"
        );
        fs::write(folder.join(format!("{number:03}-{name}.md")), text).expect("a document");
    }
    fs::write(folder.join("index.md"), "# Sources\n\nOne page for each file.\n").expect("a page");
}
