//! What is wrong with the sources: broken links and anchors, files that cannot be read.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use perf_runtime::{add_items, tracked_phase};
use serde::Serialize;

use crate::Error;
use crate::arrange::{Group, HEALTH_PAGE, HEALTH_REPORT, Page, Reference};
use crate::document::Facts;
use crate::links::Target;
use crate::paths::SitePath;
use crate::render::{Rendered, Scene};
use crate::write::Output;

/// Something that the author of a page would want to know. The site is built all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The name of the file in the source.
    pub page: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// There is no page for it.
    Unreadable {
        /// Why, in one line.
        reason: String,
    },
    /// Its front matter was ignored.
    FrontMatter {
        /// Why, in one line.
        reason: String,
    },
    /// Another file has the place in the site that it would have had.
    Collision {
        /// The place that was taken.
        wanted: SitePath,
        /// Where it went instead.
        place: SitePath,
    },
    /// It links to a file that is not there.
    BrokenLink {
        /// The link, as written.
        link: String,
    },
    /// It links to a page that is there, but to no place on it.
    BrokenAnchor {
        /// The link, as written.
        link: String,
    },
}

impl Finding {
    pub(crate) fn unreadable(page: &str, reason: &str) -> Self {
        Self { page: page.to_owned(), problem: Problem::Unreadable { reason: reason.to_owned() } }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { reason } => write!(formatter, "cannot be read: {reason}"),
            Self::FrontMatter { reason } => write!(formatter, "front matter ignored: {reason}"),
            Self::Collision { wanted, place } => {
                write!(formatter, "{wanted} was taken, so it is {place}")
            }
            Self::BrokenLink { link } => write!(formatter, "broken link: {link}"),
            Self::BrokenAnchor { link } => write!(formatter, "broken anchor: {link}"),
        }
    }
}

/// Gathers all that was found on the way, and checks the links within the site. Each problem of a
/// page is reported once.
#[tracked_phase("health")]
pub(crate) fn check(
    scene: Scene<'_>,
    facts: &[Option<Facts>],
    rendered: &[Rendered],
) -> BTreeSet<Finding> {
    let mut findings = BTreeSet::new();
    findings.extend(scene.source.findings.iter().cloned());
    findings.extend(scene.arrangement.findings.iter().cloned());
    for ((document, text), facts) in scene.source.documents.iter().zip(scene.texts).zip(facts) {
        if let Err(reason) = &text.text {
            findings.insert(Finding::unreadable(&document.name, reason));
        }
        if let Some(reason) = facts.as_ref().and_then(|f| f.broken_front_matter.as_ref()) {
            findings.insert(Finding {
                page: document.name.clone(),
                problem: Problem::FrontMatter { reason: reason.clone() },
            });
        }
    }
    check_links(scene, rendered, &mut findings);
    findings
}

#[tracked_phase("check-links")]
fn check_links(scene: Scene<'_>, rendered: &[Rendered], findings: &mut BTreeSet<Finding>) {
    let pages = || {
        let regular = |page: &Page<'_>| Some(&scene.source.documents[page.document?]);
        let pages = scene.arrangement.pages.iter().zip(rendered);
        pages.filter_map(move |(page, rendered)| Some((regular(page)?, rendered)))
    };
    let anchors: HashMap<&SitePath, HashSet<&str>> = pages()
        .map(|(_, page)| (&page.output.path, page.anchors.iter().map(String::as_str).collect()))
        .collect();
    for (document, page) in pages() {
        add_items(page.links.len());
        for link in &page.links {
            let is_there = match &link.target {
                Target::External | Target::Repository { .. } => continue,
                Target::Missing => {
                    findings.insert(Finding {
                        page: document.name.clone(),
                        problem: Problem::BrokenLink { link: link.raw.clone() },
                    });
                    continue;
                }
                Target::Here { fragment } => has_anchor(anchors.get(&page.output.path), fragment),
                Target::Site { path, fragment } => has_anchor(anchors.get(path), fragment),
            };
            if !is_there {
                findings.insert(Finding {
                    page: document.name.clone(),
                    problem: Problem::BrokenAnchor { link: link.raw.clone() },
                });
            }
        }
    }
}

/// Whether a page has a place of this name. Generated pages and assets are not looked into.
fn has_anchor(anchors: Option<&HashSet<&str>>, fragment: &str) -> bool {
    let Some(anchors) = anchors else {
        return true;
    };
    // The empty fragment and `#top` are the top of any page (HTML, "scroll to the fragment");
    // `#:~:text=` is the browser's own business; GitHub finds its anchors with and without their
    // prefix.
    matches!(fragment, "" | "top")
        || fragment.starts_with(":~:")
        || anchors.contains(fragment)
        || anchors.contains(fragment.trim_start_matches("user-content-"))
}

/// The findings as a page for people, and as JSON.
#[tracked_phase("health-report")]
pub(crate) fn report(scene: Scene<'_>, findings: &BTreeSet<Finding>) -> Result<[Output; 2], Error> {
    let json = serde_json::to_vec_pretty(findings).expect("findings are strings");
    let mut view = scene.arrangement.health.clone();
    let places: HashMap<&str, &Page<'_>> = scene
        .arrangement
        .pages
        .iter()
        .filter_map(|page| Some((scene.source.documents[page.document?].name.as_str(), page)))
        .collect();
    for finding in findings {
        let entry = Reference {
            title: finding.problem.to_string(),
            href: places
                .get(finding.page.as_str())
                .map(|page| page.path.href_from(&SitePath::from_segments([HEALTH_PAGE])))
                .unwrap_or_default(),
            ..Reference::default()
        };
        match view.groups.last_mut() {
            Some(group) if group.title == finding.page => group.entries.push(entry),
            _ => view.groups.push(Group { title: finding.page.clone(), entries: vec![entry] }),
        }
    }
    let html = scene.templates.render("health.html", &view, String::new())?;
    Ok([
        Output::made(scene, HEALTH_PAGE, html.into_bytes()),
        Output::made(scene, HEALTH_REPORT, json),
    ])
}
