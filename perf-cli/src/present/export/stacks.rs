//! Quantities by stack: what flame graphs are made of.

/// What a quantity is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Time in nanoseconds.
    Nanoseconds,
    /// Bytes.
    Bytes,
    /// Numbers of things.
    Count,
}

/// How much there is of something in each phase itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stacks {
    /// What it is: `self time on all threads`.
    pub name: String,
    /// What [`Stack::value`] is in.
    pub unit: Unit,
    /// In the order of the tree, a phase before those below it.
    pub entries: Vec<Stack>,
    /// What may still be added, so that no sum overflows.
    room: u64,
}

/// How much there is of it in one phase, without those below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The phases from the root, each by its name as it stands in the record.
    pub frames: Vec<String>,
    /// How much; not 0.
    pub value: u64,
}

/// No sum exceeds this, whatever a record says: readers calculate with signed numbers.
const MOST: u64 = 1 << 62;

impl Stacks {
    /// Of this, nothing yet.
    pub(crate) fn new(name: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), unit, entries: Vec::new(), room: MOST }
    }

    /// Adds what there is of it in a phase, if there is any: of what exceeds all that a build can
    /// have, as much as fits.
    pub(crate) fn push(&mut self, frames: Vec<String>, value: u64) {
        let value = value.min(self.room);
        if value > 0 {
            self.room -= value;
            self.entries.push(Stack { frames, value });
        }
    }

    /// The sum of all.
    pub(crate) fn total(&self) -> u64 {
        MOST - self.room
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
        assert_eq!(values, [3, MOST - 3]);
        assert_eq!(stacks.total(), MOST);
    }
}
