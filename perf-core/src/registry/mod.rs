//! The registry: starts and ends builds. At the end of a build, it reads all threads and merges their
//! trees.

mod measured;
mod merge;
mod user_facts;

use std::cell::Cell;

use parking_lot::Mutex;

use crate::measure::counters::Counters;
use crate::measure::ticks::{self, Anchor, Scale, Ticks};
use crate::measure::uncounted::Uncounted;
use crate::phase::global::{self, OPEN_BUILDS, PATHS};
use crate::phase::node::Usage;
use crate::phase::open_builds::BuildNumber;
use crate::phase::reading::{NodeReadings, ThreadReading, TreeReading};
use crate::phase::thread::{Thread, slow_path};
use crate::phase::threads;

use merge::Merged;

use measured::take_intervals;
pub use measured::{Measured, ThreadIntervals};
pub use merge::PhaseTotals;
pub(crate) use user_facts::CountProblem;
pub use user_facts::UserFacts;

/// The change of resident memory is measured for calls that take at least this long.
pub const RESIDENT_INTERVAL: std::time::Duration = std::time::Duration::from_millis(10);

/// What a recorder decides about a build before it starts.
#[derive(Debug, Clone, Copy)]
pub struct BuildOptions {
    /// Whether to record an interval for each call of a phase.
    pub timeline: bool,
    /// Whether a name is reserved, so that the tool's counts cannot have it.
    pub is_reserved: fn(&str) -> bool,
    /// Reads the resident memory of the process, in bytes. The first build of a process decides.
    pub resident_bytes: fn() -> Option<u64>,
    /// Whether the kernel trusts the processor's counter to run at one rate. The first build of a
    /// process decides.
    pub kernel_trusts_counter: fn() -> bool,
}

/// The open builds of the process. There is one global registry.
pub struct Registry {
    state: Mutex<State>,
}

struct State {
    builds: Vec<OpenBuild>,
    /// The part of the counters of ended threads that has been attributed to builds already.
    ended: Counters,
}

/// One build that is open.
struct OpenBuild {
    number: BuildNumber,
    /// The thread that started it.
    build_thread: &'static Thread,
    start: Anchor,
    /// The sum of the tallies of all threads at the start.
    counters_at_start: Counters,
    /// How often the clock had stepped back until the start.
    clock_steps: u64,
    /// What was done for the build in no phase.
    unattributed: Usage,
    /// What was done for no build in particular.
    unclaimed: Counters,
    /// Whether another build was open at the same time.
    overlapped: bool,
    user: UserFacts,
}

static GLOBAL: Registry =
    Registry { state: Mutex::new(State { builds: Vec::new(), ended: Counters::ZERO }) };

