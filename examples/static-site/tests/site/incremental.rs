//! Builds after builds: what is done again, and what is not.

use std::fs;

use crate::workbench::Workbench;

const AGAIN: &[&str] = &["--incremental"];

#[test]
fn the_first_incremental_build_is_a_full_one_and_says_so() {
    let bench = Workbench::with_fixture();
    let built = bench.build(AGAIN);
    assert_eq!(built.record["incremental"], false);
    assert_eq!(built.number("written_files"), 16);
}

#[test]
fn a_build_with_nothing_to_do_is_skipped() {
    let bench = Workbench::with_fixture();
    let full = bench.build(&[]);
    let before = bench.site();
    let built = bench.build(AGAIN);
    assert_eq!(built.record["incremental"], true);
    assert_eq!(built.record["skipped"], true);
    assert_eq!(built.number("written_files"), 0);
    assert_eq!(built.number("total_pages"), full.number("total_pages"));
    assert_eq!(built.calls("document") + built.calls("page") + built.calls("write-file"), 0);
    assert!(built.output.contains("11 pages unchanged after"), "{}", built.output);
    assert_eq!(bench.site(), before);
}

#[test]
fn a_change_of_one_text_renders_one_page() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    let mut before = bench.site();
    let tuning = "# Tuning\n\nBack to [setup](../setup.md) or [the guide](..). Faster!\n";
    bench.write("guide/advanced/tuning.md", tuning);
    let built = bench.build(AGAIN);
    assert_eq!(built.record["incremental"], true);
    assert_eq!(built.record["skipped"], false);
    assert_eq!(built.calls("document"), 1);
    let mut after = bench.site();
    // The page, the listing that shows its first sentence, and the search index.
    let changed: Vec<String> = after
        .iter()
        .filter(|(name, content)| before.get(*name) != Some(content))
        .map(|(name, _)| name.clone())
        .collect();
    let expected = ["guide/advanced/index.html", "guide/advanced/tuning.html", "search-index.json"];
    assert_eq!(changed, expected);
    assert_eq!(built.number("written_files"), 3);
    for name in expected {
        before.remove(name);
        after.remove(name);
    }
    assert_eq!(after, before);
}

#[test]
fn an_incremental_build_makes_what_a_full_one_would() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    bench.write("guide/setup.md", "---\ntitle: Renamed\ntags: [new]\n---\n\n## Only\n");
    bench.write("missing.md", "# Found\n");
    bench.write("images/second.svg", "<svg/>");
    bench.remove("guide/advanced/tuning.md");
    bench.build(AGAIN);
    let incremental = bench.site();
    bench.build(&[]);
    assert_eq!(incremental, bench.site());
    fs::remove_dir_all(bench.path("site")).unwrap();
    bench.build(&[]);
    assert_eq!(incremental, bench.site());
}

#[test]
fn a_page_that_appears_is_linked_by_the_pages_that_waited_for_it() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    assert!(bench.read("notes.html").contains("href=\"missing.md\""));
    bench.write("missing.md", "# Found\n");
    bench.build(AGAIN);
    assert!(bench.read("notes.html").contains("href=\"missing.html\""));
    assert!(!bench.findings().iter().any(|finding| finding.contains("missing.md")));
}

#[test]
fn a_document_that_is_gone_takes_its_page_along() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    bench.write("kept-by-hand.txt", "in the sources");
    fs::write(bench.path("site/by-hand.txt"), "not ours").unwrap();
    bench.remove("guide/advanced/tuning.md");
    let built = bench.build(AGAIN);
    assert!(!bench.path("site/guide/advanced").exists(), "an empty folder is left");
    assert!(bench.has("by-hand.txt"), "a file that no build made is gone");
    assert_eq!(built.number("regular_pages"), 4);
    assert!(bench.findings().contains(&"guide/README.md: broken_link advanced/".to_owned()));
}

#[test]
fn a_file_can_become_a_folder_and_a_folder_a_file() {
    let bench = Workbench::empty();
    bench.write("thing", "a file");
    bench.build(&[]);
    bench.remove("thing");
    bench.write("thing/page.md", "# In a folder");
    bench.build(AGAIN);
    assert!(bench.has("thing/page.html"));
    bench.remove("thing/page.md");
    fs::remove_dir(bench.path("source/thing")).unwrap();
    bench.write("thing", "a file again");
    bench.build(AGAIN);
    assert_eq!(bench.read("thing"), "a file again");
}

#[test]
fn a_build_that_was_stopped_is_made_good_by_the_next() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    bench.write("more.md", "# More");
    // A folder in the place of a page stops the build in the middle of writing.
    fs::create_dir(bench.path("site/more.html")).unwrap();
    let stopped = bench.run(AGAIN);
    assert_eq!(stopped.status.code(), Some(1));
    fs::remove_dir(bench.path("site/more.html")).unwrap();
    bench.remove("guide/setup.md");
    bench.build(AGAIN);
    assert!(bench.has("more.html"));
    assert!(!bench.has("guide/setup.html"), "the stopped build forgot what is there");
    let site = bench.site();
    bench.build(&[]);
    assert_eq!(bench.site(), site);
}

#[test]
fn a_change_of_settings_or_templates_renders_everything() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    bench.write("site.toml", "title = 'Renamed'\n");
    let built = bench.build(AGAIN);
    assert_eq!(built.record["incremental"], false, "all is built: that is a full build");
    assert!(bench.read("notes.html").contains("· Renamed</title>"));

    fs::create_dir(bench.path("templates")).unwrap();
    let section = "{% extends 'base.html' %}{% block content %}mine{% endblock %}";
    fs::write(bench.path("templates/section.html"), section).unwrap();
    let with_templates = ["--incremental", "--templates", "templates"];
    let built = bench.build(&with_templates);
    assert_eq!(built.record["incremental"], false);
    assert!(bench.read("tags/index.html").contains("mine"));
    assert_eq!(bench.build(&with_templates).record["skipped"], true);

    fs::write(bench.path("templates/section.html"), section.replace("mine", "ours")).unwrap();
    bench.build(&with_templates);
    assert!(bench.read("tags/index.html").contains("ours"));
}

#[test]
fn a_site_that_was_tampered_with_is_repaired() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    let before = bench.site();
    fs::remove_file(bench.path("site/notes.html")).unwrap();
    fs::write(bench.path("site/style.css"), "").unwrap();
    let built = bench.build(AGAIN);
    assert_eq!(built.number("written_files"), 2);
    assert_eq!(bench.site(), before);
}

#[test]
fn a_damaged_manifest_means_a_full_build() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    let before = bench.site();
    let manifest = bench.path("site/.static-site.json");
    let whole = fs::read(&manifest).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"null", b"{\"outputs\":3}"] {
        fs::write(&manifest, damaged).unwrap();
        let built = bench.build(AGAIN);
        assert_eq!(built.record["incremental"], false);
        assert_eq!(bench.site(), before);
    }
}
