//! The builds that are open: what each of them is owed by every thread, and its end, when the
//! threads' trees become one.

mod merge;
mod user_facts;

use parking_lot::Mutex;

use crate::measure::counters::Counters;
use crate::measure::ticks::{self, Anchor, Scale, Ticks};
use crate::phase::node::Used;
use crate::phase::open_builds::{self, BuildNumber};
use crate::phase::path::{self, Paths};
use crate::phase::reading::ThreadReading;
use crate::phase::thread::{self, Thread};
use crate::phase::threads::{self, Uncounted};

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
    /// In no phase. The ticks are those of the build's own thread.
    pub(crate) unattributed: Used,
    /// What belonged to none of several builds.
    pub(crate) unclaimed: Option<Counters>,
    pub(crate) user: UserFacts,
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
pub(crate) fn start() -> Option<BuildNumber> {
    let _uncounted = Uncounted::begin();
    let own = threads::present()?;
    let number = BuildNumber::next();
    let mut state = STATE.lock();
    let now = ticks::now();
    let tallied = state.settle(&read_all(None, now));
    if !open_builds::open(number) {
        return None;
    }
    path::begin(number);
    let watched = own.watch.start();
    debug_assert!(watched || state.builds.len() >= 8, "a watch is free while few builds are open");
    let overlapped = !state.builds.is_empty();
    for other in &mut state.builds {
        other.overlapped = true;
    }
    let start = Anchor::read();
    own.start_build(number, tallied.net_bytes.cast_signed(), start.ticks);
    own.settle(own.read(None, start.ticks).outside);
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
    let end = Anchor::read();
    let _uncounted = Uncounted::begin();
    let mut state = STATE.lock();
    open_builds::close(number);
    let readings = read_all(Some(number), end.ticks);
    let tallied = state.settle(&readings);
    let index = state.builds.iter().position(|it| it.number == number)?;
    let build = state.builds.swap_remove(index);
    let paths = path::end(number);
    let phases = merge::merge(&paths, &readings);
    for (thread, reading) in &readings {
        for tree in &reading.trees {
            tree.tree.cut.store(reading.counters);
            tree.tree.collected();
            debug_assert!(!tree.own || std::ptr::eq(*thread, build.own) || reading.trees.len() > 1);
        }
    }
    drop(state);

    if let Some(present) = threads::present() {
        present.notice_ended_builds();
    }
    let own_reading = readings.iter().find(|it| std::ptr::eq(it.0, build.own));
    let peak = own_reading.map(|it| it.1.process_peak);
    build.own.watch.stop();
    let scale = Scale::between(build.start, end);
    build.own.set_resident_fresh(scale.ticks_in(LONG).max(1));
    let counters = if build.overlapped {
        phases
            .iter()
            .skip(1)
            .fold(build.unattributed.counters, |sum, it| sum.plus(it.alone().counters))
    } else {
        tallied.minus(build.tallied)
    };
    Some(Measured {
        start: build.start.ticks,
        end: end.ticks,
        scale,
        stepped_back: thread::take_stepped_back() || scale.stepped_back(),
        counters,
        live_bytes: u64::try_from(tallied.net_bytes.cast_signed()).unwrap_or(0),
        peak_bytes: peak.and_then(|it| u64::try_from(it).ok()),
        phases,
        paths,
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

fn read_all(build: Option<BuildNumber>, end: Ticks) -> Readings {
    threads::all().map(|it| (it, it.read(build, end))).collect()
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
            self.give(home.or(sole), outside, Some(*thread));
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
    fn settle(&self, outside: Used) -> Used {
        let before = self.settled.load();
        let since = outside.minus(before);
        self.settled.add(since);
        since
    }
}
