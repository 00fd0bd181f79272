//! A place in the source where a phase is entered.

use std::sync::atomic::{AtomicU32, Ordering};

use super::future::TrackedFuture;
use super::guard::PhaseGuard;
use super::name::{self, NameId};
use super::open_builds::Epoch;

/// A place in the source where a phase is entered. Made by the macros.
#[derive(Debug)]
pub struct Site {
    name: &'static str,
    #[expect(dead_code, reason = "not recorded yet")]
    file: &'static str,
    #[expect(dead_code, reason = "not recorded yet")]
    line: u32,
    id: AtomicU32,
}

impl Site {
    /// The site of a phase, which is annotated in this line.
    ///
    /// # Panics
    ///
    /// Where the name is empty or holds `/` or a control character: at compile time, in a `static`.
    #[must_use]
    pub const fn new(name: &'static str, file: &'static str, line: u32) -> Self {
        assert!(
            crate::name_is_valid(name),
            "a phase name cannot be empty or contain `/` or control characters"
        );
        Self { name, file, line, id: AtomicU32::new(0) }
    }

    /// Enters the phase until the guard is dropped.
    #[inline]
    #[must_use = "the phase ends when the guard is dropped"]
    pub fn enter(&'static self) -> PhaseGuard {
        if Epoch::now().any_open() {
            PhaseGuard::open::<true>(self.id())
        } else {
            PhaseGuard::closed()
        }
    }

    /// A future that is a call of the phase, from its first poll to its completion.
    pub fn future<F: Future>(&'static self, future: F) -> TrackedFuture<F> {
        TrackedFuture::new(self, 0, future)
    }

    /// As [`Self::future`], for a call that works on `items` items.
    pub fn future_with_items<F: Future>(&'static self, items: u64, future: F) -> TrackedFuture<F> {
        TrackedFuture::new(self, items, future)
    }

    /// The name's number, looked up once.
    #[inline]
    pub(crate) fn id(&self) -> NameId {
        NameId::from_raw(self.id.load(Ordering::Relaxed)).unwrap_or_else(|| self.look_up())
    }

    #[cold]
    #[inline(never)]
    fn look_up(&self) -> NameId {
        let id = name::intern(self.name);
        self.id.store(id.to_raw(), Ordering::Relaxed);
        id
    }
}
