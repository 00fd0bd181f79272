//! The collector: starts and ends builds, turns what was measured into a record, and saves it.

mod assemble;
mod build_handle;
mod build_id;
mod overhead;
#[cfg(samples_allocations)]
mod place;
mod size_limit;
mod switches;
#[cfg(samples_allocations)]
mod symbols;
mod timeline;
#[cfg(samples_allocations)]
mod top_allocators;
mod tracked_build;
mod warning;
#[cfg(not(samples_allocations))]
mod without_samples;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use perf_history::{Appended, BuildStats, History, HistoryError, Outcome, Profile, Timeline};

use crate::environment::{self, Observation};
use crate::phase::open_builds::BuildNumber;
use crate::phase::threads::Uncounted;
use crate::registry::{self, Measured};

pub use build_handle::{BuildHandle, build};
pub use tracked_build::{BuildGuard, build_future};

use switches::Switches;
#[cfg(samples_allocations)]
use top_allocators::{Samples, Sampling};
#[cfg(not(samples_allocations))]
use without_samples::{Samples, Sampling};

use crate::AllocationSampling;

/// Where records go unless something else is said.
const DEFAULT_DIR: &str = ".build-metrics";

/// Measures builds, one after another, and saves their records.
///
/// ```
/// use perf_runtime::PerformanceCollector;
/// # let dir = std::env::temp_dir().join(format!("perf-runtime-doc-{}", std::process::id()));
///
/// let mut collector = PerformanceCollector::new(&dir).with_tool("my-site", "1.2.0");
/// collector.start_build();
/// // … the build …
/// let stats = collector.end_build();
/// collector.save(&stats);
/// # std::fs::remove_dir_all(dir).unwrap();
/// ```
///
/// Dropping a collector while its build is open ends the build, with the outcome `panicked` while
/// unwinding and `failed` otherwise, and saves its record.
///
/// # Threads
///
/// The thread that calls [`start_build`](Self::start_build) is the build's own: `build_thread_ms` is its
/// time. What other threads do meanwhile is counted too.
///
/// Several builds may be open at once. A thread works for the one that it started, else for the
/// only one that is open; [`BuildHandle::enter`] says otherwise. What is done for none of several
/// is `unclaimed` in each. A build that a thread starts in the midst of another sets that one
/// aside until it ends: its memory is no part of the other, and its time is `unattributed` there.
pub struct PerformanceCollector {
    dir: PathBuf,
    tool: String,
    tool_version: Option<String>,
    /// Whether the tool's own crate was compiled with debug assertions.
    debug_assertions: bool,
    sampling: Option<AllocationSampling>,
    open: Option<Open>,
    /// Of the build that ended last. Made of memory that is counted nowhere.
    timeline: Option<Timeline>,
}

/// A build that is open.
struct Open {
    /// `None` where the build cannot be measured.
    number: Option<BuildNumber>,
    started: SystemTime,
    suspended_ns: Option<u64>,
    switches: Switches,
    sampling: Option<Sampling>,
    observation: Option<Observation>,
}

