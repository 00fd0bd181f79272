//! The builds that are open: per-thread contributions not yet merged, and the end of a build, when
//! the threads' trees are merged into one.

mod measured;
mod merge;
mod user_facts;

use std::cell::Cell;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use crate::measure::counters::Counters;
use crate::measure::ticks::{self, Anchor, Scale, Ticks};
use crate::phase::name::NameTable;
use crate::phase::node::Usage;
use crate::phase::open_builds::{BuildNumber, Epoch, OpenBuilds};
use crate::phase::path::PathTables;
use crate::phase::reading::{NodeReadings, ThreadReading, TreeReading};
use crate::phase::thread::{Thread, slow_path};
use crate::phase::threads::{self, Uncounted};

use merge::Merged;

pub use measured::{Measured, ThreadIntervals};
pub use merge::PhaseTotals;
pub(crate) use user_facts::CountProblem;
pub use user_facts::UserFacts;

/// Resident memory is reported for phases that last at least this long.
pub const RESIDENT_INTERVAL: std::time::Duration = std::time::Duration::from_millis(10);

/// What a recorder decides about a build before it starts.
#[derive(Debug, Clone, Copy)]
pub struct BuildOptions {
    /// Whether each call of a phase leaves an interval.
    pub timeline: bool,
    /// Names that a count of the tool's own cannot have.
    pub is_reserved: fn(&str) -> bool,
    /// Reads the resident memory of the process, in bytes. The first build of a process decides.
    pub resident_bytes: fn() -> Option<u64>,
    /// Whether the kernel trusts the processor's counter to run at one rate. The first build of a
    /// process decides.
    pub kernel_trusts_counter: fn() -> bool,
}

/// The builds of a process and what they share: which are open, names and paths of phases.
///
/// There is one global registry, which all phases report to.
pub struct Registry {
    pub(crate) open_builds: OpenBuilds,
    pub(crate) names: NameTable,
    pub(crate) paths: PathTables,
    resident_bytes: OnceCell<fn() -> Option<u64>>,
    state: Mutex<State>,
}

struct State {
    builds: Vec<OpenBuild>,
    /// What ended threads did outside of phases, as it was last settled.
    ended: Counters,
}

/// One build that is open.
struct OpenBuild {
    number: BuildNumber,
    /// The thread that started it.
    build_thread: &'static Thread,
    start: Anchor,
    /// The tallies of all threads, added up, at the start.
    tallied: Counters,
    /// How often the clock had stepped back until the start.
    clock_steps: u64,
    unattributed: Usage,
    unclaimed: Counters,
    /// Whether another build was open at the same time.
    overlapped: bool,
    user: UserFacts,
}

static GLOBAL: Registry = Registry::new();

impl Registry {
    const fn new() -> Self {
        Self {
            open_builds: OpenBuilds::new(),
            names: NameTable::new(),
            paths: PathTables::new(),
            resident_bytes: OnceCell::new(),
            state: Mutex::new(State { builds: Vec::new(), ended: Counters::ZERO }),
        }
    }

