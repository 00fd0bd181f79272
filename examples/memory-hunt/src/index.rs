//! The search index: the documents that contain each word.

use std::collections::BTreeMap;

use perf_runtime::tracked_phase;

/// For each word, the numbers of the documents that contain it, in ascending order.
pub(crate) type Index = BTreeMap<String, Vec<u32>>;

/// Adds a document to the index.
#[tracked_phase("index")]
pub(crate) fn add(index: &mut Index, number: u32, normalized: &str) {
    for word in normalized.split_ascii_whitespace() {
        if let Some(documents) = index.get_mut(word) {
            if documents.last() != Some(&number) {
                documents.push(number);
            }
        } else {
            index.insert(word.to_owned(), vec![number]);
        }
    }
}
