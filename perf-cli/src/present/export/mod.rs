//! Formats of other programs: trace viewers, flame graphs and monitoring.
//!
//! Text from a history is escaped by [`terminal`](super::escape::terminal); each format escapes its own
//! syntax in addition.

pub(crate) mod chrome_trace;
pub(crate) mod folded;
pub(crate) mod speedscope;
mod trace;

use super::escape;

pub(crate) use trace::{Lane, Phase, Phases, Slice};

/// Shown for a name that is empty or blank.
const UNNAMED: &str = "(unnamed)";

/// A name for a viewer.
pub(crate) fn shown(name: &str) -> String {
    match name.trim() {
        "" => UNNAMED.to_owned(),
        _ => escape::terminal(name).into_owned(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanoseconds,
    Bytes,
    Count,
}

/// The self value of a quantity in each phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stacks {
    /// Such as `self time on all threads`.
    pub name: String,
    pub unit: Unit,
    /// In tree order, parents before children.
    pub entries: Vec<Stack>,
    /// How much can be added before the sum reaches its limit.
    room: u64,
}

/// The self value of one phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The names of the phases from the root, as in the record.
    pub frames: Vec<String>,
    /// Not 0.
    pub value: u64,
}

/// The limit of sums, because readers use signed numbers.
const MAX: u64 = 1 << 62;

impl Stacks {
    pub(crate) fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit, entries: Vec::new(), room: MAX }
    }

    /// Adds the value of a phase if it is not 0, limited so that the sum stays within bounds.
    pub(crate) fn push(&mut self, frames: Vec<String>, value: u64) {
        let value = value.min(self.room);
        if value > 0 {
            self.room -= value;
            self.entries.push(Stack { frames, value });
        }
    }

    pub(crate) fn total(&self) -> u64 {
        MAX - self.room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_overflows_whatever_is_added() {
        let mut stacks = Stacks::new("time", Unit::Nanoseconds);
        for value in [3, u64::MAX, 7, 0] {
            stacks.push(vec!["a".to_owned()], value);
        }
        let values: Vec<u64> = stacks.entries.iter().map(|stack| stack.value).collect();
        assert_eq!(values, [3, MAX - 3]);
        assert_eq!(stacks.total(), MAX);
    }
}
