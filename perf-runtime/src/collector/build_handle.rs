//! A build that is running, from anywhere in the program and on any thread.

use crate::ItemCount;
use crate::phase::guard::PhaseGuard;
use crate::phase::handle::PhaseHandle;
use crate::phase::open_builds::{self, BuildNumber, Epoch};
use crate::phase::thread::Thread;
use crate::phase::threads::{self, Uncounted};
use crate::registry::{self, CountError};

use super::warning::warn;

/// A build, to be told of from anywhere in the program, and to be carried to other threads. Where
/// there is none, or it has ended, nothing happens.
#[derive(Debug, Clone, Copy)]
pub struct BuildHandle {
    number: Option<BuildNumber>,
}

/// The build that is running, as far as the present thread knows: the one that it works for, or
/// else the only one that is open.
///
/// ```
/// perf_runtime::build().count("total_pages", 83);
/// ```
#[must_use]
pub fn build() -> BuildHandle {
    let number = if Epoch::now().any_open() {
        threads::present().and_then(Thread::build).or_else(open_builds::sole)
    } else {
        None
    };
    BuildHandle { number }
}

impl BuildHandle {
    /// Works for the build on this thread, until the guard is dropped: phases entered meanwhile are
    /// top-level phases of it, and what is done in no phase is its `unattributed`.
    ///
    /// Only where several builds are open at once is this needed: a thread works for the only one
    /// that is open anyway.
    ///
    /// ```
    /// let build = perf_runtime::build();
    /// let worker = std::thread::spawn(move || {
    ///     let _guard = build.enter();
    ///     // … work of the build …
    /// });
    /// # worker.join().unwrap();
    /// ```
    pub fn enter(&self) -> PhaseGuard {
        PhaseHandle::of_build(self.number).enter()
    }

    /// Sets a count of the user's own, such as `total_pages`. It stands at the top level of the
    /// record. A name that the record uses itself is refused with a warning.
    pub fn count(&self, name: &str, count: impl ItemCount) {
        let _uncounted = Uncounted::begin();
        if let Err(error) = self.try_count(name, count) {
            warn(&error.to_string());
        }
    }

    /// As [`Self::count`], and gives the error back.
    ///
    /// # Errors
    ///
    /// [`CountError`] where the name is one that the record uses itself, is empty, or holds a
    /// control character, and where the count is less than 0.
    pub fn try_count(&self, name: &str, count: impl ItemCount) -> Result<(), CountError> {
        let Some(number) = self.number else { return Ok(()) };
        if count.is_below_zero() {
            return Err(CountError::Negative(name.to_owned()));
        }
        registry::with_user_facts(number, |user| user.count(name, count.to_count()))
            .unwrap_or(Ok(()))
            .map_err(|refusal| refusal.of(name))
    }

    /// Whether the build does only what has changed since the last.
    pub fn set_incremental(&self, incremental: bool) {
        self.change(|user| user.incremental = Some(incremental));
    }

    /// Whether the build uses several threads.
    pub fn set_parallel(&self, parallel: bool) {
        self.change(|user| user.parallel = Some(parallel));
    }

    /// Labels the build.
    pub fn set_label(&self, key: &str, value: &str) {
        self.change(|user| {
            user.labels.insert(key.to_owned(), value.to_owned());
        });
    }

    /// Says that there was nothing to do. Such a build is recorded, and enters no baseline.
    pub fn skip(&self) {
        self.change(|user| user.skipped = true);
    }

    fn change(self, change: impl FnOnce(&mut registry::UserFacts)) {
        if let Some(number) = self.number {
            registry::with_user_facts(number, change);
        }
    }
}
