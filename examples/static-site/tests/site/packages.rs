//! Without a folder of Markdown, the site is made from the packages of a workspace.

use std::fs;

use crate::sandbox::{Sandbox, assert_fails};

#[test]
fn unpacked_packages_are_found_by_the_lock_file_if_cargo_metadata_fails() {
    let sandbox = Sandbox::empty();
    let locked = |name: &str, version: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             source = \"registry+https://e.org\"\n"
        )
    };
    let packages = [("left-pad", "1.0.0"), ("left-pad", "2.0.0"), ("never-fetched", "1.0.0")];
    let packages = packages.map(|(name, version)| locked(name, version)).concat();
    sandbox.write("Cargo.lock", format!("version = 4\n{packages}"));
    for version in ["1.0.0", "2.0.0"] {
        let write = |name: &str, content: &str| {
            let folder = format!("../cargo-home/registry/src/e.org/left-pad-{version}");
            sandbox.write(&format!("{folder}/{name}"), content);
        };
        write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"left-pad\"\nversion = \"{version}\"\n\
                 license = \"MIT/Apache-2.0\"\nkeywords = [\"Pad\"]\n\
                 description = \"Pads\\nleft\"\nhomepage = \"javascript:alert(1)\"\n\
                 repository = \"https://github.com/o/left-pad\"\n"
            ),
        );
        let vcs = "{\"git\":{\"sha1\":\"c0ffee\"},\"path_in_vcs\":\"crates/pad\"}";
        write(".cargo_vcs_info.json", vcs);
        let readme =
            "# left-pad\n\n[changes](CHANGELOG.md) [terms](LICENSE) [an example](examples/a.rs)\n";
        write("README.md", readme);
        write("CHANGELOG.md", "---\n\n# 1.0\n");
        write("LICENSE", "MIT");
        write("src/internal.md", "# Not for users");
    }
    let output = sandbox.run_in_source(&["--out", "../site"]);
    assert!(output.status.success(), "{output:?}");

    sandbox.assert_contains(
        "left-pad-1.0.0/readme.html",
        &[
            "<a href=\"changelog.html\">changes</a>",
            "<a href=\"LICENSE.txt\">terms</a>",
            "<a href=\"https://github.com/o/left-pad/blob/c0ffee/crates/pad/examples/a.rs\">an example</a>",
        ],
    );
    assert_eq!(sandbox.read("left-pad-2.0.0/LICENSE.txt"), "MIT");
    let overview = "left-pad-2.0.0/index.html";
    sandbox.assert_contains(overview, &["<h1>left-pad 2.0.0</h1>", "Pads left"]);
    assert!(!sandbox.read(overview).contains("javascript:"));
    for term in ["keywords/pad.html", "licences/mit.html", "licences/apache-2.0.html"] {
        sandbox.assert_contains(term, &["href=\"../left-pad-1.0.0/index.html\""]);
    }
    assert!(!sandbox.site().keys().any(|name| name.contains("internal")));
    assert_eq!(sandbox.findings(), Vec::<String>::new());
}

#[test]
fn the_output_folder_cannot_contain_the_workspace() {
    let sandbox = Sandbox::empty();
    sandbox.write("Cargo.lock", "version = 4\n");
    for out in [".", ".."] {
        assert_fails(&sandbox.run_in_source(&["--out", out]), "contains the sources");
    }
}

#[test]
fn the_error_without_a_workspace_suggests_a_folder() {
    let output = Sandbox::empty().run_in_source(&["--out", "../site"]);
    assert_fails(&output, "name a folder of Markdown");
}

#[test]
fn linked_files_are_added_unless_they_are_private() {
    let sandbox = Sandbox::empty();
    let home = "# Home\n\n![chart](bench/chart.svg) [how](bench/README.md#how) <img src=\"docs/a%20b.txt\">\n\
         [source](src/lib.rs) [top](/src/lib.rs) [again](./src/lib.rs?plain=1)\n\
         [built](target/doc/made.txt) [hidden](.secrets/key) [out](../outside.txt)\n\
         [linked out](leak.txt) [the site](public/index.html) [none](bench/none.md)\n";
    for (name, content) in [
        ("Cargo.lock", "version = 4\n"),
        ("README.md", home),
        ("bench/Cargo.toml", "[package]\nname = \"of-its-own\"\n"),
        ("bench/README.md", "# Bench\n\n## How\n\n[deeper](deep/more.md) [up](../README.md)\n"),
        ("bench/deep/more.md", "# More\n\n[back](../README.md) ![chart](../chart.svg)\n"),
        ("bench/deep/unlinked.md", "# Unlinked"),
        ("bench/chart.svg", "<svg/>"),
        ("docs/a b.txt", "spaced"),
        ("src/lib.rs", "// source"),
        ("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"),
        ("target/doc/made.txt", "made"),
        (".secrets/key", "secret"),
        ("public/index.html", "the last site"),
        ("../outside.txt", "outside"),
    ] {
        sandbox.write(name, content);
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("../outside.txt", sandbox.path("source/leak.txt")).unwrap();

    // The site is in the sources, so that a link to it is tested too.
    fs::create_dir(sandbox.path("site")).unwrap();
    let read = |name: &str| sandbox.read(&format!("../source/public/{name}"));
    let build = || {
        let output = sandbox.run_in_source(&["--out", "public", "--incremental"]);
        assert!(output.status.success(), "{output:?}");
        let report: Vec<serde_json::Value> = serde_json::from_str(&read("health.json")).unwrap();
        let link = |finding: &serde_json::Value| {
            finding["problem"]["broken_link"]["link"].as_str().unwrap().to_owned()
        };
        report.iter().map(link).collect::<Vec<_>>()
    };
    let expected = [
        "../outside.txt",
        ".secrets/key",
        "bench/none.md",
        "leak.txt",
        "public/index.html",
        "target/doc/made.txt",
    ];
    assert_eq!(build(), expected);
    sandbox.assert_contains(
        "../source/public/index.html",
        &[
            "<img src=\"bench/chart.svg\"",
            "<a href=\"bench/index.html#how\">how</a>",
            "<img src=\"docs/a%20b.txt\">",
            "<a href=\"src/lib.rs\">source</a> <a href=\"src/lib.rs\">top</a> <a href=\"src/lib.rs\">again</a>",
        ],
    );
    assert_eq!(read("bench/chart.svg"), "<svg/>");
    assert_eq!(read("docs/a b.txt"), "spaced");
    assert!(read("bench/deep/more.html").contains("<a href=\"../index.html\">back</a>"));
    assert!(!sandbox.path("source/public/bench/deep/unlinked.html").exists());

    sandbox.write("src/lib.rs", "// changed");
    sandbox.remove("bench/chart.svg");
    let broken = build();
    assert!(broken.contains(&"bench/chart.svg".to_owned()), "{broken:?}");
    assert_eq!(read("src/lib.rs"), "// changed");
    assert!(!fs::exists(sandbox.path("source/public/bench/chart.svg")).unwrap());
}
