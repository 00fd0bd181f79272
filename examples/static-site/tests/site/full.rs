//! A full build of the fixture.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::sandbox::{Built, Sandbox};

/// The fixture as it is, built once for all tests that only look at the result.
static FIXTURE: LazyLock<(Sandbox, Built)> = LazyLock::new(|| {
    let sandbox = Sandbox::with_fixture();
    let built = sandbox.build(&[]);
    (sandbox, built)
});

#[test]
fn a_folder_becomes_a_site() {
    let (sandbox, built) = &*FIXTURE;
    let files: Vec<String> = sandbox.site().into_keys().collect();
    assert_eq!(
        files,
        [
            "guide/advanced/index.html",
            "guide/advanced/tuning.html",
            "guide/index.html",
            "guide/setup.html",
            "health.html",
            "health.json",
            "images/logo.svg",
            "index.html",
            "notes.html",
            "search-index.json",
            "sitemap.xml",
            "style.css",
            "tags/c-2.html",
            "tags/c.html",
            "tags/index.html",
            "tags/start.html",
        ]
    );
    for (field, count) in [
        ("regular_pages", 5),
        ("generated_pages", 6),
        ("total_pages", 11),
        ("total_assets", 1),
        ("total_sections", 3),
        ("taxonomies_count", 3),
        ("health_findings", 3),
        ("written_files", 16),
    ] {
        assert_eq!(built.number(field), count, "{field}");
    }
    assert_eq!(built.record["outcome"], "success");
    assert_eq!(built.record["incremental"], false);
    assert_eq!(built.calls("document"), 5 + 1, "the draft is parsed too");
}

#[test]
fn links_between_documents_become_links_between_pages() {
    let sandbox = &FIXTURE.0;
    sandbox.assert_contains(
        "index.html",
        &[
            "<a href=\"guide/index.html\">guide</a>",
            "<a href=\"guide/setup.html#on-linux\">its setup</a>",
            "<a href=\"notes.html\">notes</a>",
            "<img src=\"images/logo.svg\" alt=\"Logo\" />",
            "<a href=\"guide/setup.html\">raw HTML</a> <img src='images/logo.svg'>",
            "<a href=\"https://example.com/a?b=1&amp;c=2\">Elsewhere</a>",
        ],
    );
    sandbox.assert_contains("guide/setup.html", &["<a href=\"../index.html\">home</a>"]);
    let tuning = "guide/advanced/tuning.html";
    sandbox.assert_contains(tuning, &["<a href=\"../index.html\">the guide</a>"]);
}

