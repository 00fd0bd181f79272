//! A cache that outlives the build, so that unchanged documents need no work.

use std::collections::BTreeMap;

use perf_runtime::tracked_phase;

use crate::documents::Document;

/// The normalized texts of documents, by their names and editions.
#[derive(Default)]
pub(crate) struct Cache {
    entries: BTreeMap<(String, u64), String>,
}

impl Cache {
    /// The words of a document without the short ones.
    #[tracked_phase("normalize")]
    pub(crate) fn normalized(&mut self, document: &Document, revision: u64, fixed: bool) -> String {
        // THE LEAK: the key has the revision of all sources, so that no later build finds the entry,
        // and nothing removes it.
        let edition = if fixed { digest(&document.text) } else { revision };
        let key = (document.name.clone(), edition);
        if let Some(known) = self.entries.get(&key) {
            return known.clone();
        }
        let normalized = normalize(&document.text);
        if fixed {
            self.entries.retain(|(name, _), _| *name != document.name);
        }
        self.remember(key, &normalized);
        normalized
    }

    #[tracked_phase("remember")]
    fn remember(&mut self, key: (String, u64), normalized: &str) {
        self.entries.insert(key, normalized.to_owned());
    }
}

fn normalize(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    for word in text.split(' ').filter(|word| word.len() > 4) {
        normalized.push_str(word);
        normalized.push(' ');
    }
    normalized
}

/// FNV-1a with 64 bits (Fowler, Noll and Vo).
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
