//! Incremental builds: what is rebuilt, and what is not.

use std::fs;

use crate::sandbox::{Sandbox, assert_fails};

const INCREMENTAL: &[&str] = &["--incremental"];

#[test]
fn the_first_incremental_build_is_recorded_as_a_full_one() {
    let sandbox = Sandbox::with_fixture();
    let built = sandbox.build(INCREMENTAL);
    assert_eq!(built.record["incremental"], false);
    assert_eq!(built.number("written_files"), 16);
}

#[test]
fn a_build_with_nothing_to_do_is_skipped() {
    let sandbox = Sandbox::with_fixture();
    let full = sandbox.build(&[]);
    let before = sandbox.site();
    let built = sandbox.build(INCREMENTAL);
    assert_eq!(built.record["incremental"], true);
    assert_eq!(built.record["skipped"], true);
    assert_eq!(built.number("written_files"), 0);
    assert_eq!(built.number("total_pages"), full.number("total_pages"));
    assert_eq!(built.calls("document") + built.calls("page") + built.calls("write-file"), 0);
    assert!(built.output.contains("11 pages unchanged after"), "{}", built.output);
    assert_eq!(sandbox.site(), before);
}

#[test]
fn a_change_of_one_text_renders_one_page() {
    let sandbox = Sandbox::with_site();
    let before = sandbox.site();
    let tuning = "# Tuning\n\nBack to [setup](../setup.md) or [the guide](..). Faster!\n";
    sandbox.write("guide/advanced/tuning.md", tuning);
    let built = sandbox.build(INCREMENTAL);
    assert_eq!(built.record["incremental"], true);
    assert_eq!(built.record["skipped"], false);
    assert_eq!(built.calls("document"), 1);
    let after = sandbox.site();
    assert!(after.keys().eq(before.keys()));
    let changed: Vec<&str> = after
        .iter()
        .filter(|(name, content)| before[*name] != **content)
        .map(|(name, _)| name.as_str())
        .collect();
    // The page, the listing that shows its first sentence, and the search index.
    assert_eq!(
        changed,
        ["guide/advanced/index.html", "guide/advanced/tuning.html", "search-index.json"]
    );
    assert_eq!(built.number("written_files"), 3);
}

#[test]
fn an_incremental_build_makes_the_same_site_as_a_full_one() {
    let sandbox = Sandbox::with_site();
    sandbox.write("guide/setup.md", "---\ntitle: Renamed\ntags: [new]\n---\n\n## Only\n");
    sandbox.write("missing.md", "# Found\n");
    sandbox.write("images/second.svg", "<svg/>");
    sandbox.remove("guide/advanced/tuning.md");
    sandbox.build(INCREMENTAL);
    let incremental = sandbox.site();
    sandbox.build(&[]);
    assert_eq!(incremental, sandbox.site());
    fs::remove_dir_all(sandbox.path("site")).unwrap();
    sandbox.build(&[]);
    assert_eq!(incremental, sandbox.site());
}

#[test]
fn a_new_page_is_linked_by_the_pages_that_had_a_broken_link_to_it() {
    let sandbox = Sandbox::with_site();
    assert!(sandbox.read("notes.html").contains("href=\"missing.md\""));
    sandbox.write("missing.md", "# Found\n");
    sandbox.build(INCREMENTAL);
    sandbox.assert_contains("notes.html", &["href=\"missing.html\""]);
    assert!(!sandbox.findings().iter().any(|finding| finding.contains("missing.md")));
}

#[test]
fn the_page_of_a_removed_document_is_removed() {
    let sandbox = Sandbox::with_site();
    sandbox.write("kept-by-hand.txt", "in the sources");
    fs::write(sandbox.path("site/by-hand.txt"), "not ours").unwrap();
    sandbox.remove("guide/advanced/tuning.md");
    let built = sandbox.build(INCREMENTAL);
    assert!(!sandbox.path("site/guide/advanced").exists(), "an empty folder remains");
    assert!(sandbox.has("by-hand.txt"), "a file that no build made was removed");
    assert_eq!(built.number("regular_pages"), 4);
    assert!(sandbox.findings().contains(&"guide/README.md: broken_link advanced/".to_owned()));
}

