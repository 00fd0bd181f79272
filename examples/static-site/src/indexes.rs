//! What machines read of a site: the sitemap, and the index for its search.

use std::fmt::Write as _;

use perf_runtime::tracked_phase;
use pulldown_cmark_escape::escape_html;
use serde::Serialize;

use crate::arrange::{SEARCH_INDEX, SITEMAP};
use crate::document::Facts;
use crate::paths::SitePath;
use crate::render::Scene;
use crate::write::Output;

/// `sitemap.xml`, as sitemaps.org 0.9 defines it.
#[tracked_phase]
pub(crate) fn sitemap(scene: Scene<'_>, base_url: &str) -> Output {
    let pages = &scene.arrangement.pages;
    let mut xml = String::with_capacity(128 + pages.len() * (64 + base_url.len()));
    xml.push_str(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for page in pages {
        xml.push_str("  <url><loc>");
        escape_html(&mut xml, &page.path.url(base_url)).expect("a String takes all");
        writeln!(xml, "</loc></url>").expect("a String takes all");
    }
    xml.push_str("</urlset>\n");
    Output::made(scene, SITEMAP, xml.into_bytes())
}

/// What a search knows of a page.
#[derive(Serialize)]
struct Searched<'a> {
    title: &'a str,
    path: &'a SitePath,
    section: &'a str,
    tags: &'a [String],
    headings: Vec<&'a str>,
    text: &'a str,
}

/// `search-index.json`: an array with one object for each regular page.
#[tracked_phase("search-index")]
pub(crate) fn search_index(scene: Scene<'_>, facts: &[Option<Facts>]) -> Output {
    let source = scene.source;
    let searched: Vec<Searched<'_>> = scene
        .arrangement
        .pages
        .iter()
        .filter_map(|page| {
            let document = page.document?;
            let facts = facts[document].as_ref()?;
            Some(Searched {
                title: &page.view.title,
                path: &page.path,
                section: &source.sections[source.documents[document].section].title,
                tags: &facts.front_matter.tags,
                headings: facts.outline.iter().map(|h| h.text.as_str()).collect(),
                text: facts.text.trim(),
            })
        })
        .collect();
    let json = serde_json::to_vec(&searched).expect("the index is made of strings");
    Output::made(scene, SEARCH_INDEX, json)
}
