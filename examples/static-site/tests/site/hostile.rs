//! Hostile and broken sources.

use std::fs;

use crate::sandbox::{Sandbox, assert_fails};

#[test]
fn a_document_that_cannot_be_read_is_reported_and_the_rest_is_built() {
    let sandbox = Sandbox::empty();
    sandbox.write("good.md", "# Good\n");
    sandbox.write("latin1.md", b"# Caf\xe9\n");
    sandbox.write("zero.md", "");
    let built = sandbox.build(&[]);
    assert_eq!(built.number("regular_pages"), 2);
    assert!(sandbox.has("good.html") && sandbox.has("zero.html") && !sandbox.has("latin1.html"));
    assert_eq!(sandbox.findings(), ["latin1.md: unreadable it is not UTF-8 (at byte 5)"]);
}

#[test]
fn broken_front_matter_is_reported_and_the_text_is_built() {
    let sandbox = Sandbox::empty();
    sandbox.write("broken.md", "---\ntitle: [never closed\ndraft: true\n---\n\n# The text\n");
    sandbox.write("open.md", "---\ntitle: never ended\n\n# Open\n");
    sandbox.build(&[]);
    sandbox.assert_contains("broken.html", &["The text"]);
    sandbox.assert_contains("open.html", &["Open"]);
    let findings = sandbox.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("broken.md: front_matter "), "{findings:?}");
}

#[test]
fn a_slug_cannot_write_outside_of_the_site() {
    let sandbox = Sandbox::empty();
    let slugs = ["../../escaped", "/etc/escaped", "..\\\\escaped", "a/../../escaped", ".."];
    for (index, slug) in slugs.iter().enumerate() {
        sandbox.write(&format!("{index}.md"), format!("---\nslug: \"{slug}\"\n---\n# {index}\n"));
    }
    sandbox.build(&[]);
    let entries = fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    assert_eq!(names, [".build-metrics", "site", "source"]);
    let pages: Vec<String> =
        sandbox.site().into_keys().filter(|name| name.contains("escaped")).collect();
    assert_eq!(
        pages,
        ["a-..-..-escaped.html", "escaped-2.html", "escaped.html", "etc-escaped.html"]
    );
}

#[test]
fn files_with_the_same_path_get_different_ones() {
    let sandbox = Sandbox::empty();
    for (name, content) in [
        ("a.md", "# Small"),
        ("A.markdown", "# Large"),
        ("a.html", "an asset"),
        ("README.md", "# Readme"),
        ("index.md", "# Index"),
        ("style.css", "/* the author's */"),
        ("tags/index.md", "---\ntags: [x]\n---\n# My tags"),
    ] {
        sandbox.write(name, content);
    }
    let built = sandbox.build(&[]);
    assert_eq!(built.number("written_files"), sandbox.site().len() as u64);
    for (name, part) in [
        ("a.html", "Large"),
        ("a-2.html", "Small"),
        ("index.html", "Index"),
        ("readme.html", "Readme"),
        ("tags/index.html", "My tags"),
    ] {
        sandbox.assert_contains(name, &[part]);
    }
    assert_eq!(sandbox.read("a-3.html"), "an asset");
    assert_eq!(sandbox.read("style-2.css"), "/* the author's */");
    assert!(sandbox.has("tags/index-2.html"));
    let collisions = sandbox.findings();
    assert_eq!(collisions.len(), 4, "{collisions:?}");
    assert!(collisions.contains(&"a.md: collision a-2.html".to_owned()), "{collisions:?}");
}

