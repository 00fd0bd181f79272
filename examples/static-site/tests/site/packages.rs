//! Without a folder, the site is made of a workspace's packages.

use std::fs;

use crate::workbench::Workbench;

/// Runs the program in `folder` of the bench, away from the real Cargo home.
fn build_in(bench: &Workbench, folder: &str) -> std::process::Output {
    let mut command = bench.command();
    command
        .current_dir(bench.path(folder))
        .env("CARGO_HOME", bench.path("cargo-home"))
        .env("CARGO_NET_OFFLINE", "true")
        .args(["--out", "../site"]);
    command.output().unwrap()
}

#[test]
fn what_cargo_has_unpacked_is_enough_where_cargo_cannot_tell() {
    let bench = Workbench::empty();
    bench.write(
        "Cargo.lock",
        "version = 4\n[[package]]\nname = \"left-pad\"\nversion = \"1.0.0\"\nsource = \"registry+https://e.org\"\n\
         [[package]]\nname = \"left-pad\"\nversion = \"2.0.0\"\nsource = \"registry+https://e.org\"\n\
         [[package]]\nname = \"never-fetched\"\nversion = \"1.0.0\"\nsource = \"registry+https://e.org\"\n",
    );
    for version in ["1.0.0", "2.0.0"] {
        let folder = bench.path(&format!("cargo-home/registry/src/e.org/left-pad-{version}"));
        fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = format!(
            "[package]\nname = \"left-pad\"\nversion = \"{version}\"\nlicense = \"MIT/Apache-2.0\"\n\
             keywords = [\"Pad\"]\ndescription = \"Pads\\nleft\"\nhomepage = \"javascript:alert(1)\"\n\
             repository = \"https://github.com/o/left-pad\"\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let vcs = "{\"git\":{\"sha1\":\"c0ffee\"},\"path_in_vcs\":\"crates/pad\"}";
        fs::write(folder.join(".cargo_vcs_info.json"), vcs).unwrap();
        let readme =
            "# left-pad\n\n[changes](CHANGELOG.md) [terms](LICENSE) [an example](examples/a.rs)\n";
        fs::write(folder.join("README.md"), readme).unwrap();
        fs::write(folder.join("CHANGELOG.md"), "---\n\n# 1.0\n").unwrap();
        fs::write(folder.join("LICENSE"), "MIT").unwrap();
        fs::write(folder.join("src/internal.md"), "# Not for users").unwrap();
    }
    let output = build_in(&bench, "source");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let readme = bench.read("left-pad-1.0.0/readme.html");
    for link in [
        "<a href=\"changelog.html\">changes</a>",
        "<a href=\"LICENSE.txt\">terms</a>",
        "<a href=\"https://github.com/o/left-pad/blob/c0ffee/crates/pad/examples/a.rs\">an example</a>",
    ] {
        assert!(readme.contains(link), "{link} in {readme}");
    }
    assert_eq!(bench.read("left-pad-2.0.0/LICENSE.txt"), "MIT");
    let overview = bench.read("left-pad-2.0.0/index.html");
    assert!(overview.contains("<h1>left-pad 2.0.0</h1>"), "{overview}");
    assert!(overview.contains("Pads left"), "{overview}");
    assert!(!overview.contains("javascript:"), "{overview}");
    for term in ["keywords/pad.html", "licences/mit.html", "licences/apache-2.0.html"] {
        let listing = bench.read(term);
        assert!(listing.contains("href=\"../left-pad-1.0.0/index.html\""), "{listing}");
    }
    assert!(!bench.site().keys().any(|name| name.contains("internal")));
    assert_eq!(bench.findings(), Vec::<String>::new());
}

#[test]
fn a_site_of_packages_does_not_go_over_the_workspace() {
    let bench = Workbench::empty();
    bench.write("Cargo.lock", "version = 4\n");
    for out in [".", ".."] {
        let mut command = bench.command();
        command.current_dir(bench.path("source")).env("CARGO_HOME", bench.path("cargo-home"));
        let output = command.args(["--out", out]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "--out {out}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("would hold the sources"), "{error}");
    }
}

#[test]
fn a_folder_without_a_workspace_is_an_error_that_says_what_to_do() {
    let bench = Workbench::empty();
    let output = build_in(&bench, "source");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("name a folder of Markdown"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn files_that_a_document_links_to_come_along_and_what_is_no_business_of_readers_does_not() {
    let bench = Workbench::empty();
    bench.write("Cargo.lock", "version = 4\n");
    bench.write(
        "README.md",
        "# Home\n\n![chart](bench/chart.svg) [how](bench/README.md#how) <img src=\"docs/a%20b.txt\">\n\
         [source](src/lib.rs) [top](/src/lib.rs) [again](./src/lib.rs?plain=1)\n\
         [built](target/doc/made.txt) [hidden](.secrets/key) [out](../outside.txt)\n\
         [linked out](leak.txt) [the site](public/index.html) [none](bench/none.md)\n",
    );
    bench.write("bench/Cargo.toml", "[package]\nname = \"of-its-own\"\n");
    bench.write(
        "bench/README.md",
        "# Bench\n\n## How\n\n[deeper](deep/more.md) [up](../README.md)\n",
    );
    bench.write("bench/deep/more.md", "# More\n\n[back](../README.md) ![chart](../chart.svg)\n");
    bench.write("bench/deep/unlinked.md", "# Unlinked");
    bench.write("bench/chart.svg", "<svg/>");
    bench.write("docs/a b.txt", "spaced");
    bench.write("src/lib.rs", "// source");
    bench.write("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    bench.write("target/doc/made.txt", "made");
    bench.write(".secrets/key", "secret");
    bench.write("public/index.html", "the last site");
    fs::write(bench.path("outside.txt"), "outside").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../outside.txt", bench.path("source/leak.txt")).unwrap();

    let build = || {
        let mut command = bench.command();
        command.current_dir(bench.path("source")).env("CARGO_HOME", bench.path("cargo-home"));
        let output = command.args(["--out", "public", "--incremental"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let site = bench.path("source/public");
        let read = |name: &str| fs::read_to_string(site.join(name)).unwrap();
        let report: Vec<serde_json::Value> = serde_json::from_str(&read("health.json")).unwrap();
        let broken: Vec<_> = report
            .iter()
            .map(|finding| finding["problem"]["broken_link"]["link"].as_str().unwrap().to_owned())
            .collect();
        (read("index.html"), broken)
    };
    let (home, broken) = build();
    for link in [
        "<img src=\"bench/chart.svg\"",
        "<a href=\"bench/index.html#how\">how</a>",
        "<img src=\"docs/a%20b.txt\">",
        "<a href=\"src/lib.rs\">source</a> <a href=\"src/lib.rs\">top</a> <a href=\"src/lib.rs\">again</a>",
    ] {
        assert!(home.contains(link), "{link} in {home}");
    }
    let expected = [
        "../outside.txt",
        ".secrets/key",
        "bench/none.md",
        "leak.txt",
        "public/index.html",
        "target/doc/made.txt",
    ];
    assert_eq!(broken, expected);
    let site = |name: &str| bench.path("source/public").join(name);
    assert_eq!(fs::read_to_string(site("bench/chart.svg")).unwrap(), "<svg/>");
    assert_eq!(fs::read_to_string(site("docs/a b.txt")).unwrap(), "spaced");
    let more = fs::read_to_string(site("bench/deep/more.html")).unwrap();
    assert!(more.contains("<a href=\"../index.html\">back</a>"), "{more}");
    assert!(!site("bench/deep/unlinked.html").exists());

    bench.write("src/lib.rs", "// changed");
    bench.remove("bench/chart.svg");
    let (_, broken) = build();
    assert_eq!(fs::read_to_string(site("src/lib.rs")).unwrap(), "// changed");
    assert!(broken.contains(&"bench/chart.svg".to_owned()), "{broken:?}");
    assert!(!site("bench/chart.svg").exists());
}
