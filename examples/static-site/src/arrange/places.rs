//! Where each page, asset, section and term goes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{HEALTH_PAGE, HEALTH_REPORT, SEARCH_INDEX, SITEMAP, STYLE_SHEET};
use crate::discover::{Section, Source, title_of_name};
use crate::document::Facts;
use crate::health::{Finding, Problem};
use crate::links::Resolver;
use crate::paths::{Claims, SitePath, slug};

/// A page that others link to.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) title: String,
    pub(super) path: SitePath,
    pub(super) note: String,
}

/// A way to group pages: the name of it, and under each term its pages.
pub(super) struct Taxonomy {
    pub(super) name: &'static str,
    pub(super) index: SitePath,
    pub(super) terms: Vec<(Entry, Vec<usize>)>,
}

/// The site while it is being planned.
pub(super) struct Planner<'s> {
    pub(super) source: &'s Source,
    pub(super) facts: &'s [Option<Facts>],
    claims: Claims,
    pub(super) resolver: Resolver<'s>,
    pub(super) findings: Vec<Finding>,
    /// For each document that has a page, its entry.
    pub(super) documents: Vec<Option<Entry>>,
    /// For each section that has pages: its index, and its documents in reading order.
    pub(super) sections: Vec<Option<(Entry, Vec<usize>)>>,
    /// The sections whose index is a document, and which one.
    pub(super) indexed: BTreeMap<usize, usize>,
    pub(super) taxonomies: Vec<Taxonomy>,
}

impl<'s> Planner<'s> {
    pub(super) fn new(source: &'s Source, facts: &'s [Option<Facts>]) -> Self {
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
            indexed: BTreeMap::new(),
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

    pub(super) fn place_documents(&mut self) {
        let source = self.source;
        let names: BTreeSet<&str> = source.documents.iter().map(|d| d.name.as_str()).collect();
        for (index, (document, facts)) in source.documents.iter().zip(self.facts).enumerate() {
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
            let last = match &facts.front_matter.slug {
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
            if section.package.is_none() && path.is_index() {
                self.indexed.insert(document.section, index);
            }
            self.resolver.add(document.name.as_str(), path.clone());
            self.documents.push(Some(Entry { title, path, note: facts.description.clone() }));
        }
    }

    pub(super) fn place_assets(&mut self) -> Vec<SitePath> {
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
    pub(super) fn place_sections(&mut self, site_title: &str) {
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
            let entry = if let Some(&document) = self.indexed.get(&index) {
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
    pub(super) fn place_taxonomies(&mut self) {
        let mut found: BTreeMap<&'static str, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
        let mut add = |taxonomy, term: &str, member| {
            let term = term.trim();
            if !term.is_empty() {
                let members = found.entry(taxonomy).or_default();
                let members = members.entry(term.to_owned()).or_default();
                // A page may say the same twice.
                if members.last() != Some(&member) {
                    members.push(member);
                }
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

pub(super) fn counted(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}
