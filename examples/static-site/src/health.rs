//! Problems in the sources: broken links and anchors, files that cannot be read.

use std::collections::{BTreeSet, HashMap, HashSet};

use perf_runtime::{add_items, tracked_phase};
use serde::Serialize;

use crate::arrange::{HEALTH_PAGE, HEALTH_REPORT, LinkGroup, NavLink};
use crate::document::DocumentInfo;
use crate::links::Target;
use crate::output::Output;
use crate::paths::SitePath;
use crate::{BuildContext, Error};

/// A problem that the author of a document should fix. The site is built nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The name of the file in the source.
    pub page: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// It has no page.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// Why, in one line.
        reason: String,
    },
    /// Its front matter does not parse.
    #[error("front matter ignored: {reason}")]
    FrontMatter {
        /// Why, in one line.
        reason: String,
    },
    /// Another file has the same path in the site.
    #[error("path {wanted} is taken, so it is at {place}")]
    Collision {
        /// The path that was taken.
        wanted: SitePath,
        /// The path that it got instead.
        place: SitePath,
    },
    /// It links to a file that does not exist.
    #[error("broken link: {link}")]
    BrokenLink {
        /// The link, as written.
        link: String,
    },
    /// It links to an anchor that does not exist, on a page that does.
    #[error("broken anchor: {link}")]
    BrokenAnchor {
        /// The link, as written.
        link: String,
    },
}

impl Finding {
    pub(crate) fn new(page: &str, problem: Problem) -> Self {
        Self { page: page.to_owned(), problem }
    }

    pub(crate) fn unreadable(page: &str, reason: &str) -> Self {
        Self::new(page, Problem::Unreadable { reason: reason.to_owned() })
    }
}

/// Collects the findings of all phases, and checks the links within the site. Each problem of a
/// page is listed once. `outputs` starts with the pages.
#[tracked_phase("health")]
pub(crate) fn check(
    build: BuildContext<'_>,
    infos: &[Option<DocumentInfo>],
    outputs: &[Output],
) -> BTreeSet<Finding> {
    let source = build.source;
    let mut findings: BTreeSet<Finding> =
        source.findings.iter().chain(&build.plan.findings).cloned().collect();
    for ((document, text), info) in source.documents.iter().zip(build.texts).zip(infos) {
        if let Err(reason) = &text.text {
            findings.insert(Finding::unreadable(&document.name, reason));
        }
        if let Some(reason) = info.as_ref().and_then(|info| info.front_matter_error.clone()) {
            findings.insert(Finding::new(&document.name, Problem::FrontMatter { reason }));
        }
    }
    check_links(build, outputs, &mut findings);
    findings
}

#[tracked_phase("check-links")]
fn check_links(build: BuildContext<'_>, outputs: &[Output], findings: &mut BTreeSet<Finding>) {
    let pages =
        build.plan.pages.iter().zip(outputs).filter_map(|(page, output)| {
            Some((&build.source.documents[page.document?].name, output))
        });
    let anchors: HashMap<&SitePath, HashSet<&str>> = pages
        .clone()
        .map(|(_, page)| (&page.path, page.cached.anchors.iter().map(String::as_str).collect()))
        .collect();
    for (name, page) in pages {
        add_items(page.cached.links.len());
        for link in &page.cached.links {
            let (path, fragment) = match &link.target {
                Target::External | Target::Repository { .. } => continue,
                Target::Missing => {
                    let problem = Problem::BrokenLink { link: link.raw.clone() };
                    findings.insert(Finding::new(name, problem));
                    continue;
                }
                Target::SamePage { fragment } => (&page.path, fragment),
                Target::Site { path, fragment } => (path, fragment),
            };
            // The anchors of generated pages and assets are not known.
            if anchors.get(path).is_some_and(|anchors| !has_anchor(anchors, fragment)) {
                let problem = Problem::BrokenAnchor { link: link.raw.clone() };
                findings.insert(Finding::new(name, problem));
            }
        }
    }
}

fn has_anchor(anchors: &HashSet<&str>, fragment: &str) -> bool {
    // The empty fragment and `#top` are the top of any page (HTML, "scroll to the fragment"); the
    // browser itself handles `#:~:text=`; GitHub finds its anchors with and without their prefix.
    matches!(fragment, "" | "top")
        || fragment.starts_with(":~:")
        || anchors.contains(fragment)
        || anchors.contains(fragment.trim_start_matches("user-content-"))
}

/// The findings as a page, and as JSON.
#[tracked_phase("health-report")]
pub(crate) fn report(
    build: BuildContext<'_>,
    findings: &BTreeSet<Finding>,
) -> Result<[Output; 2], Error> {
    let json = serde_json::to_vec_pretty(findings).expect("findings are strings");
    let here = SitePath::from_segments([HEALTH_PAGE]);
    let pages = build.plan.pages.iter().filter_map(|page| {
        let name = build.source.documents[page.document?].name.as_str();
        Some((name, page.path.href_from(&here)))
    });
    let hrefs: HashMap<&str, String> = pages.collect();
    let mut view = build.plan.health.clone();
    for finding in findings {
        let title = finding.problem.to_string();
        let href = hrefs.get(finding.page.as_str()).cloned().unwrap_or_default();
        let entry = NavLink { title, href, ..NavLink::default() };
        match view.groups.last_mut() {
            Some(group) if group.title == finding.page => group.entries.push(entry),
            _ => view.groups.push(LinkGroup { title: finding.page.clone(), entries: vec![entry] }),
        }
    }
    let html = build.templates.render("health.html", &view, String::new())?;
    Ok([
        Output::from_bytes(build, HEALTH_PAGE, html.into_bytes()),
        Output::from_bytes(build, HEALTH_REPORT, json),
    ])
}
