//! Pages: from parsed documents to HTML, unless the HTML would be the same as last time.

use std::{iter, mem};

use perf_runtime::{in_current_phase, tracked_phase};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Tag, TagEnd};
use rayon::prelude::*;

use crate::arrange::Page;
use crate::digest::Digest;
use crate::document::parse;
use crate::highlight::highlight;
use crate::links::{Link, RewrittenHtml, Target, rewrite_links};
use crate::manifest::CachedOutput;
use crate::output::{Content, Output};
use crate::{BuildContext, Error};

/// Renders all pages. `events` has the content of each document that was parsed.
#[tracked_phase("render", items = build.plan.pages.len())]
pub(crate) fn render<'s>(
    build: BuildContext<'s>,
    mut events: Vec<Option<Vec<Event<'s>>>>,
) -> Result<Vec<Output>, Error> {
    let pages = build.plan.pages.iter();
    let pages: Vec<_> =
        pages.map(|page| (page, page.document.and_then(|index| events[index].take()))).collect();
    let mut rendered = Vec::with_capacity(pages.len());
    pages
        .into_par_iter()
        .map(in_current_phase!(|(page, events)| render_page(build, page, events)))
        .collect_into_vec(&mut rendered);
    rendered.into_iter().collect()
}

#[tracked_phase("page")]
fn render_page<'s>(
    build: BuildContext<'s>,
    page: &Page<'s>,
    events: Option<Vec<Event<'s>>>,
) -> Result<Output, Error> {
    let BuildContext { source, texts, previous, .. } = build;
    let document =
        page.document.map(|index| (source.documents[index].name.as_str(), texts[index].digest));
    let inputs = Digest::from_value(&(page.template, &page.view, document));
    // A page that has appeared or disappeared changes the pages that link to it.
    let resolves_to_same =
        |link: &Link| resolve(build, page, &link.raw, link.embedded) == link.target;
    if let Some(cached) = previous.up_to_date(build.out, &page.path, inputs)
        && cached.links.iter().all(resolves_to_same)
    {
        let (path, cached) = (page.path.clone(), cached.clone());
        return Ok(Output { path, cached, content: Content::Unchanged });
    }
    let mut body = match page.document.map(|index| (index, &texts[index].text)) {
        Some((index, Ok(text))) => {
            let parse = || parse(text, source.allows_front_matter(index)).events;
            let html = to_html(events.unwrap_or_else(parse), text.len());
            rewrite_links(&html, |raw, embedded| {
                let target = resolve(build, page, raw, embedded);
                let href = rewritten(&target, raw, page);
                (target, href)
            })
        }
        _ => RewrittenHtml::default(),
    };
    let html = build.templates.render(page.template, &page.view, mem::take(&mut body.html))?;
    let RewrittenHtml { links, anchors, .. } = body;
    let cached = CachedOutput { inputs, size: html.len() as u64, links, anchors };
    Ok(Output { path: page.path.clone(), cached, content: Content::Bytes(html.into_bytes()) })
}

fn resolve(build: BuildContext<'_>, page: &Page<'_>, raw: &str, embedded: bool) -> Target {
    let index = page.document.expect("only documents have links of their own");
    let name = &build.source.documents[index].name;
    build.plan.resolver.resolve(name, build.source.section_of(index), raw, embedded)
}

/// What a link is replaced by.
fn rewritten(target: &Target, raw: &str, page: &Page<'_>) -> Option<String> {
    let (address, start_of_rest) = match target {
        Target::Site { path, .. } => (path.href_from(&page.path), raw.find('#')),
        Target::Repository { url } => (url.replace(' ', "%20"), raw.find(['?', '#'])),
        Target::External | Target::SamePage { .. } | Target::Missing => return None,
    };
    Some(address + start_of_rest.map_or("", |start| &raw[start..]))
}

#[tracked_phase("html")]
fn to_html(events: Vec<Event<'_>>, length: usize) -> String {
    let mut html = String::with_capacity(length * 2);
    let mut events = events.into_iter();
    let highlighted = iter::from_fn(|| match events.next()? {
        Event::Start(Tag::CodeBlock(kind)) => Some(code_block(&kind, &mut events)),
        other => Some(other),
    });
    pulldown_cmark::html::push_html(&mut html, highlighted);
    html
}

/// Replaces the remaining events of a code block by one event with highlighted HTML.
fn code_block<'t>(
    kind: &CodeBlockKind<'_>,
    events: &mut impl Iterator<Item = Event<'t>>,
) -> Event<'t> {
    let mut code = String::new();
    for event in events.take_while(|event| !matches!(event, Event::End(TagEnd::CodeBlock))) {
        if let Event::Text(text) = event {
            code.push_str(&text);
        }
    }
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.as_ref(),
        CodeBlockKind::Indented => "",
    };
    Event::Html(CowStr::from(highlight(info, &code)))
}
