//! The facts that the tool adds to a build: counts, labels and its mode.

use std::collections::BTreeMap;

use crate::count::CountError;

/// The facts that the tool added to a build.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UserFacts {
    /// Counts by name.
    pub counts: BTreeMap<String, u64>,
    /// Labels by key.
    pub labels: BTreeMap<String, String>,
    /// Whether the build does only what has changed since the last one.
    pub incremental: Option<bool>,
    /// Whether the build uses several threads.
    pub parallel: Option<bool>,
    /// Whether there was nothing to do.
    pub skipped: bool,
    /// Counts that were refused.
    pub count_errors: Vec<CountError>,
    is_reserved: fn(&str) -> bool,
}

/// Why a count was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountProblem {
    Reserved,
    InvalidName,
}

impl UserFacts {
    /// No facts yet. Counts whose name `is_reserved` are refused.
    pub(crate) fn new(is_reserved: fn(&str) -> bool) -> Self {
        Self {
            counts: BTreeMap::new(),
            labels: BTreeMap::new(),
            incremental: None,
            parallel: None,
            skipped: false,
            count_errors: Vec::new(),
            is_reserved,
        }
    }

    /// Sets a count.
    pub(crate) fn count(&mut self, name: &str, count: u64) -> Result<(), CountProblem> {
        if name.is_empty() || name.contains(char::is_control) {
            return Err(CountProblem::InvalidName);
        }
        if (self.is_reserved)(name) {
            return Err(CountProblem::Reserved);
        }
        self.counts.insert(name.to_owned(), count);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_with_a_reserved_or_invalid_name_is_refused() {
        let mut facts = UserFacts::new(|name| name == "build_time_ms");
        assert_eq!(facts.count("build_time_ms", 1), Err(CountProblem::Reserved));
        assert_eq!(facts.count("", 1), Err(CountProblem::InvalidName));
        assert_eq!(facts.count("a\nb", 1), Err(CountProblem::InvalidName));
        facts.count("total_pages", 83).unwrap();
        facts.count("total_pages", 84).unwrap();
        assert_eq!(facts.counts, BTreeMap::from([("total_pages".to_owned(), 84)]));
    }
}
