//! The plan of a site: its pages, their paths, and what each shows besides its text.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use perf_runtime::tracked_phase;
use serde::Serialize;

use crate::discover::{Package, Section, Source, SourceFile, title_from_name};
use crate::document::{DocumentInfo, Heading};
use crate::health::{Finding, Problem};
use crate::links::Resolver;
use crate::paths::{SitePath, TakenPaths, slug};

/// Files that every site has; no page or asset can have these paths.
pub(crate) const STYLE_SHEET: &str = "style.css";
pub(crate) const SITEMAP: &str = "sitemap.xml";
pub(crate) const SEARCH_INDEX: &str = "search-index.json";
pub(crate) const HEALTH_PAGE: &str = "health.html";
pub(crate) const HEALTH_REPORT: &str = "health.json";

/// The site before it is rendered.
#[derive(Debug)]
pub(crate) struct SitePlan<'s> {
    /// Regular pages in the order of their documents, then generated ones.
    pub(crate) pages: Vec<Page<'s>>,
    /// One per asset of the source.
    pub(crate) asset_paths: Vec<SitePath>,
    pub(crate) resolver: Resolver<'s>,
    pub(crate) findings: Vec<Finding>,
    /// The health page without its findings.
    pub(crate) health: PageView<'s>,
    /// How many sections have pages.
    pub(crate) sections: u64,
    /// How many terms all taxonomies have.
    pub(crate) terms: u64,
}

/// A page to be rendered.
#[derive(Debug)]
pub(crate) struct Page<'s> {
    pub(crate) path: SitePath,
    pub(crate) template: &'static str,
    /// The document that it shows; none for a generated page.
    pub(crate) document: Option<usize>,
    pub(crate) view: PageView<'s>,
}

/// What a template can show.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct PageView<'s> {
    pub(crate) title: String,
    pub(crate) description: String,
    /// The start of a link to the site's root.
    pub(crate) root: String,
    /// Whether the text has no title of its own.
    pub(crate) shows_title: bool,
    /// The sections above this page, outermost first.
    pub(crate) trail: Vec<NavLink>,
    /// The pages of the same section.
    pub(crate) siblings: Vec<NavLink>,
    pub(crate) tags: Vec<NavLink>,
    pub(crate) outline: &'s [Heading],
    pub(crate) package: Option<&'s Package>,
    pub(crate) taxonomies: Vec<NavLink>,
    pub(crate) groups: Vec<LinkGroup>,
}

/// A link in a template.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct NavLink {
    pub(crate) title: String,
    pub(crate) href: String,
    /// Whether it points to the page that contains it.
    pub(crate) current: bool,
    pub(crate) note: String,
}

/// Links under a heading.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LinkGroup {
    pub(crate) title: String,
    pub(crate) entries: Vec<NavLink>,
}

/// Plans the site. `infos` has one entry per document, `None` for those that cannot be read.
#[tracked_phase("arrange")]
pub(crate) fn arrange<'s>(
    source: &'s Source,
    infos: &'s [Option<DocumentInfo>],
    site_title: &str,
) -> SitePlan<'s> {
    let mut planner = Planner::new(source, infos);
    planner.place_documents();
    let asset_paths = planner.place_assets();
    planner.place_sections(site_title);
    planner.place_taxonomies();
    planner.finish(asset_paths)
}

/// A page that others link to.
#[derive(Debug, Clone)]
struct Entry {
    title: String,
    path: SitePath,
    note: String,
}

impl Entry {
    fn link_from(&self, page: &SitePath) -> NavLink {
        NavLink {
            title: self.title.clone(),
            href: self.path.href_from(page),
            current: self.path == *page,
            note: self.note.clone(),
        }
    }
}

/// A way to group pages: an index of terms, and the pages of each term.
struct Taxonomy {
    index: Entry,
    terms: Vec<(Entry, Vec<Entry>)>,
}

/// A section that has pages.
struct PlacedSection {
    index: Entry,
    /// The documents of the section in reading order.
    members: Vec<usize>,
    /// Whether the index is a document instead of a generated page.
    is_document: bool,
}

/// The site while it is being planned.
struct Planner<'s> {
    source: &'s Source,
    infos: &'s [Option<DocumentInfo>],
    taken: TakenPaths,
    resolver: Resolver<'s>,
    findings: Vec<Finding>,
    /// One per document; `None` for those without a page.
    documents: Vec<Option<Entry>>,
    /// One per section of the source; `None` for those without pages.
    sections: Vec<Option<PlacedSection>>,
    taxonomies: Vec<Taxonomy>,
    /// The terms of each page that has some.
    terms_by_page: HashMap<SitePath, Vec<Entry>>,
}

