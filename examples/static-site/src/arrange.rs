//! Which pages the site has, where each goes, and what each shows besides its text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use perf_runtime::tracked_phase;
use serde::Serialize;

use crate::discover::{Package, Section, Source, title_of_name};
use crate::document::{Facts, Heading};
use crate::health::{Finding, Problem};
use crate::links::Resolver;
use crate::paths::{Claims, SitePath, slug};

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

/// A page that others link to.
#[derive(Debug, Clone)]
struct Entry {
    title: String,
    path: SitePath,
    note: String,
}

impl Entry {
    fn seen_from(&self, page: &SitePath) -> Reference {
        Reference {
            title: self.title.clone(),
            href: self.path.href_from(page),
            current: self.path == *page,
            note: self.note.clone(),
        }
    }
}

/// A way to group pages: the name of it, and under each term its pages.
struct Taxonomy {
    name: &'static str,
    index: SitePath,
    terms: Vec<(Entry, Vec<usize>)>,
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

struct Planner<'s> {
    source: &'s Source,
    facts: &'s [Option<Facts>],
    claims: Claims,
    resolver: Resolver<'s>,
    findings: Vec<Finding>,
    /// For each document that has a page, its entry.
    documents: Vec<Option<Entry>>,
    /// For each section that has pages: its index, and its documents in reading order.
    sections: Vec<Option<(Entry, Vec<usize>)>>,
    /// Sections whose index is a document.
    indexed: BTreeSet<usize>,
    taxonomies: Vec<Taxonomy>,
}

impl<'s> Planner<'s> {
    fn new(source: &'s Source, facts: &'s [Option<Facts>]) -> Self {
        let mut claims = Claims::default();
        for reserved in [STYLE_SHEET, SITEMAP, SEARCH_INDEX, HEALTH_PAGE, HEALTH_REPORT] {
            claims.claim(SitePath::from_segments([reserved]));
        }
        Self {
            source,
            facts,
            claims,
            resolver: Resolver::default(),
            findings: Vec::new(),
            documents: Vec::with_capacity(facts.len()),
            sections: vec![None; source.sections.len()],
            indexed: BTreeSet::new(),
            taxonomies: Vec::new(),
        }
    }

    fn claim(&mut self, name: &str, wanted: SitePath) -> SitePath {
        let place = self.claims.claim(wanted.clone());
        if place != wanted {
            self.findings.push(Finding {
                page: name.to_owned(),
                problem: Problem::Collision { wanted, place: place.clone() },
            });
        }
        place
    }

