//! What the user says of a build: counts, labels and its mode.

use std::collections::BTreeMap;

use perf_history::is_reserved;

/// What the user says of a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct UserFacts {
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) incremental: Option<bool>,
    pub(crate) parallel: Option<bool>,
    pub(crate) skipped: bool,
}

/// Why a count was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountError {
    /// The record has a field of that name.
    Reserved(String),
    /// The name is empty, or holds a control character.
    Unfit(String),
    /// The count is less than 0.
    Negative(String),
}

impl std::fmt::Display for CountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reserved(name) => {
                write!(f, "the count {name:?} was refused: a record has a field of that name")
            }
            Self::Negative(name) => {
                write!(f, "the count {name:?} was refused: it is less than 0")
            }
            Self::Unfit(name) => write!(
                f,
                "the count {name:?} was refused: its name is empty, or holds a control character"
            ),
        }
    }
}

impl std::error::Error for CountError {}

/// Why a count was refused, before it is said of which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Reserved,
    Unfit,
}

impl Refusal {
    /// The error, of the user's memory.
    pub(crate) fn of(self, name: &str) -> CountError {
        match self {
            Self::Reserved => CountError::Reserved(name.to_owned()),
            Self::Unfit => CountError::Unfit(name.to_owned()),
        }
    }
}

impl UserFacts {
    /// Sets a count.
    pub(crate) fn count(&mut self, name: &str, count: u64) -> Result<(), Refusal> {
        if name.is_empty() || name.contains(char::is_control) {
            return Err(Refusal::Unfit);
        }
        if is_reserved(name) {
            return Err(Refusal::Reserved);
        }
        self.counts.insert(name.to_owned(), count);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_named_like_a_field_is_refused_with_the_name() {
        let mut facts = UserFacts::default();
        let error = facts.count("build_time_ms", 1).unwrap_err().of("build_time_ms");
        assert!(error.to_string().contains("\"build_time_ms\""), "{error}");
        assert_eq!(facts.count("", 1), Err(Refusal::Unfit));
        assert_eq!(facts.count("a\nb", 1), Err(Refusal::Unfit));
        facts.count("total_pages", 83).unwrap();
        facts.count("total_pages", 84).unwrap();
        assert_eq!(facts.counts, BTreeMap::from([("total_pages".to_owned(), 84)]));
    }
}
