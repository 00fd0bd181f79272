//! The collector: starts and ends builds, turns what was measured into a record, and saves it.

#[cfg(feature = "track")]
mod assemble;
#[cfg(feature = "track")]
mod build_id;
mod size_limit;
#[cfg(feature = "track")]
mod switches;
#[cfg(feature = "track")]
mod timeline;
mod warning;

use std::cell::Cell;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use perf_history::switches::Switches;
use perf_history::{Appended, BuildStats, History, HistoryError, Outcome, Timeline};

use crate::AllocationSampling;
use crate::outcome::Returned;

#[cfg(feature = "track")]
use {
    crate::environment::{self, Observation},
    perf_core::recorder::{BuildNumber, BuildOptions, Measured, Registry, Uncounted},
    perf_history::Profile,
    std::time::SystemTime,
};

/// Where records go by default.
const DEFAULT_DIR: &str = perf_history::DEFAULT_DIR;

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
/// # let _ = std::fs::remove_dir_all(dir);
/// ```
///
/// Dropping a collector while its build is open ends the build and saves its record, with the
/// outcome `panicked` while unwinding and `failed` otherwise.
///
/// # Threads
///
/// The thread that calls [`start_build`](Self::start_build) is the build thread:
/// `build_thread_ms` is its time. What other threads do meanwhile is counted too.
///
/// Several builds may be open at once. A thread works for the build that it started, else for the
/// only one that is open; `BuildHandle::enter` chooses another. What is done for none of several
/// builds is `unclaimed` in each. A build that a thread starts during another suspends that one
/// until it ends: its memory is not part of the other, and its time is `unattributed` there.
pub struct PerformanceCollector {
    dir: PathBuf,
    tool: String,
    tool_version: Option<String>,
    sampling: Option<AllocationSampling>,
    /// Whether the tool's own crate was compiled with debug assertions.
    #[cfg(feature = "track")]
    debug_assertions: bool,
    #[cfg(feature = "track")]
    open: Option<Open>,
    /// Of the build that ended last. Made of memory that is counted nowhere.
    timeline: Option<Timeline>,
    /// A build belongs to one thread at a time.
    _not_sync: PhantomData<Cell<()>>,
}

/// A build that is open.
#[cfg(feature = "track")]
struct Open {
    /// `None` if the build cannot be measured.
    number: Option<BuildNumber>,
    started: SystemTime,
    suspended_ns: Option<u64>,
    switches: Switches,
    #[cfg(feature = "allocators")]
    sampling: Option<perf_sampling::Sampling>,
    observation: Option<Observation>,
}

impl PerformanceCollector {
    /// A collector whose records go to `dir`. The tool is named like the running executable.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let tool = std::env::current_exe()
            .ok()
            .and_then(|path| path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        Self::for_tool(dir.into(), tool.unwrap_or_else(|| String::from("unknown")), None)
    }

    /// A collector for `tool` whose records go to `.build-metrics` in the current directory, or to
    /// the directory in the environment variable `BUILD_METRICS_DIR`.
    #[must_use]
    pub fn from_env(tool: impl Into<String>, version: impl Into<String>) -> Self {
        let dir = Switches::from_env().dir.unwrap_or_else(|| PathBuf::from(DEFAULT_DIR));
        Self::for_tool(dir, tool.into(), Some(version.into()))
    }

    fn for_tool(dir: PathBuf, tool: String, tool_version: Option<String>) -> Self {
        Self {
            dir,
            tool,
            tool_version,
            sampling: None,
            #[cfg(feature = "track")]
            debug_assertions: cfg!(debug_assertions),
            #[cfg(feature = "track")]
            open: None,
            timeline: None,
            _not_sync: PhantomData,
        }
    }