impl Registry {
    /// The registry of all phases of the process.
    #[inline]
    #[must_use]
    pub fn global() -> &'static Self {
        &GLOBAL
    }

    /// Starts a build on the current thread. `None` if it cannot be measured: 64 are open already,
    /// or there is no memory.
    pub fn start(&self, options: BuildOptions) -> Option<BuildNumber> {
        let _uncounted = Uncounted::begin();
        ticks::choose_source(options.kernel_trusts_counter);
        let build_thread = threads::current()?;
        let number = BuildNumber::next();
        global::set_resident_bytes(options.resident_bytes);
        let mut state = self.state.lock();
        // Leaves phases of builds that have ended, so that this build does not suspend them.
        build_thread.recheck_builds();
        let now = ticks::now();
        let counters_at_start = state.settle(&read_all(None, build_thread, || now, |_, _| ()));
        if !OPEN_BUILDS.open(number, options.timeline) {
            return None;
        }
        PATHS.begin(number);
        // If there are too many watches, the build's peak is that of the build thread.
        build_thread.peak_watch.start();
        let overlapped = !state.builds.is_empty();
        for other in &mut state.builds {
            other.overlapped = true;
        }
        let start = Anchor::read();
        build_thread.start_build(number, counters_at_start.net_bytes.cast_signed(), start.ticks);
        let reading = build_thread.read(None, || start.ticks, &mut NodeReadings::default());
        let until_start = build_thread.settle(reading.idle);
        if let Some(other) = build_thread.last_started().filter(|&other| other != number) {
            state.attribute(Some(other), until_start, Some(build_thread));
        }
        state.builds.push(OpenBuild {
            number,
            build_thread,
            start,
            counters_at_start,
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
        // If this is the build thread, nothing happens on it from here on. Otherwise the end is the
        // instant at which the build thread is read.
        let end = Cell::new(Anchor::read());
        let is_current = current.is_some_and(|thread| std::ptr::eq(thread, build_thread));
        OPEN_BUILDS.close(number);
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
        let counters_at_end = state.settle(&readings);
        let mut build = state.builds.swap_remove(index);
        build.add_suspended_idle_time(&readings);
        let paths = PATHS.end(number);
        let phases = merged.finish(paths.len());
        let threads = take_intervals(readings.iter().flat_map(|(_, reading)| &reading.trees));
        for (thread, reading) in &readings {
            for TreeReading { tree, left, .. } in &reading.trees {
                if let Some(since_reading) = tree.collect(number, reading.counters)
                    && !left
                {
                    thread.unsettle(since_reading);
                }
            }
        }
        let scale = Scale::between(build.start, end);
        build_thread.set_resident_interval(scale.ticks_in(RESIDENT_INTERVAL).max(1));
        if !state.builds.iter().any(|other| std::ptr::eq(other.build_thread, build_thread)) {
            build_thread.peak_watch.stop();
            build_thread.release_if_vacant();
        }
        drop(state);

        if let Some(current) = current {
            current.recheck_builds();
        }
        let counters = if build.overlapped {
            let self_counters = phases.iter().skip(1).map(|phase| phase.self_usage().counters);
            self_counters.fold(build.unattributed.counters, Counters::plus)
        } else {
            counters_at_end.minus(build.counters_at_start)
        };
        let live_bytes = counters_at_end.net_bytes.cast_signed();
        let trees = readings.iter().filter(|(thread, _)| std::ptr::eq(*thread, build_thread));
        let trees =
            trees.flat_map(|(_, reading)| &reading.trees).filter(|tree| tree.is_of_build_thread);
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
    /// Adds the idle time and memory of all root frames but the bottom frames.
    fn add_suspended_idle_time(&mut self, readings: &Readings) {
        for reading in readings.iter().flat_map(|(_, reading)| &reading.trees) {
            let counters = reading.idle.counters;
            let ticks = if reading.is_of_build_thread { reading.idle.ticks } else { 0 };
            self.unattributed = self.unattributed.plus(Usage { ticks, counters });
        }
    }
}

type Readings = Vec<(&'static Thread, ThreadReading)>;

/// Reads all threads: `build_thread` at the time that `end` returns, the others at the current time.
/// Calls `take` with each tree of the build and the nodes of its thread.
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
    /// Attributes what each thread did in no phase since the last call to the build that it worked
    /// for. To be called whenever a build starts or ends, before the list of builds changes. Returns
    /// the sum of all tallies.
    fn settle(&mut self, readings: &Readings) -> Counters {
        let sole = if let [sole] = self.builds.as_slice() { Some(sole.number) } else { None };
        for (thread, reading) in readings {
            let idle = thread.settle(reading.idle);
            let is_open =
                |number: &BuildNumber| self.builds.iter().any(|build| build.number == *number);
            let started = thread.last_started().filter(is_open);
            // Idle time counts on the build thread only, idle memory on all threads.
            self.attribute(started.or(sole), idle, started.map(|_| *thread));
        }
        let ended = threads::ended().counters();
        let idle = Usage { ticks: 0, counters: ended.minus(self.ended) };
        self.ended = ended;
        self.attribute(sole, idle, None);
        readings.iter().fold(ended, |sum, (_, reading)| sum.plus(reading.counters))
    }

    /// Adds idle time and memory to a build. The time counts only if `build_thread` is that of the
    /// build. Without a build, the memory is unclaimed.
    fn attribute(
        &mut self,
        number: Option<BuildNumber>,
        idle: Usage,
        build_thread: Option<&Thread>,
    ) {
        for build in &mut self.builds {
            if number == Some(build.number) {
                let sum = &mut build.unattributed;
                sum.counters = sum.counters.plus(idle.counters);
                if build_thread.is_some_and(|thread| std::ptr::eq(thread, build.build_thread)) {
                    sum.ticks = sum.ticks.wrapping_add(idle.ticks);
                }
            } else if number.is_none() {
                build.unclaimed = build.unclaimed.plus(idle.counters);
            }
        }
    }
}

impl Thread {
    /// Returns the idle time and memory since the last call, where `idle` is all until now.
    ///
    /// The result can be negative: an entry reads the clock before it is published, so that a reading
    /// in between counts as idle what belongs to the phase. The sums are right.
    fn settle(&self, idle: Usage) -> Usage {
        let since = idle.minus(self.settled.load());
        self.settled.add(since);
        since
    }

    /// Adds `counters` to what [`Self::settle`] returns next.
    fn unsettle(&self, counters: Counters) {
        self.settled.add_counters(Counters::ZERO.minus(counters));
    }
}