impl PerformanceCollector {
    /// A collector whose records go to `dir`. The tool is called like the running executable.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let tool = std::env::current_exe()
            .ok()
            .and_then(|it| it.file_stem().map(|it| it.to_string_lossy().into_owned()))
            .unwrap_or_else(|| String::from("unknown"));
        Self::of(dir.into(), tool, None)
    }

    /// A collector for `tool`, whose records go to `.build-metrics` in the current directory, or
    /// to where the environment variable `BUILD_METRICS_DIR` says.
    #[must_use]
    pub fn from_env(tool: impl Into<String>, version: impl Into<String>) -> Self {
        let dir = switches::dir().unwrap_or_else(|| PathBuf::from(DEFAULT_DIR));
        Self::of(dir, tool.into(), Some(version.into()))
    }

    fn of(dir: PathBuf, tool: String, tool_version: Option<String>) -> Self {
        let debug_assertions = cfg!(debug_assertions);
        Self {
            dir,
            tool,
            tool_version,
            debug_assertions,
            sampling: None,
            open: None,
            timeline: None,
        }
    }

    /// Names the tool and its version in the records.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<String>, version: impl Into<String>) -> Self {
        self.tool = tool.into();
        self.tool_version = Some(version.into());
        self
    }

    /// Samples allocations, so that each phase's record tells the places in the code that allocated
    /// most, and what was retained: [`PhaseStats::top_allocators`](crate::PhaseStats) and
    /// `retained_bytes`.
    ///
    /// `BUILD_METRICS_ALLOCATORS` in the environment has the last word. It takes the tracking
    /// allocator, the feature `allocators` of this crate, and Linux on x86-64 or ARM64; elsewhere one
    /// warning says so. Where several builds are open at once, all are sampled as the first is.
    /// [`end_build`](Self::end_build) reads the program's symbols then, which takes some tens of
    /// milliseconds.
    #[must_use]
    pub fn sample_allocations(mut self, sampling: AllocationSampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// Where the records go.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts a build: what is measured from here on is in its record. A build that this collector
    /// has open already is ended first, as one that was abandoned.
    ///
    /// With `BUILD_METRICS=off` in the environment nothing is measured.
    pub fn start_build(&mut self) {
        let _uncounted = Uncounted::begin();
        self.abandon();
        let switches = Switches::from_env();
        let observation = switches.on.then(|| Observation::begin(Path::new(".")));
        let started = SystemTime::now();
        let suspended_ns = environment::suspended_ns();
        let asked = switches.allocators.or(self.sampling).filter(|_| switches.on);
        let sampling = asked.and_then(Sampling::begin);
        // Last, so that nothing above is part of the build.
        let number = if switches.on { registry::start(switches.timeline) } else { None };
        self.open = Some(Open { number, started, suspended_ns, switches, sampling, observation });
    }

    /// Ends the build as a success, and gives its record. It is not saved yet.
    ///
    /// Without a build, or with measuring switched off, the record says no more than the tool's
    /// name.
    pub fn end_build(&mut self) -> BuildStats {
        self.hand_out(Outcome::Success)
    }

    /// Ends the build as a success or failure, by `result`, and gives its record. It is not saved
    /// yet.
    pub fn end_build_with<T, E>(&mut self, result: &Result<T, E>) -> BuildStats {
        self.hand_out(if result.is_ok() { Outcome::Success } else { Outcome::Failed })
    }

    /// Saves a record: appends it to the history, as often as this is called, so once for each
    /// build. Never fails: what went wrong is one warning, through the `log` crate, or on standard
    /// error where no logger is installed.
    pub fn save(&self, stats: &BuildStats) {
        let _uncounted = Uncounted::begin();
        let problem = match self.try_save(stats) {
            Ok(appended) => appended.and_then(|it| it.warning).map(|it| ("was saved, but", it)),
            Err(error) => Some(("was not saved:", error)),
        };
        if let Some((came_of_it, error)) = problem {
            warning::warn(&format!("the build's record {came_of_it} {error}"));
        }
    }

    /// As [`Self::save`], and tells what came of it: where the record is, and what went wrong
    /// although it is safe. `None` for a record without an id, as [`end_build`](Self::end_build)
    /// gives with measuring switched off: it is not saved, which is no error.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] says what could not be done, on which path and why. What was in the
    /// history is unharmed.
    pub fn try_save(&self, stats: &BuildStats) -> Result<Option<Appended>, HistoryError> {
        let _uncounted = Uncounted::begin();
        if stats.build_id.is_empty() {
            return Ok(None);
        }
        let history = History::open(&self.dir);
        size_limit::check(&history.path(), size_limit::RECORD)?;
        let mut appended = history.append(stats)?;
        let timeline = self.timeline.as_ref().filter(|it| it.build_id == stats.build_id);
        if let Some(Err(error)) = timeline.map(|it| self.save_timeline(&history, it)) {
            appended.warning.get_or_insert(error);
        }
        Ok(Some(appended))
    }

    fn save_timeline(&self, history: &History, timeline: &Timeline) -> Result<(), HistoryError> {
        size_limit::check(&self.dir.join("timelines"), timeline.max_file_bytes())?;
        history.save_timeline(timeline).map(drop)
    }

    /// The timeline of the build that ended last, where one was asked for: saving the build's
    /// record saves it beside the history.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }

    /// Ends the build. What the user gets is counted as the user's, who will free it; what it was
    /// made from is not.
    fn hand_out(&mut self, outcome: Outcome) -> BuildStats {
        let stats = self.end(outcome);
        let copy = stats.clone();
        drop_uncounted(stats);
        copy
    }

    /// Ends the build. The record is made of memory that is counted nowhere.
    fn end(&mut self, outcome: Outcome) -> BuildStats {
        let open = self.open.take();
        let measured = open.as_ref().and_then(|it| it.number).and_then(registry::end);
        let _uncounted = Uncounted::begin();
        let samples = open.as_ref().and_then(|it| Some(it.sampling.as_ref()?.collect(it.number?)));
        self.record(open, outcome, measured, samples)
    }

    fn record(
        &mut self,
        open: Option<Open>,
        outcome: Outcome,
        measured: Option<Measured>,
        samples: Option<Samples>,
    ) -> BuildStats {
        let (Some(open), Some(measured)) = (open, measured) else {
            return BuildStats { tool: self.tool.clone(), outcome, ..BuildStats::default() };
        };
        let mut stats = assemble::assemble(&open, outcome, &measured);
        stats.set_started_at(open.started);
        stats.tool.clone_from(&self.tool);
        stats.tool_version.clone_from(&self.tool_version);
        stats.profile = Some(if self.debug_assertions { Profile::Debug } else { Profile::Release });
        self.timeline = timeline::timeline(&stats.build_id, &self.tool, &measured);
        stats.timeline = self.timeline.as_ref().map(timeline::facts);
        if let Some(observation) = open.observation {
            assemble::add_facts(&mut stats, observation.finish());
        }
        // Last, as it takes a while, and the record's size matters.
        if let Some(samples) = samples.filter(|_| stats.alloc_count.is_some()) {
            samples.add_to(&mut stats, &measured);
        }
        stats
    }

    /// Ends the build that is open, if any, as one that did not come to its end.
    fn abandon(&mut self) {
        if self.open.is_some() {
            let outcome =
                if std::thread::panicking() { Outcome::Panicked } else { Outcome::Failed };
            let stats = self.end(outcome);
            self.save(&stats);
            drop_uncounted(stats);
        }
    }
}

/// Drops a record that was made of memory that is counted nowhere.
fn drop_uncounted(stats: BuildStats) {
    let _uncounted = Uncounted::begin();
    drop(stats);
}

impl std::fmt::Debug for PerformanceCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PerformanceCollector")
            .field("dir", &self.dir)
            .field("tool", &self.tool)
            .field("tool_version", &self.tool_version)
            .field("is_open", &self.open.is_some())
            .finish_non_exhaustive()
    }
}

impl Drop for PerformanceCollector {
    fn drop(&mut self) {
        self.abandon();
        let _uncounted = Uncounted::begin();
        self.timeline = None;
    }
}
