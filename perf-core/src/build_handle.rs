//! The current build, as any part of the program can reach it.

use crate::count::{CountError, ItemCount};
use crate::phase::guard::PhaseGuard;
use crate::phase::handle::PhaseHandle;
#[cfg(feature = "track")]
use crate::{
    phase::{global::OPEN_BUILDS, open_builds::BuildNumber, thread::Thread, threads},
    registry::{CountProblem, Registry, UserFacts},
};

/// A build, to add facts to from anywhere in the program and to carry to other threads. Without a
/// build, or after its end, its methods do nothing.
#[derive(Debug, Clone, Copy)]
pub struct BuildHandle {
    #[cfg(feature = "track")]
    number: Option<BuildNumber>,
}

/// The current build: the one that this thread works for, or else the only one that is open.
///
/// ```
/// # extern crate perf_core as perf_runtime;
/// perf_runtime::build().count("total_pages", 83);
/// ```
#[must_use]
#[inline]
pub fn build() -> BuildHandle {
    BuildHandle {
        #[cfg(feature = "track")]
        number: if OPEN_BUILDS.epoch().any_open() {
            threads::current().and_then(Thread::build).or_else(|| OPEN_BUILDS.sole())
        } else {
            None
        },
    }
}

#[cfg_attr(
    not(feature = "track"),
    expect(unused_variables, clippy::needless_pass_by_value, reason = "nothing is measured")
)]
impl BuildHandle {
    /// Works for the build on this thread until the guard is dropped: phases entered meanwhile are
    /// top-level phases of it, and what is done in no phase is its `unattributed`.
    ///
    /// This is needed only if several builds are open at once: otherwise a thread works for the
    /// only one that is open anyway.
    ///
    /// ```
    /// # extern crate perf_core as perf_runtime;
    /// let build = perf_runtime::build();
    /// let worker = std::thread::spawn(move || {
    ///     let _guard = build.enter();
    ///     // … work of the build …
    /// });
    /// # worker.join().unwrap();
    /// ```
    #[inline]
    pub fn enter(&self) -> PhaseGuard {
        #[cfg(feature = "track")]
        let phase = PhaseHandle::of_build(self.number);
        #[cfg(not(feature = "track"))]
        let phase = PhaseHandle::current();
        phase.enter()
    }

    /// Sets a count of the tool, such as `total_pages`. It is a field of the record's top
    /// level. A count that cannot be set ([`CountError`]) is named in a warning when the build
    /// ends.
    #[inline]
    pub fn count(&self, name: &str, count: impl ItemCount) {
        #[cfg(feature = "track")]
        if let Err(error) = self.try_count(name, count) {
            self.change(|facts| facts.count_errors.push(error));
        }
    }

    /// Like [`Self::count`], and returns the error.
    ///
    /// # Errors
    ///
    /// [`CountError`] if the record has a field of that name, if the name is empty or contains a
    /// control character, or if the count is negative.
    #[inline]
    pub fn try_count(&self, name: &str, count: impl ItemCount) -> Result<(), CountError> {
        #[cfg(feature = "track")]
        if let Some(number) = self.number {
            if count.is_negative() {
                return Err(CountError::Negative(name.to_owned()));
            }
            let set = |facts: &mut UserFacts| facts.count(name, count.to_count());
            return match Registry::global().with_user_facts(number, set) {
                Some(Err(CountProblem::Reserved)) => Err(CountError::Reserved(name.to_owned())),
                Some(Err(CountProblem::InvalidName)) => {
                    Err(CountError::InvalidName(name.to_owned()))
                }
                Some(Ok(())) | None => Ok(()),
            };
        }
        Ok(())
    }

    /// Whether the build does only what has changed since the last one.
    #[inline]
    pub fn set_incremental(&self, incremental: bool) {
        #[cfg(feature = "track")]
        self.change(|facts| facts.incremental = Some(incremental));
    }

    /// Whether the build uses several threads.
    #[inline]
    pub fn set_parallel(&self, parallel: bool) {
        #[cfg(feature = "track")]
        self.change(|facts| facts.parallel = Some(parallel));
    }

    /// Labels the build.
    #[inline]
    pub fn set_label(&self, key: &str, value: &str) {
        #[cfg(feature = "track")]
        self.change(|facts| {
            facts.labels.insert(key.to_owned(), value.to_owned());
        });
    }

    /// Marks the build as one that had nothing to do. It is recorded and enters no baseline.
    #[inline]
    pub fn skip(&self) {
        #[cfg(feature = "track")]
        self.change(|facts| facts.skipped = true);
    }

    #[cfg(feature = "track")]
    fn change(self, change: impl FnOnce(&mut UserFacts)) {
        if let Some(number) = self.number {
            Registry::global().with_user_facts(number, change);
        }
    }
}
