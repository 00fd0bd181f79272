//! The words that judging ends in.

use std::fmt;

use serde::Serialize;

/// What is said of a number of the candidate, judged against its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing that the rules call a change.
    Unchanged,
    /// Less than before, by the rules that find a regression or a suspect.
    Improvement,
    /// Too few builds to say anything.
    Insufficient,
    /// Probably more than before; only more builds can tell.
    Suspect,
    /// Surely more than before.
    Regression,
}

impl Verdict {
    /// The verdict's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Improvement => "improvement",
            Self::Insufficient => "insufficient",
            Self::Suspect => "suspect",
            Self::Regression => "regression",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
