//! What a tool says of the phases of a program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is told of each phase, by its name.
pub type Facts = BTreeMap<String, PhaseFacts>;

/// What came of one run of a program.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Told {
    /// What the tool tells.
    pub phases: Facts,
    /// Milliseconds that the program itself saw on the clock while a phase was to take time: what it
    /// was to take, and what other programs took from it meanwhile.
    pub spun_ms: BTreeMap<String, f64>,
}

/// What is told of a phase. `None` is what the tool does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PhaseFacts {
    /// Finished entries.
    pub calls: Option<u64>,
    /// Milliseconds that threads spent in the phase and those below it.
    pub thread_ms: Option<f64>,
    /// Bytes allocated in the phase and those below it.
    pub alloc_bytes: Option<u64>,
    /// Bytes allocated in the phase itself.
    pub self_alloc_bytes: Option<u64>,
    /// Bytes freed in the phase and those below it.
    pub freed_bytes: Option<u64>,
    /// The most bytes that were allocated and not yet freed at once, above what there was at entry.
    pub peak_bytes: Option<u64>,
    /// Calls that ended by unwinding.
    pub panics: Option<u64>,
    /// Calls whose future was dropped before it was complete.
    pub cancelled: Option<u64>,
}

impl PhaseFacts {
    /// What two runs of one program tell together, where each tells a part.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            calls: self.calls.or(other.calls),
            thread_ms: self.thread_ms.or(other.thread_ms),
            alloc_bytes: self.alloc_bytes.or(other.alloc_bytes),
            self_alloc_bytes: self.self_alloc_bytes.or(other.self_alloc_bytes),
            freed_bytes: self.freed_bytes.or(other.freed_bytes),
            peak_bytes: self.peak_bytes.or(other.peak_bytes),
            panics: self.panics.or(other.panics),
            cancelled: self.cancelled.or(other.cancelled),
        }
    }
}