    fn place_documents(&mut self) {
        let source = self.source;
        let names: BTreeSet<&str> = source.documents.iter().map(|d| d.name.as_str()).collect();
        for (document, facts) in source.documents.iter().zip(self.facts) {
            let Some(facts) = facts.as_ref().filter(|facts| !facts.front_matter.draft) else {
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
            let own_slug = facts.front_matter.slug.as_deref();
            let last = match own_slug {
                Some(own) => slug(own),
                None if is_index => "index".to_owned(),
                None => slug(stem),
            };
            let mut segments = slugs(&section.prefix);
            segments.extend(slugs(folders));
            segments.push(format!("{last}.html"));
            let wanted = SitePath::from_segments(segments.iter().map(String::as_str));
            let path = self.claim(&document.name, wanted);
            let title = title_of(stem, facts, section);
            if is_index && own_slug.is_none() && path.as_str().ends_with("index.html") {
                self.indexed.insert(document.section);
            }
            self.resolver.add(document.name.as_str(), path.clone());
            self.documents.push(Some(Entry { title, path, note: facts.description.clone() }));
        }
    }

    fn place_assets(&mut self) -> Vec<SitePath> {
        let source = self.source;
        let mut places = Vec::with_capacity(source.assets.len());
        for asset in &source.assets {
            let has_extension = Path::new(&asset.name).extension().is_some();
            let is_package = source.sections[asset.section].package.is_some();
            // A browser shows a text that says it is one, and saves what says nothing.
            let wanted = if is_package && !has_extension {
                SitePath::from_segments(format!("{}.txt", asset.name).split('/'))
            } else {
                SitePath::from_segments(asset.name.split('/'))
            };
            let path = self.claim(&asset.name, wanted);
            self.resolver.add(asset.name.as_str(), path.clone());
            places.push(path);
        }
        places
    }

    /// Gives each section that has pages an index, be it a document or a generated page.
    fn place_sections(&mut self, site_title: &str) {
        let mut members = vec![Vec::new(); self.source.sections.len()];
        for (index, document) in self.source.documents.iter().enumerate() {
            if self.documents[index].is_some() {
                members[document.section].push(index);
            }
        }
        for (index, (section, mut members)) in self.source.sections.iter().zip(members).enumerate()
        {
            // The root always has an index: it is where a visitor arrives. So has a package
            // without a document.
            if members.is_empty() && index != 0 && section.package.is_none() {
                continue;
            }
            let facts = self.facts;
            members.sort_by_key(|&document| {
                let order = facts[document].as_ref().and_then(|facts| facts.front_matter.order);
                let entry = self.documents[document].as_ref();
                let title = entry.map(|entry| entry.title.clone());
                let is_readme = title.as_deref() == Some("Readme");
                (order.unwrap_or(i64::MAX), !is_readme, title)
            });
            let own = self.indexed.contains(&index).then(|| {
                let is_index = |&&document: &&usize| {
                    let entry = self.documents[document].as_ref();
                    entry.is_some_and(|entry| entry.path.as_str().ends_with("index.html"))
                };
                members.iter().find(is_index).copied()
            });
            let entry = if let Some(document) = own.flatten() {
                self.documents[document].clone().expect("members have entries")
            } else {
                let mut segments = slugs(&section.prefix);
                segments.push("index.html".to_owned());
                let wanted = SitePath::from_segments(segments.iter().map(String::as_str));
                let title = if index == 0 { site_title } else { &section.title };
                Entry {
                    title: title.to_owned(),
                    path: self.claim(&section.prefix, wanted),
                    note: match &section.package {
                        Some(package) => package.description.clone(),
                        None => counted(members.len(), "page"),
                    },
                }
            };
            self.resolver.add(section.prefix.as_str(), entry.path.clone());
            self.sections[index] = Some((entry, members));
        }
    }

    /// Collects the terms: a folder's tags, or the packages' keywords and licences.
    fn place_taxonomies(&mut self) {
        let mut found: BTreeMap<&'static str, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
        let mut add = |taxonomy, term: &str, member| {
            let term = term.trim();
            if !term.is_empty() {
                let members = found.entry(taxonomy).or_default();
                members.entry(term.to_owned()).or_default().push(member);
            }
        };
        for (index, section) in self.source.sections.iter().enumerate() {
            if let Some(package) = &section.package {
                for keyword in &package.keywords {
                    add("keywords", &keyword.to_lowercase(), index);
                }
                for licence in &package.licences {
                    add("licences", licence, index);
                }
            }
        }
        for (index, (document, facts)) in self.documents.iter().zip(self.facts).enumerate() {
            if let (Some(_), Some(facts)) = (document, facts) {
                for tag in &facts.front_matter.tags {
                    add("tags", tag, index);
                }
            }
        }
        for (name, terms) in found {
            let index = self.claim(name, SitePath::from_segments([name, "index.html"]));
            let terms = terms
                .into_iter()
                .map(|(term, members)| {
                    let file = format!("{}.html", slug(&term));
                    // Terms that differ in punctuation alone are no finding: nobody links to
                    // them by hand.
                    let path = self.claims.claim(SitePath::from_segments([name, &file]));
                    let note = counted(members.len(), "page");
                    (Entry { title: term, path, note }, members)
                })
                .collect();
            self.taxonomies.push(Taxonomy { name, index, terms });
        }
    }

    fn finish(self, assets: Vec<SitePath>) -> Arrangement<'s> {
        let mut pages = Vec::with_capacity(self.documents.len() + 2 * self.sections.len());
        for (index, entry) in self.documents.iter().enumerate() {
            if let Some(entry) = entry {
                pages.push(self.regular_page(index, entry));
            }
        }
        for (index, section) in self.sections.iter().enumerate() {
            if let Some((entry, members)) = section
                && !self.indexed.contains(&index)
            {
                pages.push(self.section_page(index, entry, members));
            }
        }
        for taxonomy in &self.taxonomies {
            pages.extend(self.taxonomy_pages(taxonomy));
        }
        let health = Entry {
            title: "Health".to_owned(),
            path: SitePath::from_segments([HEALTH_PAGE]),
            note: "What is wrong with the sources of this site.".to_owned(),
        };
        let mut view = self.view(&health);
        view.trail = self.trail("", &health.path);
        Arrangement {
            pages,
            assets,
            health: view,
            sections: self.sections.iter().flatten().count() as u64,
            terms: self.taxonomies.iter().map(|t| t.terms.len() as u64).sum(),
            resolver: self.resolver,
            findings: self.findings,
        }
    }

