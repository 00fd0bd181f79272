//! Names of phases, interned: a name is the same number wherever it is used.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use super::threads::Uncounted;

/// A name's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NameId(u32);

impl NameId {
    /// The phase that stands in for those that are too many to keep.
    pub(crate) const OTHER: Self = Self(1);

    /// As a plain number, never 0.
    #[inline]
    pub(crate) fn to_raw(self) -> u32 {
        self.0
    }

    /// What [`Self::to_raw`] gave; `None` for 0.
    #[inline]
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        (raw != 0).then_some(Self(raw))
    }
}

/// What [`NameId::OTHER`] is called.
const OTHER: &str = "(other)";
/// What a name without a character is called.
const UNNAMED: &str = "(unnamed)";
/// How many names are kept. A program that makes more at run time gets `(other)` for the rest.
const MOST: usize = 65_536;
/// The longest name, in bytes.
const LONGEST: usize = 256;

struct Names {
    ids: HashMap<Arc<str>, NameId>,
    names: Vec<Arc<str>>,
}

static NAMES: OnceCell<Mutex<Names>> = OnceCell::new();

fn names() -> &'static Mutex<Names> {
    NAMES.get_or_init(|| Mutex::new(Names::new()))
}

impl Names {
    fn new() -> Self {
        // Index 0 is no name, so that 0 can mean "not asked for yet".
        let mut names = Self { ids: HashMap::new(), names: vec![Arc::from("")] };
        names.add(OTHER);
        names
    }

    fn add(&mut self, name: &str) -> NameId {
        let id = u32::try_from(self.names.len()).map_or(NameId::OTHER, NameId);
        let name: Arc<str> = Arc::from(name);
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        id
    }
}

/// The number of a name. A name that cannot stand in a path is made to: `/` and control characters
/// become `_`, what is longer than 256 bytes is cut, and no name at all is `(unnamed)`.
pub(crate) fn intern(name: &str) -> NameId {
    let _uncounted = Uncounted::begin();
    let name = fit(name);
    let mut names = self::names().lock();
    match names.ids.get(&*name) {
        Some(&known) => known,
        None if names.names.len() >= MOST => NameId::OTHER,
        None => names.add(&name),
    }
}

/// The name that goes by a number.
pub(crate) fn resolve(id: NameId) -> Arc<str> {
    let names = self::names().lock();
    Arc::clone(names.names.get(id.0 as usize).unwrap_or(&names.names[0]))
}

fn fit(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        return Cow::Borrowed(UNNAMED);
    }
    let cut = &name[..name.floor_char_boundary(LONGEST)];
    let stray = |it: char| it == '/' || it.is_control();
    if cut.contains(stray) { Cow::Owned(cut.replace(stray, "_")) } else { Cow::Borrowed(cut) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_has_the_same_number() {
        let first = intern("name::a");
        assert_eq!(intern("name::a"), first);
        assert_ne!(intern("name::b"), first);
        assert_eq!(&*resolve(first), "name::a");
        assert_eq!(NameId::from_raw(first.to_raw()), Some(first));
    }

    #[test]
    fn a_name_that_cannot_stand_in_a_path_is_made_to() {
        assert_eq!(fit("a/b\n\u{7f}"), "a_b__");
        assert_eq!(fit(""), UNNAMED);
        let long = "é".repeat(200);
        assert_eq!(fit(&long), "é".repeat(128));
    }

    #[test]
    fn the_stand_in_for_too_many_names_has_its_name() {
        assert_eq!(&*resolve(NameId::OTHER), OTHER);
        assert_eq!(intern(OTHER), NameId::OTHER);
    }
}
