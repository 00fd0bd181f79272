//! A full build of the fixture.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use html5gum::Span;
use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use serde_json::Value;

use crate::workbench::Workbench;

#[test]
fn a_folder_becomes_a_site() {
    let bench = Workbench::with_fixture();
    let built = bench.build(&[]);
    let files: Vec<String> = bench.site().into_keys().collect();
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
fn links_between_documents_lead_to_their_pages() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    let home = bench.read("index.html");
    for link in [
        "<a href=\"guide/index.html\">guide</a>",
        "<a href=\"guide/setup.html#on-linux\">its setup</a>",
        "<a href=\"notes.html\">notes</a>",
        "<img src=\"images/logo.svg\" alt=\"Logo\" />",
        "<a href=\"guide/setup.html\">raw HTML</a> <img src='images/logo.svg'>",
        "<a href=\"https://example.com/a?b=1&amp;c=2\">Elsewhere</a>",
    ] {
        assert!(home.contains(link), "{link} in {home}");
    }
    let setup = bench.read("guide/setup.html");
    assert!(setup.contains("<a href=\"../index.html\">home</a>"), "{setup}");
    let tuning = bench.read("guide/advanced/tuning.html");
    assert!(tuning.contains("<a href=\"../index.html\">the guide</a>"), "{tuning}");
}

