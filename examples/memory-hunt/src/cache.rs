//! What is kept from build to build, so that documents that did not change need not be worked on again.

use std::collections::BTreeMap;

use perf_runtime::tracked_phase;

use crate::documents::Document;

/// Digests of the documents' texts, and what is known of each.
#[derive(Default)]
pub(crate) struct Cache {
    entries: BTreeMap<(String, u64), String>,
}

impl Cache {
    /// The words of a document, in lower case and without those that say nothing.
    #[tracked_phase("normalize")]
    pub(crate) fn normalized(&mut self, document: &Document, revision: u64, fixed: bool) -> String {
        // THE LEAK: an entry is found again only in the revision that it was made in, so in no later
        // build; and none is ever taken out.
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

/// The hash of G. Fowler, L. Noll and K. Vo, FNV-1a of 64 bits.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
