//! Sources and folders that mean no good.

use std::fs;

use crate::workbench::Workbench;

#[test]
fn a_document_that_cannot_be_read_is_reported_and_the_rest_is_built() {
    let bench = Workbench::empty();
    bench.write("good.md", "# Good\n");
    bench.write("latin1.md", b"# Caf\xe9\n");
    bench.write("zero.md", "");
    let built = bench.build(&[]);
    assert_eq!(built.number("regular_pages"), 2);
    assert!(bench.has("good.html") && bench.has("zero.html") && !bench.has("latin1.html"));
    assert_eq!(bench.findings(), ["latin1.md: unreadable it is not UTF-8 (at byte 5)"]);
}

#[test]
fn broken_front_matter_costs_no_more_than_itself() {
    let bench = Workbench::empty();
    bench.write("broken.md", "---\ntitle: [never closed\ndraft: true\n---\n\n# The text\n");
    bench.write("open.md", "---\ntitle: never ended\n\n# Open\n");
    bench.build(&[]);
    assert!(bench.read("broken.html").contains("The text"));
    assert!(bench.read("open.html").contains("Open"));
    let findings = bench.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("broken.md: front_matter "), "{findings:?}");
}

#[test]
fn a_slug_cannot_write_outside_of_the_site() {
    let bench = Workbench::empty();
    for (index, slug) in ["../../escaped", "/etc/escaped", "..\\\\escaped", "a/../../escaped", ".."]
        .iter()
        .enumerate()
    {
        bench.write(&format!("{index}.md"), format!("---\nslug: \"{slug}\"\n---\n# {index}\n"));
    }
    let before = outside(&bench);
    bench.build(&[]);
    assert_eq!(outside(&bench), before);
    let pages: Vec<String> =
        bench.site().into_keys().filter(|name| name.contains("escaped")).collect();
    assert_eq!(
        pages,
        ["a-..-..-escaped.html", "escaped-2.html", "escaped.html", "etc-escaped.html"]
    );
}

/// What is in the bench's folder besides what a build puts there.
fn outside(bench: &Workbench) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(bench.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "site" && name != ".build-metrics")
        .collect();
    names.sort();
    names
}

#[test]
fn files_that_want_one_place_all_get_one() {
    let bench = Workbench::empty();
    bench.write("a.md", "# Small");
    bench.write("A.markdown", "# Large");
    bench.write("a.html", "an asset");
    bench.write("README.md", "# Readme");
    bench.write("index.md", "# Index");
    bench.write("style.css", "/* the author's */");
    bench.write("tags/index.md", "---\ntags: [x]\n---\n# My tags");
    let built = bench.build(&[]);
    let site = bench.site();
    assert_eq!(built.number("written_files"), site.len() as u64);
    let text = |name: &str| String::from_utf8(site[name].clone()).unwrap();
    assert!(text("a.html").contains("Large"));
    assert!(text("a-2.html").contains("Small"));
    assert_eq!(text("a-3.html"), "an asset");
    assert!(text("index.html").contains("Index"));
    assert!(text("readme.html").contains("Readme"));
    assert_eq!(text("style-2.css"), "/* the author's */");
    assert!(text("tags/index.html").contains("My tags"));
    assert!(site.contains_key("tags/index-2.html"));
    let collisions = bench.findings();
    assert_eq!(collisions.len(), 4, "{collisions:?}");
    assert!(collisions.contains(&"a.md: collision a-2.html".to_owned()), "{collisions:?}");
}