#[test]
fn every_link_of_the_finished_site_leads_to_a_file() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    let site = bench.site();
    let mut checked = 0;
    for (name, html) in &site {
        if Path::new(name).extension() != Some("html".as_ref()) {
            continue;
        }
        for link in links(std::str::from_utf8(html).unwrap()) {
            let path = link.split('#').next().unwrap();
            // What the health page says is broken is broken here too.
            if path.is_empty()
                || path.contains("://")
                || ["missing.md", "../../secret.txt"].contains(&path)
            {
                continue;
            }
            let mut place: Vec<&str> = name.split('/').collect();
            place.pop();
            for segment in path.split('/') {
                if segment == ".." {
                    place.pop().unwrap_or_else(|| panic!("{link} in {name} leads out"));
                } else {
                    place.push(segment);
                }
            }
            assert!(site.contains_key(&place.join("/")), "{link} in {name}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

/// All `href` and `src` of a page.
fn links(html: &str) -> Vec<String> {
    let mut is_link = false;
    let emitter = CallbackEmitter::new(move |event: CallbackEvent<'_>, _: Span<()>| match event {
        CallbackEvent::AttributeName { name } => {
            is_link = name == b"href" || name == b"src";
            None
        }
        CallbackEvent::AttributeValue { value } if is_link => {
            Some(String::from_utf8(value.to_vec()).unwrap())
        }
        _ => None,
    });
    let Ok(links) = Tokenizer::new_with_emitter(html, emitter).collect::<Result<Vec<_>, _>>();
    links
}

#[test]
fn pages_are_rendered_with_all_that_their_authors_wrote() {
    let bench = Workbench::with_fixture();
    let notes = fs::read_to_string(bench.path("source/notes.md")).unwrap();
    let code = "```rust,no_run\nfn main() {\n    println!(\"<hello>\"); // said & done\n}\n```\n";
    bench.write("notes.md", notes + "\n" + code);
    bench.build(&[]);
    let notes = bench.read("notes.html");
    for part in [
        "<html lang=\"en-GB\">",
        "<title>Notes &amp; &lt;more&gt; · Fixture</title>",
        "<h1>Notes &amp; &lt;more&gt;</h1>",
        "<td><code>b</code></td>",
        "<span class=k>fn </span><span class=f>main</span>",
        "&lt;hello&gt;",
        "footnote-definition",
        "<a href=\"tags/start.html\">start</a>",
        "<meta name=\"description\" content=\"Some notes with a table, a footnote and no code.\">",
    ] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    let setup = bench.read("guide/setup.html");
    assert_eq!(setup.matches("<h1").count(), 1);
    assert!(setup.contains("<h2 id=\"on-linux\">"), "{setup}");
    assert!(setup.contains("<h2 id=\"on-linux-1\">"), "{setup}");
    assert!(!bench.site().keys().any(|name| name.contains("draft")));
}

#[test]
fn siblings_stand_in_the_order_that_their_authors_gave() {
    let bench = Workbench::with_fixture();
    bench.write("guide/aaa.md", "# Aaa");
    bench.write("guide/zzz.md", "---\norder: 0\n---\n# Zzz");
    bench.build(&[]);
    let setup = bench.read("guide/setup.html");
    let at = |title: &str| setup.find(&format!(">{title}</a></li>")).unwrap();
    assert!(at("Zzz") < at("Setup") && at("Setup") < at("Aaa"), "{setup}");
}

#[test]
fn the_sitemap_names_every_page_once() {
    let bench = Workbench::with_fixture();
    let built = bench.build(&[]);
    let sitemap = bench.read("sitemap.xml");
    let urls: BTreeSet<&str> = sitemap
        .lines()
        .filter_map(|line| line.trim().strip_prefix("<url><loc>")?.strip_suffix("</loc></url>"))
        .collect();
    // All but the health page, which is for the author.
    assert_eq!(urls.len() as u64, built.number("total_pages") - 1);
    assert_eq!(urls.len(), sitemap.matches("<url>").count());
    for url in ["https://example.org/docs/", "https://example.org/docs/guide/setup.html"] {
        assert!(urls.contains(url), "{url} in {sitemap}");
    }
}

#[test]
fn the_search_index_knows_the_text_of_every_document() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    let index: Value = serde_json::from_str(&bench.read("search-index.json")).unwrap();
    let pages = index.as_array().unwrap();
    assert_eq!(pages.len(), 5);
    let setup = pages.iter().find(|page| page["path"] == "guide/setup.html").unwrap();
    assert_eq!(setup["title"], "Setup");
    assert_eq!(setup["section"], "Guide");
    assert_eq!(setup["tags"], serde_json::json!(["c"]));
    assert_eq!(setup["headings"], serde_json::json!(["On Linux", "On Linux"]));
    assert!(setup["text"].as_str().unwrap().starts_with("Setup On Linux Type make."));
}

#[test]
fn health_names_what_is_broken_and_nothing_else() {
    let bench = Workbench::with_fixture();
    let built = bench.build(&[]);
    assert_eq!(
        bench.findings(),
        [
            "notes.md: broken_link ../../secret.txt",
            "notes.md: broken_link missing.md",
            "notes.md: broken_anchor guide/setup.md#on-plan-9",
        ]
    );
    assert_eq!(built.number("health_findings"), 3);
    let page = bench.read("health.html");
    assert!(page.contains("<a href=\"notes.html\">broken link: missing.md</a>"), "{page}");
}

#[test]
fn the_summary_is_plain_text_of_eighty_columns_when_piped() {
    let bench = Workbench::with_fixture();
    let text = bench.build(&[]).output;
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
fn shares_of_own_phases_and_unattributed_make_the_build() {
    let bench = Workbench::with_fixture();
    let record = bench.build(&[]).record;
    let phases = record["phases"].as_array().unwrap();
    let own: f64 = phases.iter().filter_map(|phase| phase["build_thread_self_ms"].as_f64()).sum();
    let rest = record["unattributed"]["build_thread_ms"].as_f64().unwrap();
    let whole = record["build_time_ms"].as_f64().unwrap();
    assert!((own + rest - whole).abs() <= whole * 0.01, "{own} + {rest} is not {whole}");
    let bytes: u64 = phases.iter().filter_map(|phase| phase["self_alloc_bytes"].as_u64()).sum();
    let rest = record["unattributed"]["alloc_bytes"].as_u64().unwrap();
    assert_eq!(bytes + rest, record["alloc_bytes"].as_u64().unwrap());
    assert!(rest * 20 <= bytes + rest, "{rest} of {bytes}");
}

#[test]
fn without_measuring_the_site_is_the_same_and_nothing_is_recorded() {
    let bench = Workbench::with_fixture();
    bench.build(&[]);
    let measured = bench.site();
    fs::remove_dir_all(bench.path("site")).unwrap();
    fs::remove_dir_all(bench.path(".build-metrics")).unwrap();
    let mut command = bench.command();
    command.args(["source", "--out", "site"]).env("BUILD_METRICS", "off");
    let output = command.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("static-site  built, not measured\n"), "{text}");
    assert!(!bench.path(".build-metrics").exists());
    assert_eq!(bench.site(), measured);
}

#[test]
fn without_a_place_for_the_site_it_goes_where_cargo_builds() {
    let bench = Workbench::with_fixture();
    let absolute = bench.path("elsewhere").to_str().unwrap().to_owned();
    for (target, place) in [
        (None, "target/static-site"),
        (Some(""), "target/static-site"),
        (Some("built"), "built/static-site"),
        (Some(&*absolute), "elsewhere/static-site"),
    ] {
        let mut command = bench.command();
        command.arg("source").env_remove("CARGO_TARGET_DIR");
        command.envs(target.map(|folder| ("CARGO_TARGET_DIR", folder)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(bench.path(place).join("index.html").is_file(), "{target:?}");
        fs::remove_dir_all(bench.path(place)).unwrap();
    }
}