#[test]
fn a_page_is_an_index_by_its_name_or_slug_only() {
    let sandbox = Sandbox::empty();
    sandbox.write("folder/my-index.md", "# Mine\n");
    sandbox.write("folder/chosen.md", "---\nslug: index\ntags: [a, a]\n---\n# Chosen\n");
    sandbox.build(&[]);
    sandbox.assert_contains("folder/my-index.html", &["Mine"]);
    sandbox.assert_contains("folder/index.html", &["Chosen"]);
    assert!(!sandbox.has("folder/index-2.html"));
    sandbox.assert_contains("index.html", &["href=\"folder/index.html\""]);
    assert_eq!(sandbox.read("tags/a.html").matches("folder/index.html").count(), 1);
    assert_eq!(sandbox.findings(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_loop_of_symbolic_links_is_reported_once() {
    let sandbox = Sandbox::with_fixture();
    std::os::unix::fs::symlink(sandbox.path("source"), sandbox.path("source/guide/loop")).unwrap();
    std::os::unix::fs::symlink("self", sandbox.path("source/self")).unwrap();
    std::os::unix::fs::symlink("nowhere.md", sandbox.path("source/dangling.md")).unwrap();
    let built = sandbox.build(&[]);
    assert_eq!(built.number("regular_pages"), 5);
    let findings = sandbox.findings();
    let unreadable: Vec<_> = findings.iter().filter(|f| f.contains("unreadable")).collect();
    assert_eq!(unreadable.len(), 3, "{findings:?}");
    let expected = "guide/loop: unreadable a symbolic link leads back";
    assert!(unreadable[1].starts_with(expected), "{findings:?}");
}

#[test]
fn a_forged_manifest_cannot_remove_files_outside_of_the_site() {
    let sandbox = Sandbox::with_site();
    fs::write(sandbox.path("precious.txt"), "keep").unwrap();
    let manifest = sandbox.path("site/.static-site.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"notes.html\":", "\"../precious.txt\":")).unwrap();
    sandbox.build(&["--incremental"]);
    assert_eq!(fs::read_to_string(sandbox.path("precious.txt")).unwrap(), "keep");
}

#[test]
fn the_site_may_be_in_its_sources_but_not_contain_them() {
    let sandbox = Sandbox::with_fixture();
    for _ in 0..2 {
        let output = sandbox.run_in_source(&[".", "--out", "public"]);
        assert!(output.status.success(), "{output:?}");
    }
    assert!(!sandbox.path("source/public/public").exists(), "the site became a source");

    let output = sandbox.command().args(["source", "--out", "."]).output().unwrap();
    assert_fails(&output, "contains the sources");
}

#[test]
fn caches_and_hidden_files_are_not_sources() {
    let sandbox = Sandbox::empty();
    sandbox.write("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    sandbox.write("target/doc/a.md", "# A");
    sandbox.write(".git/b.md", "# B");
    sandbox.write("c.md", "# C");
    assert_eq!(sandbox.build(&[]).number("regular_pages"), 1);
    assert!(sandbox.has("c.html"));
}

#[test]
fn an_error_is_one_line_and_a_failed_record() {
    let sandbox = Sandbox::with_fixture();
    let fails = |arguments: &[&str], part: &str| {
        let output = sandbox.command().args(arguments).output().unwrap();
        assert_fails(&output, part);
        let record = fs::read_to_string(sandbox.path(".build-metrics/latest.json")).unwrap();
        assert!(record.contains("\"outcome\": \"failed\""), "{record}");
    };
    fails(&["nowhere"], "cannot read nowhere");
    fails(&["source/notes.md"], "is not a folder of Markdown");
    fails(&["source", "--templates", "nowhere"], "cannot read nowhere");
    fails(&["source", "--out", "source/notes.md/site"], "cannot create");
    sandbox.write("site.toml", "titel = 'x'\n");
    fails(&["source", "--out", "site"], "unknown field `titel`");
    fs::create_dir(sandbox.path("templates")).unwrap();
    sandbox.write("site.toml", "");
    fs::write(sandbox.path("templates/page.html"), "{% if %}").unwrap();
    fails(&["source", "--out", "site", "--templates", "templates"], "page.html:1");
}

#[test]
fn the_site_of_an_empty_folder_has_a_home_page() {
    let sandbox = Sandbox::empty();
    let built = sandbox.build(&[]);
    assert_eq!(built.number("regular_pages"), 0);
    assert!(sandbox.has("index.html") && sandbox.has("sitemap.xml"));
    assert_eq!(sandbox.build(&["--incremental"]).record["skipped"], true);
}
