//! What the values of a record's fields look like, as tables that are made of the fields' types.

use super::object::Field;

/// What the values of a field look like as this version writes them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A number.
    Float,
    /// A whole number that is not negative.
    Whole,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Word(&'static [&'static str]),
    /// An object of known fields.
    Object(&'static FieldTable),
    /// A list of such objects.
    Objects(&'static FieldTable),
    /// An object of numbers under names of the user's.
    Times,
    /// An object of texts under names of the user's.
    Texts,
    /// A list of the names of the user's counts.
    Counts,
}

/// The fields of an object in the order in which they are written.
#[derive(Debug)]
pub(crate) struct FieldTable {
    /// Their names, and what their values look like.
    pub(crate) fields: &'static [(&'static str, Kind)],
    /// Those that must be there, as a mask.
    pub(crate) required: u64,
}

/// The kind of the field that a function takes from an object.
pub(crate) const fn kind_of<O, F: Field>(_field: fn(&O) -> &F) -> Kind {
    F::KIND
}
