//! The interface with measuring compiled out: the same names, and nothing happens.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use perf_history::{Appended, BuildStats, HistoryError, Outcome, Timeline};

use crate::{AllocationSampling, ItemCount};

/// A phase that was entered; with measuring compiled out, nothing.
#[must_use = "the phase ends when the guard is dropped"]
#[derive(Debug)]
pub struct PhaseGuard {
    _thread: PhantomData<*const ()>,
}

impl Drop for PhaseGuard {
    #[inline]
    fn drop(&mut self) {}
}

/// Enters a phase; with measuring compiled out, does nothing.
#[inline]
pub fn enter(name: impl AsRef<str>) -> PhaseGuard {
    drop(name);
    PhaseGuard { _thread: PhantomData }
}

/// Adds to the items of a phase; with measuring compiled out, does nothing.
#[inline]
pub fn add_items(items: impl ItemCount) {
    drop(items);
}

/// Why a count was refused; with measuring compiled out, none is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CountError(Infallible);

impl std::fmt::Display for CountError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {}
    }
}

impl std::error::Error for CountError {}

/// The build that is running; with measuring compiled out, none.
#[derive(Debug, Clone, Copy)]
pub struct BuildHandle(());

/// The build that is running; with measuring compiled out, none.
#[inline]
#[must_use]
pub fn build() -> BuildHandle {
    BuildHandle(())
}

impl BuildHandle {
    /// Does nothing.
    #[inline]
    pub fn enter(&self) -> PhaseGuard {
        PhaseGuard { _thread: PhantomData }
    }

    /// Does nothing.
    #[inline]
    pub fn count(&self, _name: &str, count: impl ItemCount) {
        drop(count);
    }

    /// Does nothing.
    ///
    /// # Errors
    ///
    /// None.
    #[inline]
    pub fn try_count(&self, _name: &str, count: impl ItemCount) -> Result<(), CountError> {
        drop(count);
        Ok(())
    }

    /// Does nothing.
    #[inline]
    pub fn set_incremental(&self, _incremental: bool) {}

    /// Does nothing.
    #[inline]
    pub fn set_parallel(&self, _parallel: bool) {}

    /// Does nothing.
    #[inline]
    pub fn set_label(&self, _key: &str, _value: &str) {}

    /// Does nothing.
    #[inline]
    pub fn skip(&self) {}
}

/// A phase to go on with on another thread; with measuring compiled out, none.
#[derive(Debug, Clone, Copy)]
pub struct PhaseHandle(());

impl PhaseHandle {
    /// No phase.
    #[inline]
    #[must_use]
    pub fn current() -> Self {
        Self(())
    }

    /// Does nothing.
    #[inline]
    pub fn enter(&self) -> PhaseGuard {
        PhaseGuard { _thread: PhantomData }
    }
}

/// Futures that can be handed off; with measuring compiled out, that leaves them as they are.
pub trait InCurrentPhase: Future + Sized {
    /// Gives the future back.
    #[inline]
    #[must_use = "futures do nothing unless polled"]
    fn in_current_phase(self) -> HandedFuture<Self> {
        self
    }
}

impl<F: Future> InCurrentPhase for F {}

/// A future that was handed off; with measuring compiled out, the future itself.
pub type HandedFuture<F> = F;

/// Measures builds; with measuring compiled out, it knows the tool's name and no more.
#[derive(Debug)]
pub struct PerformanceCollector {
    dir: PathBuf,
    tool: String,
    tool_version: Option<String>,
}

impl PerformanceCollector {
    /// A collector that saves nothing.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), tool: String::new(), tool_version: None }
    }

    /// A collector for `tool` that saves nothing.
    #[must_use]
    pub fn from_env(tool: impl Into<String>, version: impl Into<String>) -> Self {
        Self::new("").with_tool(tool, version)
    }

    /// Names the tool and its version.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<String>, version: impl Into<String>) -> Self {
        self.tool = tool.into();
        self.tool_version = Some(version.into());
        self
    }

    /// Does nothing.
    #[must_use]
    pub fn sample_allocations(self, _sampling: AllocationSampling) -> Self {
        self
    }

    /// Where records would go.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Does nothing.
    pub fn start_build(&mut self) {}

    /// A record that says no more than the tool's name.
    pub fn end_build(&mut self) -> BuildStats {
        self.blank(Outcome::Success)
    }

    /// As [`Self::end_build`], with the outcome of `result`.
    pub fn end_build_with<T, E>(&mut self, result: &Result<T, E>) -> BuildStats {
        self.blank(if result.is_ok() { Outcome::Success } else { Outcome::Failed })
    }

    /// Does nothing.
    pub fn save(&self, _stats: &BuildStats) {}

    /// Does nothing.
    ///
    /// # Errors
    ///
    /// None.
    pub fn try_save(&self, _stats: &BuildStats) -> Result<Option<Appended>, HistoryError> {
        Ok(None)
    }

    /// None: nothing is measured.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        None
    }

    fn blank(&self, outcome: Outcome) -> BuildStats {
        BuildStats {
            tool: self.tool.clone(),
            tool_version: self.tool_version.clone(),
            outcome,
            ..BuildStats::default()
        }
    }
}

/// What the expansions of the macros refer to.
#[allow(missing_docs, reason = "not part of the API")]
pub mod expansion {
    use perf_history::Outcome;

    use super::PhaseGuard;

    /// Whether any build is open; with measuring compiled out, none is.
    #[inline]
    #[must_use]
    pub fn any_build_open() -> bool {
        false
    }

    /// A place in the source where a phase is entered.
    #[derive(Debug)]
    pub struct Site(());

    impl Site {
        #[must_use]
        pub const fn new(_name: &'static str, _file: &'static str, _line: u32) -> Self {
            Self(())
        }

        #[inline]
        pub fn enter(&'static self) -> PhaseGuard {
            super::enter("")
        }

        #[inline]
        pub fn future<F: Future>(&'static self, future: F) -> F {
            future
        }

        #[inline]
        pub fn future_with_items<F: Future>(&'static self, _items: u64, future: F) -> F {
            future
        }
    }

    /// An open build; with measuring compiled out, nothing.
    #[derive(Debug)]
    pub struct BuildGuard(());

    impl BuildGuard {
        #[inline]
        #[must_use]
        pub fn start(_: &'static str, _: Option<&'static str>, _debug_assertions: bool) -> Self {
            Self(())
        }

        #[inline]
        pub fn finish(self, _outcome: Outcome) {}
    }

    impl Drop for BuildGuard {
        #[inline]
        fn drop(&mut self) {}
    }

    #[inline]
    pub fn build_future<F: Future>(
        future: F,
        _tool: &'static str,
        _version: Option<&'static str>,
        _debug_assertions: bool,
        _outcome: fn(&F::Output) -> Outcome,
    ) -> impl Future<Output = F::Output> {
        future
    }

    pub use crate::outcome::{OutcomeOfAny, OutcomeProbe};

    pub type CarriedPhase = &'static [()];

    #[inline]
    #[must_use]
    pub fn carry() -> CarriedPhase {
        &[]
    }

    #[inline]
    pub fn enter_carried(_phase: CarriedPhase) -> PhaseGuard {
        super::enter("")
    }

    #[inline]
    pub fn carried_future<F: Future>(
        _phase: CarriedPhase,
        future: F,
    ) -> impl Future<Output = F::Output> {
        future
    }
}
