//! Documents, read and parsed; those that are known from the last build are not parsed again.

use std::fs;

use perf_runtime::{add_items, in_current_phase, tracked_phase};
use pulldown_cmark::Event;
use rayon::prelude::*;

use crate::digest::Digest;
use crate::discover::{Source, SourceFile};
use crate::document::{Document, Facts, parse};
use crate::manifest::Manifest;

/// A file's text, in memory.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) digest: Digest,
    /// Or why there is none, in one line.
    pub(crate) text: Result<String, String>,
}

/// Reads all documents.
#[tracked_phase("load", items = documents.len())]
pub(crate) fn load(documents: &[SourceFile]) -> Vec<Text> {
    documents.par_iter().map(in_current_phase!(|document| load_one(document))).collect()
}

#[tracked_phase("read-file")]
fn load_one(document: &SourceFile) -> Text {
    let read = fs::read(&document.path).map_err(|error| error.to_string());
    let digest = Digest::of(read.as_deref().unwrap_or_default());
    let text = read.and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            format!("it is not UTF-8 (at byte {at})")
        })
    });
    Text { digest, text }
}

/// What the documents say, and the events of those that had to be parsed; both are in the order
/// of the documents.
#[derive(Debug)]
pub(crate) struct Parsed<'t> {
    /// None for a document that cannot be read.
    pub(crate) facts: Vec<Option<Facts>>,
    pub(crate) events: Vec<Option<Vec<Event<'t>>>>,
}

/// Parses all documents that are not as they were in the last build.
#[tracked_phase("parse")]
pub(crate) fn parse_all<'t>(source: &Source, texts: &'t [Text], previous: &Manifest) -> Parsed<'t> {
    let documents = &source.documents;
    let known = |index: usize| {
        let known = previous.documents.get(&documents[index].name)?;
        (known.digest == texts[index].digest).then(|| known.facts.clone())
    };
    let mut facts: Vec<Option<Facts>> = (0..documents.len()).map(known).collect();
    let changed: Vec<(usize, &str)> = texts
        .iter()
        .enumerate()
        .filter(|(index, _)| facts[*index].is_none())
        .filter_map(|(index, text)| Some((index, text.text.as_deref().ok()?)))
        .collect();
    add_items(changed.len());

    let mut parsed: Vec<Document<'t>> = Vec::with_capacity(changed.len());
    changed
        .par_iter()
        .map(in_current_phase!(|&(index, text)| parse(text, source.dialect(index))))
        .collect_into_vec(&mut parsed);
    let mut events = Vec::with_capacity(documents.len());
    events.resize_with(documents.len(), || None);
    for ((index, _), document) in changed.iter().zip(parsed) {
        facts[*index] = Some(document.facts);
        events[*index] = Some(document.events);
    }
    Parsed { facts, events }
}
