//! Pages, from parsed text to finished HTML; those that would come out the same are left alone.

use std::iter;
use std::path::Path;

use perf_runtime::{in_current_phase, tracked_phase};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Tag, TagEnd};
use rayon::prelude::*;

use crate::Error;
use crate::arrange::{Arrangement, Page};
use crate::digest::Digest;
use crate::discover::Source;
use crate::document::parse;
use crate::highlight::highlight;
use crate::links::{Link, Linked, Target, link};
use crate::manifest::{KnownDocument, Manifest};
use crate::parse::Text;
use crate::templates::Templates;
use crate::write::{Content, Output};

/// What rendering looks things up in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'s> {
    pub(crate) source: &'s Source,
    pub(crate) texts: &'s [Text],
    pub(crate) arrangement: &'s Arrangement<'s>,
    pub(crate) templates: &'s Templates,
    pub(crate) previous: &'s Manifest,
    pub(crate) out: &'s Path,
}

/// A page, rendered, or known to be as it was.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) output: Output,
    pub(crate) links: Vec<Link>,
    pub(crate) anchors: Vec<String>,
}

/// Renders all pages. `events` holds the parsed text of each document that was parsed, and is
/// used up.
#[tracked_phase("render", items = scene.arrangement.pages.len())]
pub(crate) fn render<'s>(
    scene: Scene<'s>,
    mut events: Vec<Option<Vec<Event<'s>>>>,
) -> Result<Vec<Rendered>, Error> {
    let work: Vec<_> = scene
        .arrangement
        .pages
        .iter()
        .map(|page| (page, page.document.and_then(|index| events[index].take())))
        .collect();
    let mut rendered = Vec::with_capacity(work.len());
    work.into_par_iter()
        .map(in_current_phase!(|(page, events)| render_page(scene, page, events)))
        .collect_into_vec(&mut rendered);
    rendered.into_iter().collect()
}

#[tracked_phase("page")]
fn render_page<'s>(
    scene: Scene<'s>,
    page: &Page<'s>,
    events: Option<Vec<Event<'s>>>,
) -> Result<Rendered, Error> {
    let document = page.document.map(|index| &scene.source.documents[index]);
    let text = page.document.map(|index| &scene.texts[index]);
    let name = document.map(|document| document.name.as_bytes()).unwrap_or_default();
    let digest = text.map(|text| text.digest.bytes()).unwrap_or_default();
    let view = Digest::of_json(&page.view).bytes();
    let made_from = Digest::of_all([page.template.as_bytes(), &view, name, &digest]);
    let known = document.and_then(|document| scene.previous.documents.get(&document.name));
    if let Some(size) = scene.previous.keeps(scene.out, &page.path, made_from)
        && known.is_none_or(|known| leads_where_it_did(scene, page, known))
    {
        let (links, anchors) =
            known.map(|known| (known.links.clone(), known.anchors.clone())).unwrap_or_default();
        return Ok(Rendered {
            output: Output::unchanged(page.path.clone(), made_from, size),
            links,
            anchors,
        });
    }
    let linked = match (page.document, text.map(|text| text.text.as_deref())) {
        (Some(index), Some(Ok(text))) => {
            let events = events.unwrap_or_else(|| parse(text, scene.source.dialect(index)).events);
            body(scene, page, index, events, text.len())
        }
        _ => Linked::default(),
    };
    let html = scene.templates.render(page.template, &page.view, linked.html)?;
    Ok(Rendered {
        output: Output {
            path: page.path.clone(),
            made_from,
            content: Content::Bytes(html.into_bytes()),
        },
        links: linked.links,
        anchors: linked.anchors,
    })
}

/// Whether all links of a page still lead where they led when it was rendered: a page that has
/// since come or gone changes the pages that link to it.
fn leads_where_it_did(scene: Scene<'_>, page: &Page<'_>, known: &KnownDocument) -> bool {
    let Some(index) = page.document else {
        return true;
    };
    let document = &scene.source.documents[index];
    let section = &scene.source.sections[document.section];
    known.links.iter().all(|link| {
        let resolver = &scene.arrangement.resolver;
        resolver.resolve(&document.name, section, &link.raw, link.embedded) == link.target
    })
}

/// The text of a page as HTML, its code coloured and its links resolved.
fn body<'s>(
    scene: Scene<'s>,
    page: &Page<'s>,
    index: usize,
    events: Vec<Event<'s>>,
    length: usize,
) -> Linked {
    let html = to_html(events, length);
    let document = &scene.source.documents[index];
    let section = &scene.source.sections[document.section];
    link(&html, |raw, embedded| {
        let resolver = &scene.arrangement.resolver;
        let target = resolver.resolve(&document.name, section, raw, embedded);
        let instead = match &target {
            Target::Site { path, fragment } if fragment.is_empty() => {
                Some(path.href_from(&page.path))
            }
            Target::Site { path, .. } => {
                let fragment = raw.split_once('#').map_or("", |(_, fragment)| fragment);
                Some(format!("{}#{fragment}", path.href_from(&page.path)))
            }
            Target::Repository { url } => {
                let rest = raw.find(['?', '#']).map_or("", |start| &raw[start..]);
                Some(format!("{}{rest}", url.replace(' ', "%20")))
            }
            Target::External | Target::Here { .. } | Target::Missing => None,
        };
        (target, instead)
    })
}

#[tracked_phase("html")]
fn to_html(events: Vec<Event<'_>>, length: usize) -> String {
    let mut html = String::with_capacity(length * 2);
    let mut events = events.into_iter();
    let colored = iter::from_fn(|| match events.next()? {
        Event::Start(Tag::CodeBlock(kind)) => Some(colored(&kind, &mut events)),
        other => Some(other),
    });
    pulldown_cmark::html::push_html(&mut html, colored);
    html
}

/// Takes the events of a code block, whose start has gone by, and makes them one of HTML.
fn colored<'t>(
    kind: &CodeBlockKind<'_>,
    events: &mut impl Iterator<Item = Event<'t>>,
) -> Event<'t> {
    let mut code = String::new();
    for event in events {
        match event {
            Event::Text(text) => code.push_str(&text),
            Event::End(TagEnd::CodeBlock) => break,
            _ => {}
        }
    }
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.as_ref(),
        CodeBlockKind::Indented => "",
    };
    Event::Html(CowStr::from(highlight(info, &code)))
}