#[test]
fn a_file_can_become_a_folder_and_a_folder_a_file() {
    let sandbox = Sandbox::empty();
    sandbox.write("thing", "a file");
    sandbox.build(&[]);
    sandbox.remove("thing");
    sandbox.write("thing/page.md", "# In a folder");
    sandbox.build(INCREMENTAL);
    assert!(sandbox.has("thing/page.html"));
    sandbox.remove("thing/page.md");
    fs::remove_dir(sandbox.path("source/thing")).unwrap();
    sandbox.write("thing", "a file again");
    sandbox.build(INCREMENTAL);
    assert_eq!(sandbox.read("thing"), "a file again");
}

#[test]
fn the_build_after_an_interrupted_one_is_complete() {
    let sandbox = Sandbox::with_site();
    sandbox.write("more.md", "# More");
    // A folder in the place of a page stops the build while it writes.
    fs::create_dir(sandbox.path("site/more.html")).unwrap();
    let arguments = ["source", "--out", "site", "--incremental"];
    assert_fails(&sandbox.command().args(arguments).output().unwrap(), "cannot write");
    fs::remove_dir(sandbox.path("site/more.html")).unwrap();
    sandbox.remove("guide/setup.md");
    sandbox.build(INCREMENTAL);
    assert!(sandbox.has("more.html"));
    assert!(!sandbox.has("guide/setup.html"), "the interrupted build lost track of the file");
    let site = sandbox.site();
    sandbox.build(&[]);
    assert_eq!(sandbox.site(), site);
}

#[test]
fn a_change_of_settings_or_templates_renders_everything() {
    let sandbox = Sandbox::with_site();
    sandbox.write("site.toml", "title = 'Renamed'\n");
    let built = sandbox.build(INCREMENTAL);
    assert_eq!(built.record["incremental"], false, "everything is rebuilt");
    assert!(sandbox.read("notes.html").contains("· Renamed</title>"));

    fs::create_dir(sandbox.path("templates")).unwrap();
    let section = "{% extends 'base.html' %}{% block content %}mine{% endblock %}";
    fs::write(sandbox.path("templates/section.html"), section).unwrap();
    let with_templates = ["--incremental", "--templates", "templates"];
    let built = sandbox.build(&with_templates);
    assert_eq!(built.record["incremental"], false);
    assert!(sandbox.read("tags/index.html").contains("mine"));
    assert_eq!(sandbox.build(&with_templates).record["skipped"], true);

    fs::write(sandbox.path("templates/section.html"), section.replace("mine", "ours")).unwrap();
    sandbox.build(&with_templates);
    assert!(sandbox.read("tags/index.html").contains("ours"));
}

#[test]
fn files_of_the_site_that_were_changed_are_repaired() {
    let sandbox = Sandbox::with_site();
    let before = sandbox.site();
    fs::remove_file(sandbox.path("site/notes.html")).unwrap();
    fs::write(sandbox.path("site/style.css"), "").unwrap();
    let built = sandbox.build(INCREMENTAL);
    assert_eq!(built.number("written_files"), 2);
    assert_eq!(sandbox.site(), before);
}

#[test]
fn a_damaged_manifest_causes_a_full_build() {
    let sandbox = Sandbox::with_site();
    let before = sandbox.site();
    let manifest = sandbox.path("site/.static-site.json");
    let whole = fs::read(&manifest).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"null", b"{\"outputs\":3}"] {
        fs::write(&manifest, damaged).unwrap();
        let built = sandbox.build(INCREMENTAL);
        assert_eq!(built.record["incremental"], false);
        assert_eq!(sandbox.site(), before);
    }
}