impl<'s> Planner<'s> {
    fn new(source: &'s Source, infos: &'s [Option<DocumentInfo>]) -> Self {
        let mut taken = TakenPaths::default();
        for reserved in [STYLE_SHEET, SITEMAP, SEARCH_INDEX, HEALTH_PAGE, HEALTH_REPORT] {
            taken.claim(SitePath::from_segments([reserved]));
        }
        Self {
            source,
            infos,
            taken,
            resolver: Resolver::default(),
            findings: Vec::new(),
            documents: Vec::with_capacity(infos.len()),
            sections: Vec::with_capacity(source.sections.len()),
            taxonomies: Vec::new(),
            terms_by_page: HashMap::new(),
        }
    }

    /// Takes the wanted path for the file `name`, or another one and reports it.
    fn claim(&mut self, name: &str, wanted: SitePath) -> SitePath {
        let place = self.taken.claim(wanted.clone());
        if place != wanted {
            let problem = Problem::Collision { wanted, place: place.clone() };
            self.findings.push(Finding::new(name, problem));
        }
        place
    }

    fn place_documents(&mut self) {
        let source = self.source;
        let names: HashSet<&str> = source.documents.iter().map(|file| file.name.as_str()).collect();
        for (document, info) in source.documents.iter().zip(self.infos) {
            let Some(info) = info.as_ref().filter(|info| !info.front_matter.draft) else {
                self.documents.push(None);
                continue;
            };
            let section = &source.sections[document.section];
            let within = &document.name[section.prefix.len()..];
            let (folders, file) = within.rsplit_once('/').unwrap_or(("", within));
            let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            let is_index = section.package.is_none()
                && (stem.eq_ignore_ascii_case("index")
                    || stem.eq_ignore_ascii_case("readme")
                        && !names.contains(format!("{}index.md", section.prefix).as_str()));
            let last = match &info.front_matter.slug {
                Some(own) => slug(own),
                None if is_index => "index".to_owned(),
                None => slug(stem),
            };
            let wanted = page_path(&format!("{}{folders}", section.prefix), &last);
            let path = self.claim(&document.name, wanted);
            self.resolver.add(document.name.as_str(), path.clone());
            let title = title_of(stem, info, section);
            self.documents.push(Some(Entry { title, path, note: info.description.clone() }));
        }
    }

