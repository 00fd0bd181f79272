//! The collector: starts and ends builds, turns what was measured into a record, and saves it.

#[cfg(feature = "track")]
mod assemble;
#[cfg(feature = "track")]
mod build_id;
mod size_limit;
#[cfg(feature = "track")]
mod switches;
mod warning;

use std::cell::Cell;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use perf_history::switches::Switches;
use perf_history::{Appended, BuildStats, History, HistoryError, Outcome, Timeline};

use crate::AllocationSampling;
use crate::tracked_build::Returned;

#[cfg(feature = "track")]
use {
    crate::environment::{self, Observation},
    perf_core::recorder::{BuildNumber, BuildOptions, Measured, Registry, Uncounted},
    perf_history::Profile,
    std::time::SystemTime,
};

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
/// The thread that calls [`start_build`](Self::start_build) is the build thread: `build_thread_ms` is its
/// time. The work of other threads is counted too.
///
/// Several builds may be open at once. A thread works for the build that it started, else for the only
/// open one; `BuildHandle::enter` chooses another. Work that belongs to none of several builds is
/// `unclaimed` in each of them. If a thread starts a build during another, the outer one is suspended
/// until the inner one ends: the memory of the inner build does not count in the outer one, and its time
/// is `unattributed` there.
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
    /// The timeline of the last build. Its memory is not counted.
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
    /// A collector whose history is in `dir`. The name of the tool is that of the running executable.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let tool = std::env::current_exe()
            .ok()
            .and_then(|path| path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        Self::for_tool(dir.into(), tool.unwrap_or_else(|| String::from("unknown")), None)
    }

    /// A collector for `tool` whose history is in `.build-metrics` in the current directory, or in the
    /// directory that the environment variable `BUILD_METRICS_DIR` names.
    #[must_use]
    pub fn from_env(tool: impl Into<String>, version: impl Into<String>) -> Self {
        let dir =
            Switches::from_env().dir.unwrap_or_else(|| PathBuf::from(perf_history::DEFAULT_DIR));
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

    /// Sets the name and the version of the tool for the records.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<String>, version: impl Into<String>) -> Self {
        self.tool = tool.into();
        self.tool_version = Some(version.into());
        self
    }

    /// Samples allocations. The record of each phase then lists the places in the code that allocated
    /// most, and how much memory was retained: `PhaseStats::top_allocators` and `retained_bytes`.
    ///
    /// The environment variable `BUILD_METRICS_ALLOCATORS` overrides this. Sampling needs the tracking
    /// allocator, the feature `allocators` of this crate, and Linux on x86-64 or ARM64. If the feature or
    /// the platform is missing, a warning is printed once. If several builds are open at once, all are
    /// sampled like the first one. [`end_build`](Self::end_build) reads the symbols of the program, which
    /// takes some tens of milliseconds.
    #[must_use]
    pub fn sample_allocations(mut self, sampling: AllocationSampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// The directory of the history.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts a build. If this collector has an open build, that one ends first, is saved, and has the
    /// outcome `failed`.
    ///
    /// With `BUILD_METRICS=off` in the environment nothing is measured.
    pub fn start_build(&mut self) {
        #[cfg(feature = "track")]
        {
            let _uncounted = Uncounted::begin();
            self.abandon();
            let switches = switches::from_env();
            let observation = || Observation::begin(Path::new("."), switches::git(&switches));
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
            // Last, so that the work above is not part of the build.
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

    /// Ends the build with the outcome `success`, and returns its record without saving it.
    ///
    /// Without an open build, or with measuring switched off, the record contains only the name and the
    /// version of the tool and the outcome.
    pub fn end_build(&mut self) -> BuildStats {
        self.end_counted(Outcome::Success)
    }

    /// Ends the build with the outcome `success` or `failed`, depending on `result`, and returns its
    /// record without saving it.
    pub fn end_build_with<T, E>(&mut self, result: &Result<T, E>) -> BuildStats {
        self.end_counted(if result.is_ok() { Outcome::Success } else { Outcome::Failed })
    }

    /// Appends a record to the history. Call it once for each build. It never fails: a problem is
    /// reported as one warning, through the `log` crate or, if no logger is installed, on standard error.
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

    /// Like [`save`](Self::save), but returns the result: where the record is, and a problem that did not
    /// prevent saving it. A record without an id, which [`end_build`](Self::end_build) returns if nothing
    /// was measured, is not saved; the result is then `None`.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] names the operation that failed, the path and the cause. Records that are in the
    /// history already are unharmed.
    pub fn try_save(&self, stats: &BuildStats) -> Result<Option<Appended>, HistoryError> {
        #[cfg(feature = "track")]
        let _uncounted = Uncounted::begin();
        if stats.build_id.is_empty() {
            return Ok(None);
        }
        let history = History::open(&self.dir);
        size_limit::check(&history.path(), size_limit::RECORD_BYTES)?;
        let mut appended = history.append(stats)?;
        let timeline =
            self.timeline.as_ref().filter(|timeline| timeline.build_id == stats.build_id);
        if let Some(Err(error)) = timeline.map(|timeline| self.save_timeline(&history, timeline)) {
            appended.warning.get_or_insert(error);
        }
        Ok(Some(appended))
    }

    fn save_timeline(&self, history: &History, timeline: &Timeline) -> Result<(), HistoryError> {
        size_limit::check(&self.dir.join("timelines"), timeline.max_file_bytes())?;
        history.save_timeline(timeline).map(drop)
    }

    /// The timeline of the last build, if one was recorded. Saving the record also saves the timeline,
    /// beside the history.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }

    /// A collector with an open build, for `#[tracked_build]`.
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

    /// Ends the build. The memory of the returned record counts, as the tool frees it; what it was made
    /// from does not count.
    fn end_counted(&mut self, outcome: Outcome) -> BuildStats {
        let stats = self.end(outcome);
        let copy = stats.clone();
        drop_uncounted(stats);
        copy
    }

    /// Ends the build. The memory of the record is not counted.
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
        self.timeline = assemble::timeline(&stats.build_id, &self.tool, measured);
        stats.timeline = self.timeline.as_ref().map(assemble::timeline_facts);
        if let Some(observation) = open.observation {
            assemble::add_facts(&mut stats, observation.finish());
        }
        for error in &measured.user.count_errors {
            warning::warn(&error.to_string());
        }
        // Last, as it is slow, and depends on the size of the record.
        #[cfg(feature = "allocators")]
        if let Some(samples) = samples.filter(|_| stats.alloc_count.is_some())
            && let Some(text) = samples.add_to(&mut stats, measured)
        {
            warning::warn_once(text);
        }
        stats
    }

    /// Ends and saves the open build, if any, with the outcome `failed` or `panicked`.
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

/// Starts to sample allocations, or warns why it cannot.
#[cfg(feature = "allocators")]
fn start_sampling(sampling: AllocationSampling) -> Option<perf_sampling::Sampling> {
    let seed = sampling.seed().unwrap_or_else(build_id::unique_number);
    perf_sampling::Sampling::start(sampling.sample_bytes(), seed)
        .map_err(|error| warning::warn_once(&error.to_string()))
        .ok()
}

#[cfg(all(feature = "track", not(feature = "allocators")))]
fn start_sampling<T>(_sampling: AllocationSampling) -> Option<T> {
    warning::warn_once(
        "allocations are not sampled: enable the feature `allocators` of perf-runtime",
    );
    None
}

/// Drops a record whose memory was not counted.
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
