//! The builds that are open: what each of them is owed by every thread, and its end, when the
//! threads' trees become one.

mod merge;
mod user_facts;

use std::cell::Cell;

use parking_lot::Mutex;

use crate::measure::counters::Counters;
use crate::measure::ticks::{self, Anchor, Scale, Ticks};
use crate::measure::timeline::Interval;
use crate::phase::node::Used;
use crate::phase::open_builds::{self, BuildNumber};
use crate::phase::path::{self, Paths};
use crate::phase::reading::{NodeReadings, ThreadReading, TreeReading};
use crate::phase::thread::{Thread, otherwise};
use crate::phase::threads::{self, Uncounted};

use merge::Merged;
pub(crate) use merge::PhaseSum;
pub use user_facts::CountError;
pub(crate) use user_facts::UserFacts;

/// Resident memory is reported for phases that last this long.
pub(crate) const LONG: std::time::Duration = std::time::Duration::from_millis(10);

/// One build that is open.
struct OpenBuild {
    number: BuildNumber,
    /// The thread that started it.
    own: &'static Thread,
    start: Anchor,
    /// The tallies of all threads, added up, at the start.
    tallied: Counters,
    unattributed: Used,
    unclaimed: Counters,
    /// Whether another build was open at the same time.
    overlapped: bool,
    user: UserFacts,
}

impl OpenBuild {
    /// Adds what was done for the build as a whole in the midst of other work.
    fn add_other_ground(&mut self, readings: &Readings) {
        for reading in readings.iter().flat_map(|it| &it.1.trees) {
            let counters = reading.outside.counters;
            let ticks = if reading.own { reading.outside.ticks } else { 0 };
            self.unattributed = self.unattributed.plus(Used { ticks, counters });
        }
    }
}

/// All that was measured of one build.
pub(crate) struct Measured {
    pub(crate) start: Ticks,
    pub(crate) end: Ticks,
    pub(crate) scale: Scale,
    /// Whether the counter stepped back on some thread.
    pub(crate) stepped_back: bool,
    /// All that was allocated and freed between start and end.
    pub(crate) counters: Counters,
    /// The live heap of the process at the end, bytes.
    pub(crate) live_bytes: u64,
    /// The highest live heap of the process, bytes.
    pub(crate) peak_bytes: Option<u64>,
    /// By path; the first is the root, which stands for no phase.
    pub(crate) phases: Vec<PhaseSum>,
    pub(crate) paths: Paths,
    /// The intervals of each thread, where they were asked for.
    pub(crate) lanes: Vec<Lane>,
    /// In no phase. The ticks are those of the build's own thread.
    pub(crate) unattributed: Used,
    /// What belonged to none of several builds.
    pub(crate) unclaimed: Option<Counters>,
    pub(crate) user: UserFacts,
}

/// The intervals of one thread, or of several that had one place after another.
pub(crate) struct Lane {
    /// Whether it is the build's own thread.
    pub(crate) own: bool,
    pub(crate) intervals: Vec<Interval>,
    /// How many there was no place for.
    pub(crate) dropped: u64,
}

/// Takes the intervals out of the trees: those that are left have no more. The build's own thread
/// comes first, then the one that began first.
fn take_lanes(readings: &Readings) -> Vec<Lane> {
    let trees = readings.iter().flat_map(|it| &it.1.trees).filter(|it| it.tree.is_timed());
    let take = |it: &TreeReading| {
        let mut intervals: Vec<_> = it.tree.timeline.intervals().collect();
        intervals.extend_from_slice(&it.open_intervals);
        intervals.sort_by_key(|it| it.start);
        let dropped = it.tree.timeline.dropped();
        it.tree.timeline.clear();
        Lane { own: it.own, intervals, dropped }
    };
    let mut lanes: Vec<_> =
        trees.map(take).filter(|it| !it.intervals.is_empty() || it.dropped > 0).collect();
    lanes.sort_by_key(|it| (!it.own, it.intervals.first().map(|it| it.start)));
    lanes
}

