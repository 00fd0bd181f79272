//! Files for machines: the sitemap and the search index.

use std::fmt::Write as _;

use perf_runtime::tracked_phase;
use pulldown_cmark_escape::escape_html;
use serde::Serialize;

use crate::BuildContext;
use crate::arrange::{SEARCH_INDEX, SITEMAP};
use crate::document::DocumentInfo;
use crate::output::Output;
use crate::paths::SitePath;

/// `sitemap.xml`, as sitemaps.org 0.9 defines it.
#[tracked_phase("sitemap")]
pub(crate) fn sitemap(build: BuildContext<'_>, base_url: &str) -> Output {
    let pages = &build.plan.pages;
    let mut xml = String::with_capacity(128 + pages.len() * (64 + base_url.len()));
    xml.push_str(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for page in pages {
        xml.push_str("  <url><loc>");
        escape_html(&mut xml, &page.path.url(base_url)).expect("writing to a String succeeds");
        writeln!(xml, "</loc></url>").expect("writing to a String succeeds");
    }
    xml.push_str("</urlset>\n");
    Output::from_bytes(build, SITEMAP, xml.into_bytes())
}

/// An entry of the search index.
#[derive(Serialize)]
struct SearchEntry<'a> {
    title: &'a str,
    path: &'a SitePath,
    section: &'a str,
    tags: &'a [String],
    headings: Vec<&'a str>,
    text: &'a str,
}

/// `search-index.json`: an array with one object per regular page.
#[tracked_phase("search-index")]
pub(crate) fn search_index(build: BuildContext<'_>, infos: &[Option<DocumentInfo>]) -> Output {
    let entries = build.plan.pages.iter().filter_map(|page| {
        let info = infos[page.document?].as_ref()?;
        Some(SearchEntry {
            title: &page.view.title,
            path: &page.path,
            section: &build.source.section_of(page.document?).title,
            tags: &info.front_matter.tags,
            headings: info.outline.iter().map(|heading| heading.text.as_str()).collect(),
            text: info.text.trim(),
        })
    });
    let entries: Vec<_> = entries.collect();
    let json = serde_json::to_vec(&entries).expect("the index is made of strings");
    Output::from_bytes(build, SEARCH_INDEX, json)
}