#[test]
fn every_link_within_the_site_points_to_a_file() {
    let site = FIXTURE.0.site();
    let mut checked = 0;
    for (name, html) in site.iter().filter(|(name, _)| name.ends_with("html")) {
        let html = std::str::from_utf8(html).unwrap();
        let attributes = html.split(" href=").skip(1).chain(html.split(" src=").skip(1));
        for link in attributes.map(|rest| rest.split(&rest[..1]).nth(1).unwrap()) {
            let path = link.split('#').next().unwrap();
            // The fixture has two broken links.
            if path.is_empty()
                || path.contains("://")
                || ["missing.md", "../../secret.txt"].contains(&path)
            {
                continue;
            }
            let mut target: Vec<&str> = name.split('/').collect();
            target.pop();
            for segment in path.split('/') {
                if segment == ".." {
                    target.pop().unwrap_or_else(|| panic!("{link} in {name} leaves the site"));
                } else {
                    target.push(segment);
                }
            }
            assert!(site.contains_key(&target.join("/")), "{link} in {name}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn pages_have_everything_from_their_documents() {
    let sandbox = Sandbox::with_fixture();
    let notes = fs::read_to_string(sandbox.path("source/notes.md")).unwrap();
    let code = "```rust,no_run\nfn main() {\n    println!(\"<hello>\"); // said & done\n}\n```\n";
    sandbox.write("notes.md", notes + "\n" + code);
    sandbox.build(&[]);
    sandbox.assert_contains(
        "notes.html",
        &[
            "<html lang=\"en-GB\">",
            "<title>Notes &amp; &lt;more&gt; · Fixture</title>",
            "<h1>Notes &amp; &lt;more&gt;</h1>",
            "<td><code>b</code></td>",
            "<span class=k>fn </span><span class=f>main</span>",
            "&lt;hello&gt;",
            "footnote-definition",
            "<a href=\"tags/start.html\">start</a>",
            "<meta name=\"description\" content=\"Some notes with a table, a footnote and no code.\">",
        ],
    );
    let headings = ["<h2 id=\"on-linux\">", "<h2 id=\"on-linux-1\">"];
    sandbox.assert_contains("guide/setup.html", &headings);
    assert_eq!(sandbox.read("guide/setup.html").matches("<h1").count(), 1);
    assert!(!sandbox.site().keys().any(|name| name.contains("draft")));
}

#[test]
fn siblings_are_in_the_order_of_their_front_matter() {
    let sandbox = Sandbox::with_fixture();
    sandbox.write("guide/aaa.md", "# Aaa");
    sandbox.write("guide/zzz.md", "---\norder: 0\n---\n# Zzz");
    sandbox.build(&[]);
    let setup = sandbox.read("guide/setup.html");
    let at = |title: &str| setup.find(&format!(">{title}</a></li>")).unwrap();
    assert!(at("Zzz") < at("Setup") && at("Setup") < at("Aaa"), "{setup}");
}

#[test]
fn the_sitemap_lists_every_page_once() {
    let (sandbox, built) = &*FIXTURE;
    let sitemap = sandbox.read("sitemap.xml");
    let urls: BTreeSet<&str> = sitemap
        .lines()
        .filter_map(|line| line.trim().strip_prefix("<url><loc>")?.strip_suffix("</loc></url>"))
        .collect();
    // The health page is for the author.
    assert_eq!(urls.len() as u64, built.number("total_pages") - 1);
    assert_eq!(urls.len(), sitemap.matches("<url>").count());
    for url in ["https://example.org/docs/", "https://example.org/docs/guide/setup.html"] {
        assert!(urls.contains(url), "{url} in {sitemap}");
    }
}

#[test]
fn the_search_index_has_the_text_of_every_document() {
    let index = FIXTURE.0.read("search-index.json");
    let mut pages: Vec<Value> = serde_json::from_str(&index).unwrap();
    assert_eq!(pages.len(), 5);
    let setup = pages.iter_mut().find(|page| page["path"] == "guide/setup.html").unwrap();
    let text = setup["text"].take();
    assert!(text.as_str().unwrap().starts_with("Setup On Linux Type make."), "{text}");
    let expected = json!({
        "title": "Setup", "path": "guide/setup.html", "section": "Guide", "tags": ["c"],
        "headings": ["On Linux", "On Linux"], "text": null,
    });
    assert_eq!(*setup, expected);
}

#[test]
fn the_health_page_lists_exactly_the_broken_links() {
    let (sandbox, built) = &*FIXTURE;
    let expected = [
        "notes.md: broken_link ../../secret.txt",
        "notes.md: broken_link missing.md",
        "notes.md: broken_anchor guide/setup.md#on-plan-9",
    ];
    assert_eq!(sandbox.findings(), expected);
    assert_eq!(built.number("health_findings"), 3);
    let entry = "<a href=\"notes.html\">broken link: missing.md</a>";
    sandbox.assert_contains("health.html", &[entry]);
}

#[test]
fn a_piped_summary_is_plain_text_in_eighty_columns() {
    let text = &FIXTURE.1.output;
    assert!(!text.contains('\x1b'), "{text:?}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for start in ["static-site  11 pages in ", "phase ", "unattributed ", "speed ", "memory "] {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start} in {text}");
    }
    assert!(text.ends_with("records  .build-metrics/history.jsonl\n"), "{text}");
}

#[test]
fn the_phases_and_the_unattributed_rest_add_up_to_the_build() {
    let built = &FIXTURE.1;
    let phases = built.phases();
    let time = phases.values().filter_map(|phase| phase["build_thread_self_ms"].as_f64());
    let sum = time.sum::<f64>() + built.record["unattributed"]["build_thread_ms"].as_f64().unwrap();
    let whole = built.record["build_time_ms"].as_f64().unwrap();
    assert!((sum - whole).abs() <= whole * 0.01, "{sum} is not {whole}");
    let bytes = phases.values().filter_map(|phase| phase["self_alloc_bytes"].as_u64());
    let rest = built.record["unattributed"]["alloc_bytes"].as_u64().unwrap();
    let whole = built.number("alloc_bytes");
    assert_eq!(bytes.sum::<u64>() + rest, whole);
    assert!(rest * 20 <= whole, "{rest} of {whole}");
}

#[test]
fn measuring_does_not_change_the_site_and_can_be_switched_off() {
    let sandbox = Sandbox::with_fixture();
    let mut command = sandbox.command();
    command.args(["source", "--out", "site"]).env("BUILD_METRICS", "off");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.starts_with(b"static-site  built, not measured\n"), "{output:?}");
    assert!(!sandbox.path(".build-metrics").exists());
    assert_eq!(sandbox.site(), FIXTURE.0.site());
}

#[test]
fn the_default_output_folder_is_in_the_target_folder() {
    let sandbox = Sandbox::with_fixture();
    let absolute = sandbox.path("elsewhere").to_str().unwrap().to_owned();
    for (target, folder) in [
        (None, "target/static-site"),
        (Some(""), "target/static-site"),
        (Some("built"), "built/static-site"),
        (Some(&*absolute), "elsewhere/static-site"),
    ] {
        let mut command = sandbox.command();
        command.arg("source").env_remove("CARGO_TARGET_DIR");
        command.envs(target.map(|value| ("CARGO_TARGET_DIR", value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(sandbox.path(folder).join("index.html").is_file(), "{target:?}");
        fs::remove_dir_all(sandbox.path(folder)).unwrap();
    }
}