struct State {
    builds: Vec<OpenBuild>,
    /// What ended threads did outside of phases, as it was last settled.
    ended: Counters,
}

static STATE: Mutex<State> = Mutex::new(State { builds: Vec::new(), ended: ZERO });
const ZERO: Counters =
    Counters { alloc_count: 0, alloc_bytes: 0, net_bytes: 0, freed_count: 0, realloc_count: 0 };

/// Starts a build on the present thread. `None` where it cannot be measured: 64 are open already,
/// or there is no memory.
///
/// Where it is `timed`, each call of a phase leaves an interval.
pub(crate) fn start(timed: bool) -> Option<BuildNumber> {
    let _uncounted = Uncounted::begin();
    let own = threads::present()?;
    let number = BuildNumber::next();
    let mut state = STATE.lock();
    // What is open of builds that are over is nothing that this one would set aside.
    own.notice_ended_builds();
    let now = ticks::now();
    let tallied = state.settle(&read_all(None, own, || now, |_, _| ()));
    if !open_builds::open(number, timed) {
        return None;
    }
    path::begin(number);
    // Where there are too many watches, the build's peak is that of its own thread.
    own.watch.start();
    let overlapped = !state.builds.is_empty();
    for other in &mut state.builds {
        other.overlapped = true;
    }
    let start = Anchor::read();
    own.start_build(number, tallied.net_bytes.cast_signed(), start.ticks);
    let until_start =
        own.settle(own.read(None, || start.ticks, &mut NodeReadings::default()).outside);
    if let Some(home) = own.home().filter(|it| *it != number) {
        state.give(Some(home), until_start, Some(own));
    }
    state.builds.push(OpenBuild {
        number,
        own,
        start,
        tallied,
        unattributed: Used::default(),
        unclaimed: ZERO,
        overlapped,
        user: UserFacts::default(),
    });
    Some(number)
}

/// Ends a build. `None` where it is not open.
pub(crate) fn end(number: BuildNumber) -> Option<Measured> {
    let _uncounted = Uncounted::begin();
    let mut state = STATE.lock();
    let index = state.builds.iter().position(|it| it.number == number)?;
    let own = state.builds[index].own;
    let present = threads::present();
    // On the build's own thread nothing happens from here on. Elsewhere that thread goes on: then
    // the end is the instant at which it is read.
    let end = Cell::new(Anchor::read());
    let is_present = present.is_some_and(|it| std::ptr::eq(it, own));
    open_builds::close(number);
    let time_of_own = || {
        if !is_present {
            end.set(Anchor::read());
        }
        end.get().ticks
    };
    let mut merged = Merged::default();
    let readings = read_all(Some(number), own, time_of_own, |tree, nodes| merged.add(tree, nodes));
    let end = end.get();
    let tallied = state.settle(&readings);
    let mut build = state.builds.swap_remove(index);
    build.add_other_ground(&readings);
    let paths = path::end(number);
    let phases = merged.finish(paths.len());
    let lanes = take_lanes(&readings);
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
    own.set_resident_fresh(scale.ticks_in(LONG).max(1));
    if !state.builds.iter().any(|it| std::ptr::eq(it.own, own)) {
        own.watch.stop();
        own.release_if_vacant();
    }
    drop(state);

    if let Some(present) = present {
        present.notice_ended_builds();
    }
    let counters = if build.overlapped {
        let alone = phases.iter().skip(1).map(|it| it.alone().counters);
        alone.fold(build.unattributed.counters, Counters::plus)
    } else {
        tallied.minus(build.tallied)
    };
    let live_bytes = tallied.net_bytes.cast_signed();
    let own_reading = readings.iter().find(|it| std::ptr::eq(it.0, own));
    let own_trees = own_reading.iter().flat_map(|it| &it.1.trees).filter(|it| it.own);
    let peak_bytes = own_trees.map(|it| it.process_peak).max().unwrap_or(i64::MIN).max(live_bytes);
    Some(Measured {
        start: build.start.ticks,
        end: end.ticks,
        scale,
        stepped_back: otherwise::take_stepped_back() || scale.stepped_back(),
        counters,
        live_bytes: u64::try_from(live_bytes).unwrap_or(0),
        peak_bytes: u64::try_from(peak_bytes).ok(),
        phases,
        paths,
        lanes,
        unattributed: build.unattributed,
        unclaimed: build.overlapped.then_some(build.unclaimed),
        user: build.user,
    })
}

