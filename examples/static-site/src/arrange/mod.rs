//! Which pages the site has, where each goes, and what each shows besides its text.

mod places;
mod views;

use perf_runtime::tracked_phase;
use serde::Serialize;

use crate::discover::{Package, Source};
use crate::document::{Facts, Heading};
use crate::health::Finding;
use crate::links::Resolver;
use crate::paths::SitePath;
use places::Planner;

/// Files of the site that are not made from a page; nobody else can have their places.
pub(crate) const STYLE_SHEET: &str = "style.css";
pub(crate) const SITEMAP: &str = "sitemap.xml";
pub(crate) const SEARCH_INDEX: &str = "search-index.json";
pub(crate) const HEALTH_PAGE: &str = "health.html";
pub(crate) const HEALTH_REPORT: &str = "health.json";

/// The site before it is rendered.
#[derive(Debug)]
pub(crate) struct Arrangement<'s> {
    /// Regular pages in the order of their documents, then generated ones.
    pub(crate) pages: Vec<Page<'s>>,
    /// The place of each asset of the source.
    pub(crate) assets: Vec<SitePath>,
    pub(crate) resolver: Resolver<'s>,
    pub(crate) findings: Vec<Finding>,
    /// The health page, before anything is found.
    pub(crate) health: View<'s>,
    /// Sections that have pages.
    pub(crate) sections: u64,
    /// Terms of all taxonomies.
    pub(crate) terms: u64,
}

/// A page to be rendered.
#[derive(Debug)]
pub(crate) struct Page<'s> {
    pub(crate) path: SitePath,
    pub(crate) template: &'static str,
    /// The document that it shows; none for a generated page.
    pub(crate) document: Option<usize>,
    pub(crate) view: View<'s>,
}

/// What a template can show.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct View<'s> {
    pub(crate) title: String,
    pub(crate) description: String,
    /// What stands before a link to the site's root.
    pub(crate) root: String,
    /// Whether the text lacks a heading of its own.
    pub(crate) shows_title: bool,
    /// From the root of the site down to this page, itself excluded.
    pub(crate) trail: Vec<Reference>,
    /// The pages of the same section.
    pub(crate) siblings: Vec<Reference>,
    pub(crate) tags: Vec<Reference>,
    pub(crate) outline: &'s [Heading],
    pub(crate) package: Option<&'s Package>,
    pub(crate) taxonomies: Vec<Reference>,
    pub(crate) groups: Vec<Group>,
}

/// A link in a template.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Reference {
    pub(crate) title: String,
    pub(crate) href: String,
    /// Whether it is the page that it stands on.
    pub(crate) current: bool,
    /// What is said beside it.
    pub(crate) note: String,
}

/// Links under a heading.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) entries: Vec<Reference>,
}

/// Plans the site out of the source and what its documents say; `facts` has one for each
/// document, none for those that cannot be read.
#[tracked_phase]
pub(crate) fn arrange<'s>(
    source: &'s Source,
    facts: &'s [Option<Facts>],
    site_title: &str,
) -> Arrangement<'s> {
    let mut planner = Planner::new(source, facts);
    planner.place_documents();
    let assets = planner.place_assets();
    planner.place_sections(site_title);
    planner.place_taxonomies();
    planner.finish(assets)
}
