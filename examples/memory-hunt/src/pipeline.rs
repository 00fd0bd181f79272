//! The build: from documents to normalized texts, from texts to an index, from both to a bundle.

use perf_runtime::{phase, tracked_phase};

use crate::cache::Cache;
use crate::documents::{self, Document};
use crate::index::{self, Index};

/// Builds the bundle for a revision of the sources.
pub(crate) fn build(revision: u64, cache: &mut Cache, fixed: bool) -> String {
    let documents = documents::collect(revision);
    perf_runtime::build().count("total_documents", documents.len());
    let (texts, index) = prepare(&documents, revision, cache, fixed);
    let bundle = bundle(&texts, &index, fixed);
    free(documents, texts, index);
    bundle
}

/// Frees what is no longer needed.
#[tracked_phase("free")]
fn free(documents: Vec<Document>, texts: Vec<String>, index: Index) {
    phase!("documents", { drop(documents) });
    phase!("texts", { drop(texts) });
    phase!("index", { drop(index) });
}

#[tracked_phase("prepare", items = documents.len())]
fn prepare(
    documents: &[Document],
    revision: u64,
    cache: &mut Cache,
    fixed: bool,
) -> (Vec<String>, Index) {
    let mut texts = Vec::with_capacity(documents.len());
    let mut index = Index::new();
    for (document, number) in documents.iter().zip(0_u32..) {
        let normalized = cache.normalized(document, revision, fixed);
        index::add(&mut index, number, &normalized);
        texts.push(normalized);
    }
    (texts, index)
}

#[tracked_phase("bundle")]
fn bundle(texts: &[String], index: &Index, fixed: bool) -> String {
    let mut bundle = String::with_capacity(1 << 20);
    for (word, documents) in index {
        bundle.push_str(word);
        bundle.push(' ');
        bundle.push_str(&documents.len().to_string());
        bundle.push('\n');
    }
    let excerpts = if fixed { excerpts(texts) } else { excerpts_at_once(texts) };
    bundle.push_str(&excerpts);
    bundle
}

/// How many characters of each text are in its excerpt.
const EXCERPT: usize = 80;

/// The beginning of each text.
#[tracked_phase("excerpts")]
fn excerpts(texts: &[String]) -> String {
    let mut excerpts = String::new();
    for text in texts {
        excerpts.extend(text.chars().take(EXCERPT));
        excerpts.push('\n');
    }
    excerpts
}

/// The same. THE SPIKE: splits all texts into characters of four bytes each, and uses a few of them.
#[tracked_phase("excerpts")]
fn excerpts_at_once(texts: &[String]) -> String {
    let texts: Vec<Vec<char>> = texts.iter().map(|text| text.chars().collect()).collect();
    let mut excerpts = String::new();
    for text in &texts {
        excerpts.extend(&text[..EXCERPT.min(text.len())]);
        excerpts.push('\n');
    }
    excerpts
}
