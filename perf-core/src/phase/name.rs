//! Names of phases, interned: the same name has the same number wherever it is used.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use crate::measure::uncounted::Uncounted;

/// A name's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NameId(u32);

impl NameId {
    /// The name of the phase that collects all phases beyond the limits.
    pub(crate) const OTHER: Self = Self(1);

    /// The plain number, never 0.
    #[inline]
    pub(crate) fn to_raw(self) -> u32 {
        self.0
    }

    /// The inverse of [`Self::to_raw`]; `None` for 0.
    #[inline]
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        (raw != 0).then_some(Self(raw))
    }
}

/// The name of [`NameId::OTHER`].
const OTHER: &str = "(other)";
/// The name of a phase whose name is empty.
const UNNAMED: &str = "(unnamed)";
/// The maximum number of names. Further names become `(other)`.
const MAX_NAMES: usize = 65_536;
/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// The names of all phases of all builds.
pub(crate) static NAMES: NameTable = NameTable::new();

/// A table of names. They are never freed, as phases of any later build may use them.
pub(crate) struct NameTable(OnceCell<Mutex<Names>>);

struct Names {
    ids: HashMap<&'static str, NameId>,
    names: Vec<&'static str>,
}

impl Names {
    fn new() -> Self {
        // Index 0 is no name, so that 0 can mean "not looked up yet".
        let mut names = Self { ids: HashMap::new(), names: vec![""] };
        names.add(OTHER);
        names
    }

    fn add(&mut self, name: &'static str) -> NameId {
        let id = u32::try_from(self.names.len()).map_or(NameId::OTHER, NameId);
        self.names.push(name);
        self.ids.insert(name, id);
        id
    }
}

impl NameTable {
    const fn new() -> Self {
        Self(OnceCell::new())
    }

    fn names(&self) -> &Mutex<Names> {
        self.0.get_or_init(|| Mutex::new(Names::new()))
    }

    /// The number of a name. A name that cannot be part of a path is changed: see [`valid`].
    pub(crate) fn intern(&self, name: &str) -> NameId {
        let _uncounted = Uncounted::begin();
        let name = valid(name);
        let mut names = self.names().lock();
        match names.ids.get(&*name) {
            Some(&known) => known,
            None if names.names.len() >= MAX_NAMES => NameId::OTHER,
            None => names.add(String::leak(name.into_owned())),
        }
    }

    /// The name with the number `id`.
    pub(crate) fn resolve(&self, id: NameId) -> &'static str {
        self.names().lock().names.get(id.0 as usize).copied().unwrap_or_default()
    }
}

/// How many names each thread caches; a power of two.
const RECENT: usize = 64;

thread_local! {
    /// Names that the thread looked up recently, indexed by their hash.
    static RECENT_NAMES: [Cell<Option<(&'static str, NameId)>>; RECENT] =
        const { [const { Cell::new(None) }; RECENT] };
}

/// The number of a name in [`NAMES`].
///
/// PERF: a name that the thread looked up recently takes no lock.
pub(crate) fn intern_cached(name: &str) -> NameId {
    let look_up = || NAMES.intern(name);
    RECENT_NAMES
        .try_with(|recent| {
            let slot = &recent[hash(name) % RECENT];
            match slot.get() {
                Some((known, id)) if known == name => id,
                _ => {
                    let id = look_up();
                    let kept = NAMES.resolve(id);
                    // An invalid name is not cached, as it differs from the one that is kept.
                    if kept == name {
                        slot.set(Some((kept, id)));
                    }
                    id
                }
            }
        })
        .unwrap_or_else(|_| look_up())
}

/// FNV-1a, folded to its high bits, which depend on all bytes.
fn hash(name: &str) -> usize {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 32) as usize
}

/// A name that can be part of a path: `/` and control characters become `_`, what is longer than
/// 256 bytes is cut, and an empty name is `(unnamed)`.
fn valid(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        return Cow::Borrowed(UNNAMED);
    }
    let mut end = name.len().min(MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let cut = &name[..end];
    let invalid = |character: char| character == '/' || character.is_control();
    if cut.contains(invalid) { Cow::Owned(cut.replace(invalid, "_")) } else { Cow::Borrowed(cut) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_has_the_same_number() {
        let names = NameTable::new();
        let first = names.intern("a");
        assert_eq!(names.intern("a"), first);
        assert_ne!(names.intern("b"), first);
        assert_eq!(names.resolve(first), "a");
        assert_eq!(NameId::from_raw(first.to_raw()), Some(first));
    }

    #[test]
    fn a_name_that_cannot_be_part_of_a_path_is_changed() {
        assert_eq!(valid("a/b\n\u{7f}"), "a_b__");
        assert_eq!(valid(""), UNNAMED);
        let long = "é".repeat(200);
        assert_eq!(valid(&long), "é".repeat(128));
    }

    #[test]
    fn the_name_for_too_many_names_is_interned() {
        let names = NameTable::new();
        assert_eq!(names.resolve(NameId::OTHER), OTHER);
        assert_eq!(names.intern(OTHER), NameId::OTHER);
    }

    /// `enter` took the lock of all names on each call.
    #[test]
    fn a_name_that_was_entered_recently_is_found_without_the_lock() {
        let id = intern_cached("name::recent");
        let lock = NAMES.names().lock();
        assert_eq!(intern_cached("name::recent"), id);
        drop(lock);
        assert_eq!(NAMES.intern("name::recent"), id);
        // A name that is changed gets the same number as the name that it becomes.
        assert_eq!(intern_cached("name::a/b"), intern_cached("name::a_b"));
        assert_ne!(intern_cached("name::a/c"), intern_cached("name::a_b"));
    }
}
