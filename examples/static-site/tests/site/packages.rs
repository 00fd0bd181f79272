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