#[test]
fn only_an_index_is_an_index() {
    let bench = Workbench::empty();
    bench.write("folder/my-index.md", "# Mine\n");
    bench.write("folder/chosen.md", "---\nslug: index\ntags: [a, a]\n---\n# Chosen\n");
    bench.build(&[]);
    assert!(bench.read("folder/my-index.html").contains("Mine"));
    assert!(bench.read("folder/index.html").contains("Chosen"));
    assert!(!bench.has("folder/index-2.html"));
    assert!(bench.read("index.html").contains("href=\"folder/index.html\""));
    assert_eq!(bench.read("tags/a.html").matches("folder/index.html").count(), 1);
    assert_eq!(bench.findings(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_loop_of_symbolic_links_is_reported_once_and_left() {
    let bench = Workbench::with_fixture();
    std::os::unix::fs::symlink(bench.path("source"), bench.path("source/guide/loop")).unwrap();
    std::os::unix::fs::symlink("self", bench.path("source/self")).unwrap();
    std::os::unix::fs::symlink("nowhere.md", bench.path("source/dangling.md")).unwrap();
    let built = bench.build(&[]);
    assert_eq!(built.number("regular_pages"), 5);
    let findings = bench.findings();
    let unreadable: Vec<_> = findings.iter().filter(|f| f.contains("unreadable")).collect();
    assert_eq!(unreadable.len(), 3, "{findings:?}");
    assert!(
        unreadable[1].starts_with("guide/loop: unreadable a symbolic link leads back"),
        "{findings:?}"
    );
}

#[test]
fn a_manifest_cannot_remove_what_is_not_in_the_site() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    fs::write(bench.path("precious.txt"), "keep").unwrap();
    let manifest = bench.path("site/.static-site.json");
    let forged =
        fs::read_to_string(&manifest).unwrap().replace("\"notes.html\":", "\"../precious.txt\":");
    fs::write(&manifest, forged).unwrap();
    bench.build(&["--incremental"]);
    assert_eq!(fs::read_to_string(bench.path("precious.txt")).unwrap(), "keep");
}

#[test]
fn the_site_may_lie_in_its_sources_but_not_hold_them() {
    let bench = Workbench::with_fixture();
    let mut command = bench.command();
    command.current_dir(bench.path("source")).args([".", "--out", "public"]);
    assert!(command.output().unwrap().status.success());
    let output = command.output().unwrap();
    assert!(output.status.success());
    assert!(!bench.path("source/public/public").exists(), "the site was taken for a source");

    let output = bench.command().args(["source", "--out", "."]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("would hold the sources"), "{error}");
}

#[test]
fn caches_and_hidden_files_are_no_sources() {
    let bench = Workbench::empty();
    bench.write("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    bench.write("target/doc/a.md", "# A");
    bench.write(".git/b.md", "# B");
    bench.write("c.md", "# C");
    assert_eq!(bench.build(&[]).number("regular_pages"), 1);
    assert!(bench.has("c.html"));
}

#[test]
fn an_error_is_one_line_and_exit_code_one() {
    let bench = Workbench::with_fixture();
    let fails = |arguments: &[&str], part: &str| {
        let output = bench.command().args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("error: ") && error.contains(part), "{error}");
        assert!(output.stdout.is_empty());
        let record = fs::read_to_string(bench.path(".build-metrics/latest.json")).unwrap();
        assert!(record.contains("\"outcome\": \"failed\""), "{record}");
    };
    fails(&["nowhere"], "cannot read nowhere");
    fails(&["source/notes.md"], "is not a folder of Markdown");
    fails(&["source", "--templates", "nowhere"], "cannot read nowhere");
    fails(&["source", "--out", "source/notes.md/site"], "cannot make");
    bench.write("site.toml", "titel = 'x'\n");
    fails(&["source", "--out", "site"], "unknown field `titel`");
    fs::create_dir(bench.path("templates")).unwrap();
    bench.write("site.toml", "");
    fs::write(bench.path("templates/page.html"), "{% if %}").unwrap();
    fails(&["source", "--out", "site", "--templates", "templates"], "page.html:1");
}

#[test]
fn an_empty_folder_is_a_site_with_an_empty_home() {
    let bench = Workbench::empty();
    let built = bench.build(&[]);
    assert_eq!(built.number("regular_pages"), 0);
    assert!(bench.has("index.html") && bench.has("sitemap.xml"));
    assert_eq!(bench.build(&["--incremental"]).record["skipped"], true);
}
