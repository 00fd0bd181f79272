//! Generated documents: the same in each build, except for a few that changed.

use perf_runtime::tracked_phase;

const DOCUMENTS: u64 = 160;
const WORDS: usize = 1_200;

const SYLLABLES: [&str; 16] = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su", "te",
];

/// A text with a name.
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// All documents in a revision of the sources.
#[tracked_phase("collect", items = DOCUMENTS)]
pub(crate) fn collect(revision: u64) -> Vec<Document> {
    (0..DOCUMENTS).map(|number| document(number, revision)).collect()
}

fn document(number: u64, revision: u64) -> Document {
    // Each revision changes one document in forty.
    let edition = if number.is_multiple_of(40) { revision } else { 0 };
    let mut random = Random(number + 1 + (edition << 32));
    let mut text = String::with_capacity(WORDS * 8);
    for _ in 0..WORDS {
        for _ in 0..2 + random.below(2) {
            text.push_str(SYLLABLES[random.below(SYLLABLES.len())]);
        }
        text.push(' ');
    }
    Document { name: format!("document-{number:03}"), text }
}

/// A random number generator (G. Marsaglia, *Xorshift RNGs*, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 40).unwrap_or(0) % bound
    }
}
