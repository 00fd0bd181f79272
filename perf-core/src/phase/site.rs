//! A site: a place in the source where a phase is entered.

#[cfg(feature = "track")]
use std::sync::atomic::{AtomicU32, Ordering};

use super::guard::PhaseGuard;
#[cfg(feature = "track")]
use super::{
    global::OPEN_BUILDS,
    name::{NAMES, NameId},
    path::Location,
};

/// Whether any build is open.
#[inline]
#[must_use]
pub fn any_build_open() -> bool {
    #[cfg(feature = "track")]
    return OPEN_BUILDS.epoch().any_open();
    #[cfg(not(feature = "track"))]
    false
}

/// A place in the source where a phase is entered. Made by the macros, in a `static`.
#[derive(Debug)]
pub struct Site {
    #[cfg(feature = "track")]
    name: &'static str,
    #[cfg(feature = "track")]
    location: Location,
    /// The name's number, 0 until it is looked up.
    #[cfg(feature = "track")]
    id: AtomicU32,
}

impl Site {
    /// A site of the phase `name`, annotated at `line` of `file`.
    ///
    /// # Panics
    ///
    /// If the name is empty or contains `/` or a control character: at compile time, in a `static`.
    #[must_use]
    #[cfg_attr(not(feature = "track"), expect(unused_variables, reason = "nothing is measured"))]
    pub const fn new(name: &'static str, file: &'static str, line: u32) -> Self {
        assert!(
            name_is_valid(name),
            "phase names cannot be empty or contain `/` (it separates path components) or control characters"
        );
        Self {
            #[cfg(feature = "track")]
            name,
            #[cfg(feature = "track")]
            location: Location { file, line },
            #[cfg(feature = "track")]
            id: AtomicU32::new(0),
        }
    }

    /// Enters the phase until the guard is dropped.
    #[inline]
    #[must_use = "the phase ends when the guard is dropped"]
    pub fn enter(&'static self) -> PhaseGuard {
        #[cfg(feature = "track")]
        if OPEN_BUILDS.epoch().any_open() {
            return PhaseGuard::open::<true>(self.id(), Some(&self.location));
        }
        PhaseGuard::closed()
    }

    /// The name's number, looked up once.
    #[cfg(feature = "track")]
    #[inline]
    pub(crate) fn id(&self) -> NameId {
        NameId::from_raw(self.id.load(Ordering::Relaxed)).unwrap_or_else(|| self.look_up())
    }

    /// Where the phase is annotated.
    #[cfg(feature = "track")]
    pub(crate) fn location(&'static self) -> &'static Location {
        &self.location
    }

    #[cfg(feature = "track")]
    #[cold]
    #[inline(never)]
    fn look_up(&self) -> NameId {
        let id = NAMES.intern(self.name);
        self.id.store(id.to_raw(), Ordering::Relaxed);
        id
    }
}

/// Whether `name` can be the name of a phase: it is not empty and contains neither `/` nor a
/// control character.
const fn name_is_valid(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        // C1 controls are the only control characters beyond ASCII: C2 80 to C2 9F.
        let c1 = bytes[index] == 0xC2 && index + 1 < bytes.len() && bytes[index + 1] < 0xA0;
        if bytes[index] == b'/' || bytes[index].is_ascii_control() || c1 {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::name_is_valid;

    #[test]
    fn names_contain_no_slash_and_no_control_character_and_are_not_empty() {
        for valid in ["render", "a b", "größe", "ページ", "\u{a0}"] {
            assert!(name_is_valid(valid), "{valid:?}");
            assert!(!valid.contains(char::is_control));
        }
        for invalid in ["", "a/b", "\n", "a\u{7f}", "\u{85}"] {
            assert!(!name_is_valid(invalid), "{invalid:?}");
        }
    }
}