    /// What all pages show.
    fn view(&self, entry: &Entry) -> View<'s> {
        let taxonomies = self.taxonomies.iter().map(|taxonomy| Reference {
            title: title_of_name(taxonomy.name),
            href: taxonomy.index.href_from(&entry.path),
            current: taxonomy.index == entry.path,
            note: String::new(),
        });
        View {
            title: entry.title.clone(),
            description: entry.note.clone(),
            root: entry.path.to_root(),
            taxonomies: taxonomies.collect(),
            ..View::default()
        }
    }

    fn regular_page(&self, index: usize, entry: &Entry) -> Page<'s> {
        let document = &self.source.documents[index];
        let facts = self.facts[index].as_ref().expect("a placed document has facts");
        let section = &self.source.sections[document.section];
        let mut view = self.view(entry);
        view.outline = &facts.outline;
        view.shows_title = !facts.has_title;
        view.trail = self.trail(&section.prefix, &entry.path);
        view.package = section.package.as_ref();
        if let Some((_, members)) = &self.sections[document.section] {
            let entries = members.iter().filter_map(|&member| self.documents[member].as_ref());
            view.siblings = entries.map(|sibling| sibling.seen_from(&entry.path)).collect();
        }
        if entry.path.as_str().ends_with("index.html") {
            view.groups.extend(self.sections_below(&section.prefix, &entry.path));
        }
        for taxonomy in &self.taxonomies {
            let terms = taxonomy
                .terms
                .iter()
                .filter(|(_, members)| taxonomy.name == "tags" && members.contains(&index));
            view.tags.extend(terms.map(|(term, _)| term.seen_from(&entry.path)));
        }
        Page { path: entry.path.clone(), template: "page.html", document: Some(index), view }
    }

    fn section_page(&self, index: usize, entry: &Entry, members: &[usize]) -> Page<'s> {
        let section = &self.source.sections[index];
        let mut view = self.view(entry);
        view.trail = self.trail(&section.prefix, &entry.path);
        view.package = section.package.as_ref();
        let entries = members.iter().filter_map(|&member| self.documents[member].as_ref());
        let entries: Vec<_> = entries.map(|member| member.seen_from(&entry.path)).collect();
        if !entries.is_empty() {
            view.groups.push(Group { title: "Pages".to_owned(), entries });
        }
        view.groups.extend(self.sections_below(&section.prefix, &entry.path));
        if let Some(package) = &section.package {
            for taxonomy in &self.taxonomies {
                let terms = taxonomy.terms.iter().filter(|(_, members)| members.contains(&index));
                view.tags.extend(terms.map(|(term, _)| term.seen_from(&entry.path)));
            }
            view.title = format!("{} {}", package.name, package.version);
        }
        Page { path: entry.path.clone(), template: "section.html", document: None, view }
    }

    /// The page that lists a taxonomy's terms, and a page for each of them.
    fn taxonomy_pages(&self, taxonomy: &Taxonomy) -> Vec<Page<'s>> {
        let index = Entry {
            title: title_of_name(taxonomy.name),
            path: taxonomy.index.clone(),
            note: counted(taxonomy.terms.len(), "term"),
        };
        let home = |page: &SitePath| self.trail("", page);
        let mut pages = Vec::with_capacity(taxonomy.terms.len() + 1);
        let mut view = self.view(&index);
        view.trail = home(&index.path);
        view.groups.push(Group {
            title: String::new(),
            entries: taxonomy.terms.iter().map(|(term, _)| term.seen_from(&index.path)).collect(),
        });
        pages.push(Page {
            path: index.path.clone(),
            template: "section.html",
            document: None,
            view,
        });
        for (term, members) in &taxonomy.terms {
            let mut view = self.view(term);
            view.trail = home(&term.path);
            view.trail.push(index.seen_from(&term.path));
            let entries = members.iter().filter_map(|&member| {
                if taxonomy.name == "tags" {
                    self.documents[member].as_ref()
                } else {
                    self.sections[member].as_ref().map(|(entry, _)| entry)
                }
            });
            view.groups.push(Group {
                title: String::new(),
                entries: entries.map(|entry| entry.seen_from(&term.path)).collect(),
            });
            pages.push(Page {
                path: term.path.clone(),
                template: "section.html",
                document: None,
                view,
            });
        }
        pages
    }

    /// The sections above a page, outermost first.
    fn trail(&self, prefix: &str, page: &SitePath) -> Vec<Reference> {
        self.source
            .sections
            .iter()
            .zip(&self.sections)
            .filter(|(section, _)| prefix.starts_with(&section.prefix))
            .filter_map(|(_, placed)| placed.as_ref())
            .filter(|(entry, _)| entry.path != *page)
            .map(|(entry, _)| entry.seen_from(page))
            .collect()
    }

    fn sections_below(&self, prefix: &str, page: &SitePath) -> Option<Group> {
        let below = |section: &Section| {
            section.prefix.len() > prefix.len() && section.prefix.starts_with(prefix)
        };
        let mut is_package = false;
        let entries: Vec<_> = self
            .source
            .sections
            .iter()
            .zip(&self.sections)
            .filter(|(section, _)| below(section))
            .filter_map(|(section, placed)| {
                is_package |= section.package.is_some();
                Some(placed.as_ref()?.0.seen_from(page))
            })
            .collect();
        (!entries.is_empty()).then(|| Group {
            title: if is_package { "Packages" } else { "Sections" }.to_owned(),
            entries,
        })
    }
}

/// What a page is called: as it says itself, or by its heading. In a package the file's name says
/// more than the heading, which names the package.
fn title_of(stem: &str, facts: &Facts, section: &Section) -> String {
    let of_file = || {
        let shouted = !stem.chars().any(char::is_lowercase);
        title_of_name(&if shouted { stem.to_lowercase() } else { stem.to_owned() })
    };
    let own = facts.front_matter.title.clone();
    if section.package.is_some() {
        return own.unwrap_or_else(of_file);
    }
    own.or_else(|| facts.heading.clone()).unwrap_or_else(of_file)
}

fn slugs(folders: &str) -> Vec<String> {
    let folders = folders.split('/').filter(|folder| !folder.is_empty());
    folders.map(slug).collect()
}

fn counted(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}