    /// The registry that all phases report to.
    #[inline]
    #[must_use]
    pub fn global() -> &'static Self {
        &GLOBAL
    }

    /// The current epoch: it changes whenever a build starts or ends.
    #[inline]
    pub(crate) fn epoch(&self) -> Epoch {
        self.open_builds.epoch()
    }

    /// Whether `build` is open.
    pub(crate) fn is_open(&self, build: BuildNumber) -> bool {
        self.open_builds.is_open(build)
    }

    /// The build that is open, if it is the only one.
    pub(crate) fn sole(&self) -> Option<BuildNumber> {
        self.open_builds.sole()
    }

    /// Resident memory of the process in bytes, if the recorder can read it.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        self.resident_bytes.get().and_then(|read| read())
    }

    /// Starts a build on the current thread. `None` if it cannot be measured: 64 are open already,
    /// or there is no memory.
    pub fn start(&self, options: BuildOptions) -> Option<BuildNumber> {
        let _uncounted = Uncounted::begin();
        ticks::choose_source(options.kernel_trusts_counter);
        let build_thread = threads::current()?;
        let number = BuildNumber::next();
        let _ = self.resident_bytes.set(options.resident_bytes);
        let mut state = self.state.lock();
        // Phases of builds that have ended are closed first: this build does not suspend them.
        build_thread.notice_ended_builds();
        let now = ticks::now();
        let tallied = state.settle(&read_all(None, build_thread, || now, |_, _| ()));
        if !self.open_builds.open(number, options.timeline) {
            return None;
        }
        self.paths.begin(number);
        // If there are too many watches, the build's peak is that of the build thread.
        build_thread.watch.start();
        let overlapped = !state.builds.is_empty();
        for other in &mut state.builds {
            other.overlapped = true;
        }
        let start = Anchor::read();
        build_thread.start_build(number, tallied.net_bytes.cast_signed(), start.ticks);
        let reading = build_thread.read(None, || start.ticks, &mut NodeReadings::default());
        let until_start = build_thread.settle(reading.idle);
        if let Some(other) = build_thread.last_started().filter(|&other| other != number) {
            state.give(Some(other), until_start, Some(build_thread));
        }
        state.builds.push(OpenBuild {
            number,
            build_thread,
            start,
            tallied,
            clock_steps: slow_path::clock_steps(),
            unattributed: Usage::default(),
            unclaimed: Counters::ZERO,
            overlapped,
            user: UserFacts::new(options.is_reserved),
        });
        Some(number)
    }

    /// Ends a build. `None` if it is not open.
    pub fn end(&self, number: BuildNumber) -> Option<Measured> {
        let _uncounted = Uncounted::begin();
        let mut state = self.state.lock();
        let index = state.builds.iter().position(|build| build.number == number)?;
        let build_thread = state.builds[index].build_thread;
        let current = threads::current();
        // On the build thread nothing happens from here on. Elsewhere that thread goes on, and the
        // end is the instant at which it is read.
        let end = Cell::new(Anchor::read());
        let is_current = current.is_some_and(|thread| std::ptr::eq(thread, build_thread));
        self.open_builds.close(number);
        let end_of_build_thread = || {
            if !is_current {
                end.set(Anchor::read());
            }
            end.get().ticks
        };
        let mut merged = Merged::default();
        let readings = read_all(Some(number), build_thread, end_of_build_thread, |tree, nodes| {
            merged.add(tree, nodes);
        });
        let end = end.get();
        let tallied = state.settle(&readings);
        let mut build = state.builds.swap_remove(index);
        build.add_suspended_idle_time(&readings);
        let paths = self.paths.end(number);
        let phases = merged.finish(paths.len());
        let threads = ThreadIntervals::take_from(&readings);
        for (thread, reading) in &readings {
            for TreeReading { tree, left, .. } in &reading.trees {
                if let Some(done) = tree.collect(number, reading.counters)
                    && !left
                {
                    thread.unsettle(done);
                }
            }
        }
        let scale = Scale::between(build.start, end);
        build_thread.set_resident_fresh(scale.ticks_in(RESIDENT_INTERVAL).max(1));
        if !state.builds.iter().any(|other| std::ptr::eq(other.build_thread, build_thread)) {
            build_thread.watch.stop();
            build_thread.release_if_vacant();
        }
        drop(state);

        if let Some(current) = current {
            current.notice_ended_builds();
        }
        let counters = if build.overlapped {
            let self_counters = phases.iter().skip(1).map(|phase| phase.self_usage().counters);
            self_counters.fold(build.unattributed.counters, Counters::plus)
        } else {
            tallied.minus(build.tallied)
        };
        let live_bytes = tallied.net_bytes.cast_signed();
        let trees = readings.iter().filter(|(thread, _)| std::ptr::eq(*thread, build_thread));
        let trees = trees.flat_map(|(_, reading)| &reading.trees).filter(|tree| tree.own);
        let peak = trees.map(|tree| tree.process_peak).max().unwrap_or(i64::MIN).max(live_bytes);
        Some(Measured {
            start: build.start.ticks,
            end: end.ticks,
            scale,
            clock_stepped_back: slow_path::clock_steps() != build.clock_steps
                || scale.stepped_back(),
            counters,
            live_bytes: u64::try_from(live_bytes).unwrap_or(0),
            peak_bytes: u64::try_from(peak).ok(),
            phases,
            paths,
            threads,
            unattributed: build.unattributed,
            unclaimed: build.overlapped.then_some(build.unclaimed),
            user: build.user,
        })
    }

    /// Changes the facts that the tool added to a build. `None` if it is not open.
    pub(crate) fn with_user_facts<T>(
        &self,
        number: BuildNumber,
        change: impl FnOnce(&mut UserFacts) -> T,
    ) -> Option<T> {
        let _uncounted = Uncounted::begin();
        let mut state = self.state.lock();
        let build = state.builds.iter_mut().find(|build| build.number == number)?;
        Some(change(&mut build.user))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl OpenBuild {
    /// Adds what was done for the build as a whole while other work was suspended.
    fn add_suspended_idle_time(&mut self, readings: &Readings) {
        for reading in readings.iter().flat_map(|(_, reading)| &reading.trees) {
            let counters = reading.idle.counters;
            let ticks = if reading.own { reading.idle.ticks } else { 0 };
            self.unattributed = self.unattributed.plus(Usage { ticks, counters });
        }
    }
}

type Readings = Vec<(&'static Thread, ThreadReading)>;

/// Reads all threads: `build_thread` as of the time that `end` returns, the others as of their
/// reading. Calls `take` with each tree that was read and the nodes that are in it.
fn read_all(
    build: Option<BuildNumber>,
    build_thread: &'static Thread,
    end: impl Fn() -> Ticks,
    mut take: impl FnMut(&TreeReading, &NodeReadings),
) -> Readings {
    let mut nodes = NodeReadings::default();
    let mut read = |thread: &'static Thread| {
        let reading = if std::ptr::eq(thread, build_thread) {
            thread.read(build, &end, &mut nodes)
        } else {
            thread.read(build, ticks::now, &mut nodes)
        };
        reading.trees.iter().for_each(|tree| take(tree, &nodes));
        (thread, reading)
    };
    threads::all().map(&mut read).collect()
}

impl State {
    /// Attributes what each thread did outside of phases, since the last call, to the build that it
    /// belongs to. Called whenever a build starts or ends, before the list of builds changes.
    /// Returns the sum of all tallies.
    fn settle(&mut self, readings: &Readings) -> Counters {
        let sole = if let [sole] = self.builds.as_slice() { Some(sole.number) } else { None };
        for (thread, reading) in readings {
            let idle = thread.settle(reading.idle);
            let is_open = |number: &BuildNumber| self.builds.iter().any(|b| b.number == *number);
            let started = thread.last_started().filter(is_open);
            // Only for the build that the thread started is its idle time part of that build.
            self.give(started.or(sole), idle, started.map(|_| *thread));
        }
        let ended = threads::ended().counters();
        let idle = Usage { ticks: 0, counters: ended.minus(self.ended) };
        self.ended = ended;
        self.give(sole, idle, None);
        readings.iter().fold(ended, |sum, (_, reading)| sum.plus(reading.counters))
    }

    fn give(&mut self, to: Option<BuildNumber>, idle: Usage, by: Option<&Thread>) {
        for build in &mut self.builds {
            if to == Some(build.number) {
                let sum = &mut build.unattributed;
                sum.counters = sum.counters.plus(idle.counters);
                if by.is_some_and(|thread| std::ptr::eq(thread, build.build_thread)) {
                    sum.ticks = sum.ticks.wrapping_add(idle.ticks);
                }
            } else if to.is_none() {
                build.unclaimed = build.unclaimed.plus(idle.counters);
            }
        }
    }
}

impl Thread {
    /// Records what was outside of phases up to now, and returns what came since the last call.
    ///
    /// That can be negative: an entry takes its time before others see it, so that a reading in
    /// between counts as outside what turns out to be the phase's. The sums come out right.
    fn settle(&self, idle: Usage) -> Usage {
        let since = idle.minus(self.settled.load());
        self.settled.add(since);
        since
    }

    /// Makes `counters` something that [`Self::settle`] will return.
    fn unsettle(&self, counters: Counters) {
        self.settled.add_counters(Counters::ZERO.minus(counters));
    }
}