    /// Names the tool and its version in the records.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<String>, version: impl Into<String>) -> Self {
        self.tool = tool.into();
        self.tool_version = Some(version.into());
        self
    }

    /// Samples allocations, so that each phase's record lists the places in the code that
    /// allocated most, and what was retained: `PhaseStats::top_allocators` and `retained_bytes`.
    ///
    /// `BUILD_METRICS_ALLOCATORS` in the environment overrides this. It needs the tracking
    /// allocator, the feature `allocators` of this crate, and Linux on x86-64 or ARM64; elsewhere
    /// one warning says so. If several builds are open at once, all are sampled like the first.
    /// [`end_build`](Self::end_build) then reads the program's symbols, which takes some tens of
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

    /// Starts a build: what is measured from here on is in its record. If this collector has an
    /// open build already, that is ended first, as one that was abandoned.
    ///
    /// With `BUILD_METRICS=off` in the environment nothing is measured.
    pub fn start_build(&mut self) {
        #[cfg(feature = "track")]
        {
            let _uncounted = Uncounted::begin();
            self.abandon();
            let switches = switches::from_env();
            let observation = || Observation::begin(Path::new("."), switches.git);
            let observation = switches.on.then(observation);
            let started = SystemTime::now();
            let suspended_ns = environment::suspended_ns();
            let sampling = switches::sampling(switches.allocators, self.sampling);
            let sampling = sampling.filter(|_| switches.on).and_then(start_sampling);
            #[cfg(not(feature = "allocators"))]
            let _: Option<std::convert::Infallible> = sampling;
            let options = BuildOptions {
                timeline: switches.timeline,
                is_reserved: perf_history::is_reserved,
                resident_bytes: environment::resident_bytes,
                kernel_trusts_counter: environment::kernel_trusts_counter,
            };
            // Last, so that nothing above is part of the build.
            let number = if switches.on { Registry::global().start(options) } else { None };
            self.open = Some(Open {
                number,
                started,
                suspended_ns,
                switches,
                #[cfg(feature = "allocators")]
                sampling,
                observation,
            });
        }
    }

    /// Ends the build as a success, and returns its record. It is not saved yet.
    ///
    /// Without a build, or with measuring switched off, the record has the tool's name only.
    pub fn end_build(&mut self) -> BuildStats {
        self.end_counted(Outcome::Success)
    }

    /// Ends the build as a success or failure, by `result`, and returns its record. It is not saved
    /// yet.
    pub fn end_build_with<T, E>(&mut self, result: &Result<T, E>) -> BuildStats {
        self.end_counted(if result.is_ok() { Outcome::Success } else { Outcome::Failed })
    }

    /// Saves a record: appends it to the history. Call it once for each build. It never fails:
    /// what went wrong is one warning, through the `log` crate, or on standard error if no logger
    /// is installed.
    pub fn save(&self, stats: &BuildStats) {
        #[cfg(feature = "track")]
        let _uncounted = Uncounted::begin();
        match self.try_save(stats) {
            Ok(appended) => {
                if let Some(error) = appended.and_then(|appended| appended.warning) {
                    warning::warn(&format!(
                        "the build's record was saved, but {}",
                        error.describe()
                    ));
                }
            }
            Err(error) => {
                warning::warn(&format!("the build's record was not saved: {}", error.describe()));
            }
        }
    }

    /// Like [`Self::save`], and returns the result: where the record is, and what went wrong
    /// although it is safe. `None` for a record without an id, which
    /// [`end_build`](Self::end_build) returns with measuring switched off: it is not saved.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] names what could not be done, the path and the cause. What was in the
    /// history is unharmed.
    pub fn try_save(&self, stats: &BuildStats) -> Result<Option<Appended>, HistoryError> {
        #[cfg(feature = "track")]
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

    /// The timeline of the build that ended last, if it has one: saving the build's record saves
    /// it beside the history.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }

    /// A collector for `#[tracked_build]`, with a build that was started.
    pub(crate) fn started(tool: &str, version: Option<&str>, debug_assertions: bool) -> Self {
        let mut collector = Self::from_env(tool, version.unwrap_or_default());
        collector.tool_version = version.map(str::to_owned);
        #[cfg(feature = "track")]
        {
            collector.debug_assertions = debug_assertions;
        }
        #[cfg(not(feature = "track"))]
        let _ = debug_assertions;
        collector.start_build();
        collector
    }

    /// Ends the build of [`Self::started`], and saves its record.
    pub(crate) fn finish(mut self, returned: Returned) {
        let stats = self.end(match returned {
            Returned::Success => Outcome::Success,
            Returned::Failed => Outcome::Failed,
        });
        self.save(&stats);
        drop_uncounted(stats);
    }

    /// Ends the build. The returned record counts as the tool's, which frees it; what it was made
    /// from counts nowhere.
    fn end_counted(&mut self, outcome: Outcome) -> BuildStats {
        let stats = self.end(outcome);
        let copy = stats.clone();
        drop_uncounted(stats);
        copy
    }

    /// Ends the build. The record is made of memory that is counted nowhere.
    fn end(&mut self, outcome: Outcome) -> BuildStats {
        #[cfg(feature = "track")]
        {
            let open = self.open.take();
            let number = open.as_ref().and_then(|open| open.number);
            let measured = number.and_then(|number| Registry::global().end(number));
            let _uncounted = Uncounted::begin();
            if let (Some(open), Some(measured)) = (open, measured) {
                return self.record(open, outcome, &measured);
            }
        }
        let mut stats = BuildStats::default();
        stats.tool.clone_from(&self.tool);
        stats.tool_version.clone_from(&self.tool_version);
        stats.outcome = outcome;
        stats
    }

    #[cfg(feature = "track")]
    fn record(&mut self, open: Open, outcome: Outcome, measured: &Measured) -> BuildStats {
        #[cfg(feature = "allocators")]
        let samples = open.sampling.as_ref().zip(open.number);
        #[cfg(feature = "allocators")]
        let samples = samples.map(|(sampling, number)| sampling.collect(number));
        let mut stats = assemble::assemble(&open, outcome, measured);
        stats.set_started_at(open.started);
        stats.tool.clone_from(&self.tool);
        stats.tool_version.clone_from(&self.tool_version);
        stats.profile = Some(if self.debug_assertions { Profile::Debug } else { Profile::Release });
        self.timeline = timeline::timeline(&stats.build_id, &self.tool, measured);
        stats.timeline = self.timeline.as_ref().map(timeline::facts);
        if let Some(observation) = open.observation {
            assemble::add_facts(&mut stats, observation.finish());
        }
        for error in &measured.user.count_errors {
            warning::warn(&error.to_string());
        }
        // Last, as it takes a while, and the record's size matters.
        #[cfg(feature = "allocators")]
        if let Some(samples) = samples.filter(|_| stats.alloc_count.is_some())
            && let Some(text) = samples.add_to(&mut stats, measured)
        {
            warning::warn_once(text);
        }
        stats
    }

    /// Ends the build that is open, if any, as one that did not reach its end.
    #[cfg(feature = "track")]
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

/// Begins to sample allocations, or warns why that is not possible.
#[cfg(feature = "allocators")]
fn start_sampling(sampling: AllocationSampling) -> Option<perf_sampling::Sampling> {
    let seed = sampling.seed().unwrap_or_else(build_id::unique_number);
    perf_sampling::Sampling::begin(sampling.sample_bytes(), seed)
        .map_err(|error| warning::warn_once(&error.to_string()))
        .ok()
}

#[cfg(all(feature = "track", not(feature = "allocators")))]
fn start_sampling<T>(_sampling: AllocationSampling) -> Option<T> {
    warning::warn_once(
        "allocations are not sampled: that needs the feature `allocators` of perf-runtime",
    );
    None
}

/// Drops a record that was made of memory that is counted nowhere.
fn drop_uncounted(stats: BuildStats) {
    #[cfg(feature = "track")]
    let _uncounted = Uncounted::begin();
    drop(stats);
}

impl std::fmt::Debug for PerformanceCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PerformanceCollector")
            .field("dir", &self.dir)
            .field("tool", &self.tool)
            .field("tool_version", &self.tool_version)
            .finish_non_exhaustive()
    }
}

impl Drop for PerformanceCollector {
    fn drop(&mut self) {
        #[cfg(feature = "track")]
        {
            self.abandon();
            let _uncounted = Uncounted::begin();
            self.timeline = None;
        }
    }
}
