//! Facts that stand in a row.

use std::fmt::{self, Display, Formatter};

use anstream::adapter::strip_str;

use super::{DIM, WIDTH};

/// A labelled line of facts, separated by dots; it goes on below where it would be too long.
pub(super) struct Line<'f, 'g> {
    f: &'f mut Formatter<'g>,
    label: &'static str,
    /// How many columns are taken; none before the first fact.
    taken: usize,
}

impl<'f, 'g> Line<'f, 'g> {
    /// How wide the label is, or what stands for it on the lines below.
    const LABEL: usize = 9;

    pub(super) fn new(f: &'f mut Formatter<'g>, label: &'static str) -> Self {
        Self { f, label, taken: 0 }
    }

    pub(super) fn add(&mut self, fact: impl Display) -> fmt::Result {
        let fact = fact.to_string();
        let width = strip_str(&fact).to_string().chars().count();
        if self.taken == 0 {
            write!(self.f, "{DIM}{:<1$}{DIM:#}", self.label, Self::LABEL)?;
            self.taken = Self::LABEL;
        } else if self.taken + 3 + width <= WIDTH {
            write!(self.f, " {DIM}·{DIM:#} ")?;
            self.taken += 3;
        } else {
            write!(self.f, "\n{:1$}", "", Self::LABEL)?;
            self.taken = Self::LABEL;
        }
        self.taken += width;
        self.f.write_str(&fact)
    }

    /// Ends the line; one without facts is not there.
    pub(super) fn end(self) -> fmt::Result {
        if self.taken == 0 { Ok(()) } else { writeln!(self.f) }
    }
}