/// Changes what the user said of a build. `None` where it is not open.
pub(crate) fn with_user_facts<T>(
    number: BuildNumber,
    change: impl FnOnce(&mut UserFacts) -> T,
) -> Option<T> {
    let _uncounted = Uncounted::begin();
    let mut state = STATE.lock();
    let build = state.builds.iter_mut().find(|it| it.number == number)?;
    Some(change(&mut build.user))
}

type Readings = Vec<(&'static Thread, ThreadReading)>;

/// Reads all threads: `own` as of the time that `end` gives, the others as of their reading. `take`
/// is given each tree that was read, with the nodes that are in it.
fn read_all(
    build: Option<BuildNumber>,
    own: &'static Thread,
    end: impl Fn() -> Ticks,
    mut take: impl FnMut(&TreeReading, &NodeReadings),
) -> Readings {
    let mut nodes = NodeReadings::default();
    let mut read = |it: &'static Thread| {
        let reading = if std::ptr::eq(it, own) {
            it.read(build, &end, &mut nodes)
        } else {
            it.read(build, ticks::now, &mut nodes)
        };
        reading.trees.iter().for_each(|tree| take(tree, &nodes));
        (it, reading)
    };
    threads::all().map(&mut read).collect()
}

impl State {
    /// Gives what each thread did outside of phases, since this was last done, to the build that it
    /// belongs to. To be called whenever a build starts or ends, before the list of builds changes.
    /// Gives the sum of all tallies.
    fn settle(&mut self, readings: &Readings) -> Counters {
        let sole = if let [sole] = self.builds.as_slice() { Some(sole.number) } else { None };
        for (thread, reading) in readings {
            let outside = thread.settle(reading.outside);
            let home = thread.home().filter(|it| self.builds.iter().any(|b| b.number == *it));
            // Only to the build that it started there is a thread's base that build's own ground.
            self.give(home.or(sole), outside, home.map(|_| *thread));
        }
        let ended = threads::ended().counters();
        let outside = Used { ticks: 0, counters: ended.minus(self.ended) };
        self.ended = ended;
        self.give(sole, outside, None);
        readings.iter().fold(ended, |sum, it| sum.plus(it.1.counters))
    }

    fn give(&mut self, to: Option<BuildNumber>, outside: Used, by: Option<&Thread>) {
        for build in &mut self.builds {
            if to == Some(build.number) {
                let sum = &mut build.unattributed;
                sum.counters = sum.counters.plus(outside.counters);
                if by.is_some_and(|it| std::ptr::eq(it, build.own)) {
                    sum.ticks = sum.ticks.wrapping_add(outside.ticks);
                }
            } else if to.is_none() {
                build.unclaimed = build.unclaimed.plus(outside.counters);
            }
        }
    }
}

impl Thread {
    /// Notes what was outside of phases up to now, and gives what came since this was last done.
    ///
    /// That can be less than nothing: an entry has its time before others see it, so that a reading
    /// in between takes for outside what turns out to be the phase's. The sums come out right.
    fn settle(&self, outside: Used) -> Used {
        let since = outside.minus(self.settled.load());
        self.settled.add(since);
        since
    }

    /// Makes what the thread did something that [`Self::settle`] will give.
    fn unsettle(&self, counters: Counters) {
        self.settled.add_counters(Counters::default().minus(counters));
    }
}
