//! What each page shows besides its text.

use super::places::{Entry, Planner, Taxonomy, counted};
use super::{Arrangement, Group, HEALTH_PAGE, Page, Reference, View};
use crate::discover::{Section, title_of_name};
use crate::paths::SitePath;

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

impl<'s> Planner<'s> {
    /// The arrangement, once all is in its place.
    pub(super) fn finish(self, assets: Vec<SitePath>) -> Arrangement<'s> {
        let mut pages = Vec::with_capacity(self.documents.len() + 2 * self.sections.len());
        for (index, entry) in self.documents.iter().enumerate() {
            if let Some(entry) = entry {
                pages.push(self.regular_page(index, entry));
            }
        }
        for (index, section) in self.sections.iter().enumerate() {
            if let Some((entry, members)) = section
                && !self.indexed.contains_key(&index)
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
        if entry.path.is_index() {
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