    fn place_assets(&mut self) -> Vec<SitePath> {
        let source = self.source;
        let place = |asset: &'s SourceFile| {
            let has_extension = Path::new(&asset.name).extension().is_some();
            // A browser shows a `.txt` file, and offers to save a file without an extension.
            let extension = match source.sections[asset.section].package {
                Some(_) if !has_extension => ".txt",
                _ => "",
            };
            let wanted = SitePath::from_segments(format!("{}{extension}", asset.name).split('/'));
            let path = self.claim(&asset.name, wanted);
            self.resolver.add(asset.name.as_str(), path.clone());
            path
        };
        source.assets.iter().map(place).collect()
    }

    /// Gives each section that has pages an index: a document or a generated page.
    fn place_sections(&mut self, site_title: &str) {
        let mut members_by_section = vec![Vec::new(); self.source.sections.len()];
        for (index, document) in self.source.documents.iter().enumerate() {
            if self.documents[index].is_some() {
                members_by_section[document.section].push(index);
            }
        }
        for (number, (section, mut members)) in
            self.source.sections.iter().zip(members_by_section).enumerate()
        {
            // The root always has an index: visitors arrive there. So does a package without
            // documents.
            if members.is_empty() && number != 0 && section.package.is_none() {
                self.sections.push(None);
                continue;
            }
            let entry = |member: usize| self.documents[member].as_ref().expect("a placed member");
            members.sort_by_cached_key(|&member| {
                let order = self.infos[member].as_ref().and_then(|info| info.front_matter.order);
                let title = entry(member).title.clone();
                (order.unwrap_or(i64::MAX), title != "Readme", title)
            });
            let document = members
                .iter()
                .map(|&member| entry(member))
                .find(|member| section.package.is_none() && member.path.is_index());
            let is_document = document.is_some();
            let index = document.cloned().unwrap_or_else(|| Entry {
                title: if number == 0 { site_title } else { &section.title }.to_owned(),
                path: self.claim(&section.prefix, page_path(&section.prefix, "index")),
                note: match &section.package {
                    Some(package) => package.description.clone(),
                    None => counted(members.len(), "page"),
                },
            });
            self.resolver.add(section.prefix.as_str(), index.path.clone());
            self.sections.push(Some(PlacedSection { index, members, is_document }));
        }
    }

    /// Collects the terms: the tags of documents, and the keywords and licences of packages.
    fn place_taxonomies(&mut self) {
        let mut found: BTreeMap<&'static str, BTreeMap<String, Vec<Entry>>> = BTreeMap::new();
        let mut add = |taxonomy, term: &str, entry: &Entry| {
            let term = term.trim();
            if !term.is_empty() {
                let terms = found.entry(taxonomy).or_default();
                let members = terms.entry(term.to_owned()).or_default();
                // A page may have the same tag twice.
                if members.last().is_none_or(|last| last.path != entry.path) {
                    members.push(entry.clone());
                }
            }
        };
        for (section, placed) in self.source.sections.iter().zip(&self.sections) {
            if let (Some(package), Some(placed)) = (&section.package, placed) {
                for keyword in &package.keywords {
                    add("keywords", &keyword.to_lowercase(), &placed.index);
                }
                for licence in &package.licences {
                    add("licences", licence, &placed.index);
                }
            }
        }
        for (entry, info) in self.documents.iter().zip(self.infos) {
            if let (Some(entry), Some(info)) = (entry, info) {
                for tag in &info.front_matter.tags {
                    add("tags", tag, entry);
                }
            }
        }
        for (name, terms) in found {
            let path = self.claim(name, page_path(name, "index"));
            let note = counted(terms.len(), "term");
            let index = Entry { title: title_from_name(name), path, note };
            let mut taxonomy = Taxonomy { index, terms: Vec::with_capacity(terms.len()) };
            for (title, members) in terms {
                // Terms that differ only in punctuation are not reported: authors do not link to
                // them.
                let path = self.taken.claim(page_path(name, &slug(&title)));
                let term = Entry { title, path, note: counted(members.len(), "page") };
                for member in &members {
                    let terms = self.terms_by_page.entry(member.path.clone()).or_default();
                    terms.push(term.clone());
                }
                taxonomy.terms.push((term, members));
            }
            self.taxonomies.push(taxonomy);
        }
    }

    /// Makes the pages, after everything has its path.
    fn finish(self, asset_paths: Vec<SitePath>) -> SitePlan<'s> {
        let mut pages = Vec::with_capacity(self.documents.len() + 2 * self.sections.len());
        for (index, entry) in self.documents.iter().enumerate() {
            if let Some(entry) = entry {
                pages.push(self.regular_page(index, entry));
            }
        }
        for (section, placed) in self.source.sections.iter().zip(&self.sections) {
            if let Some(placed) = placed.as_ref().filter(|placed| !placed.is_document) {
                pages.push(self.section_page(section, placed));
            }
        }
        for Taxonomy { index, terms } in &self.taxonomies {
            let trail = self.trail("", &index.path);
            pages.push(self.list_page(index, trail, terms.iter().map(|(term, _)| term)));
            for (term, members) in terms {
                let mut trail = self.trail("", &term.path);
                trail.push(index.link_from(&term.path));
                pages.push(self.list_page(term, trail, members));
            }
        }
        let health = Entry {
            title: "Health".to_owned(),
            path: SitePath::from_segments([HEALTH_PAGE]),
            note: "Problems in the sources of this site.".to_owned(),
        };
        let trail = self.trail("", &health.path);
        SitePlan {
            pages,
            asset_paths,
            health: PageView { trail, ..self.view(&health) },
            sections: self.sections.iter().flatten().count() as u64,
            terms: self.taxonomies.iter().map(|taxonomy| taxonomy.terms.len() as u64).sum(),
            resolver: self.resolver,
            findings: self.findings,
        }
    }

    /// What all pages show.
    fn view(&self, entry: &Entry) -> PageView<'s> {
        let taxonomies = self.taxonomies.iter().map(|taxonomy| NavLink {
            note: String::new(),
            ..taxonomy.index.link_from(&entry.path)
        });
        PageView {
            title: entry.title.clone(),
            description: entry.note.clone(),
            root: entry.path.to_root(),
            taxonomies: taxonomies.collect(),
            ..PageView::default()
        }
    }

    fn regular_page(&self, index: usize, entry: &Entry) -> Page<'s> {
        let info = self.infos[index].as_ref().expect("a page has a document");
        let section = self.source.section_of(index);
        let mut view = self.view(entry);
        view.outline = &info.outline;
        view.shows_title = !info.has_title;
        view.trail = self.trail(&section.prefix, &entry.path);
        view.package = section.package.as_ref();
        view.siblings = self.sections[self.source.documents[index].section]
            .as_ref()
            .map_or_else(Vec::new, |placed| self.member_links(placed, &entry.path));
        if entry.path.is_index() {
            view.groups.extend(self.sections_below(&section.prefix, &entry.path));
        }
        view.tags = self.term_links(&entry.path);
        Page { path: entry.path.clone(), template: "page.html", document: Some(index), view }
    }

    fn section_page(&self, section: &'s Section, placed: &PlacedSection) -> Page<'s> {
        let path = &placed.index.path;
        let mut view = self.view(&placed.index);
        view.trail = self.trail(&section.prefix, path);
        let entries = self.member_links(placed, path);
        if !entries.is_empty() {
            view.groups.push(LinkGroup { title: "Pages".to_owned(), entries });
        }
        view.groups.extend(self.sections_below(&section.prefix, path));
        view.tags = self.term_links(path);
        if let Some(package) = &section.package {
            view.package = Some(package);
            view.title = format!("{} {}", package.name, package.version);
        }
        Page { path: path.clone(), template: "section.html", document: None, view }
    }

    /// A page of a taxonomy: a list of terms, or of the pages of a term.
    fn list_page<'e>(
        &self,
        entry: &Entry,
        trail: Vec<NavLink>,
        listed: impl IntoIterator<Item = &'e Entry>,
    ) -> Page<'s> {
        let entries = listed.into_iter().map(|other| other.link_from(&entry.path)).collect();
        let groups = vec![LinkGroup { title: String::new(), entries }];
        let view = PageView { trail, groups, ..self.view(entry) };
        Page { path: entry.path.clone(), template: "section.html", document: None, view }
    }

    fn member_links(&self, placed: &PlacedSection, page: &SitePath) -> Vec<NavLink> {
        let entries = placed.members.iter().filter_map(|&member| self.documents[member].as_ref());
        entries.map(|entry| entry.link_from(page)).collect()
    }

    fn term_links(&self, page: &SitePath) -> Vec<NavLink> {
        let terms = self.terms_by_page.get(page).into_iter().flatten();
        terms.map(|term| term.link_from(page)).collect()
    }

    /// The indexes of the sections above a page, outermost first.
    fn trail(&self, prefix: &str, page: &SitePath) -> Vec<NavLink> {
        let sections = self.source.sections.iter().zip(&self.sections);
        sections
            .filter(|(section, _)| prefix.starts_with(&section.prefix))
            .filter_map(|(_, placed)| Some(&placed.as_ref()?.index))
            .filter(|index| index.path != *page)
            .map(|index| index.link_from(page))
            .collect()
    }

    fn sections_below(&self, prefix: &str, page: &SitePath) -> Option<LinkGroup> {
        let is_below = |other: &str| other.len() > prefix.len() && other.starts_with(prefix);
        let sections = self.source.sections.iter().zip(&self.sections);
        let below = sections.filter(|(section, _)| is_below(&section.prefix));
        let has_packages = below.clone().any(|(section, _)| section.package.is_some());
        let placed = below.filter_map(|(_, placed)| placed.as_ref());
        let entries: Vec<_> = placed.map(|placed| placed.index.link_from(page)).collect();
        let title = if has_packages { "Packages" } else { "Sections" }.to_owned();
        (!entries.is_empty()).then_some(LinkGroup { title, entries })
    }
}

/// The path of a page in the folders of `prefix`.
fn page_path(prefix: &str, name: &str) -> SitePath {
    let folders = prefix.split('/').filter(|folder| !folder.is_empty());
    let mut segments: Vec<String> = folders.map(slug).collect();
    segments.push(format!("{name}.html"));
    SitePath::from_segments(segments.iter().map(String::as_str))
}

/// The title from the front matter, else the first heading, else the name of the file. In a
/// package the heading is not used: most READMEs have the name of the package there.
fn title_of(stem: &str, info: &DocumentInfo, section: &Section) -> String {
    let heading = || info.heading.clone().filter(|_| section.package.is_none());
    info.front_matter.title.clone().or_else(heading).unwrap_or_else(|| {
        let is_uppercase = !stem.chars().any(char::is_lowercase);
        title_from_name(&if is_uppercase { stem.to_lowercase() } else { stem.to_owned() })
    })
}

fn counted(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}
