//! Timing in short batches, each beside one of a reference, so that what slows the machine down
//! slows down both.

use std::time::{Duration, Instant};

use crate::Timing;
use crate::meeting::Meeting;
use crate::pace::{FULL_PACE, Timed, timed};

/// How long a batch lasts at least. Long against the reading of the clock around it, short against
/// the turns in which an operating system gives a processor to others: most batches see none.
const BATCH: Duration = Duration::from_micros(40);
/// How many pairs are timed at least, however long they take; fewer say nothing, and there are fewer only
/// where threads hardly ever ran at once.
pub const FEWEST: usize = 7;
/// How many times as long as they should take, threads that never run at once go on trying.
const PATIENCE: u32 = 20;
/// Of how many pairs the processor should have done ordinary instructions at its full pace.
const ENOUGH: usize = 200;
/// How many times as long as it should take, that is waited for.
const PATIENCE_FOR_CALM: u32 = 5;
/// How many pairs are kept at most.
const MOST: usize = 20_000;

/// One pair of batches: nanoseconds of a unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    work: f64,
    reference: f64,
    /// The slowest pace around both, on all threads that met for them.
    pace: Duration,
}

/// How long to time, and together with whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget<'meeting> {
    /// About how long.
    pub(crate) time: Duration,
    /// No longer than it takes to do so many units of the work, but for those in which a batch finds
    /// its length, and those by which the last one goes beyond.
    pub(crate) units: u64,
    /// Where to meet the other threads before each batch.
    pub(crate) meeting: Option<&'meeting Meeting>,
}

/// Runs `work` and `reference` in turn. Both are given how often to do what they do; one time is
/// `units` units of the work or of the reference.
pub(crate) fn time_pairs(
    budget: Budget<'_>,
    units: u32,
    mut work: impl FnMut(u32) -> Timed,
    mut reference: impl FnMut(u32) -> Timed,
) -> Vec<Pair> {
    let repeats = (repeats_of_a_batch(&mut work), repeats_of_a_batch(&mut reference));
    let meet = || budget.meeting.is_none_or(Meeting::wait);
    let (work_repeats, reference_repeats) =
        budget.meeting.map_or(repeats, |it| it.agree(repeats.0, repeats.1));
    let mut pairs = Vec::with_capacity(MOST);
    let begin = Instant::now();
    let units_of_a_batch = u64::from(units) * u64::from(work_repeats);
    let time_is_up = |pairs: &[Pair]| match begin.elapsed() {
        _ if pairs.len() >= MOST => true,
        elapsed if pairs.len() < FEWEST => {
            elapsed > budget.time * PATIENCE && budget.meeting.is_some()
        }
        elapsed if elapsed < budget.time => false,
        elapsed => {
            elapsed >= budget.time * PATIENCE_FOR_CALM || {
                let full = full_pace(pairs);
                pairs.iter().filter(|it| it.pace <= full).count() >= ENOUGH
            }
        }
    };
    for round in 0_usize.. {
        let all_done = round as u64 * units_of_a_batch >= budget.units;
        if all_done || time_is_up(&pairs) || !meet() {
            break;
        }
        let before = reference(reference_repeats);
        if !meet() {
            break;
        }
        let start = Instant::now();
        let during = work(work_repeats);
        let mut pace = before.pace.max(during.pace);
        if let Some(meeting) = budget.meeting {
            meeting.tell(round, start, Instant::now(), pace);
            if !meeting.wait() {
                break;
            }
            if !meeting.ran_at_once(round) {
                continue;
            }
            pace = meeting.slowest_pace(round);
        }
        pairs.push(Pair {
            work: nanoseconds(during.taken) / f64::from(work_repeats) / f64::from(units),
            reference: nanoseconds(before.taken) / f64::from(reference_repeats) / f64::from(units),
            pace,
        });
    }
    if let Some(meeting) = budget.meeting {
        meeting.leave();
    }
    pairs
}

/// How often something that repeats itself is to do so to fill a batch.
fn repeats_of_a_batch(batch: &mut impl FnMut(u32) -> Timed) -> u32 {
    let mut repeats = 1;
    // The first time is not timed: it looks things up that later ones find.
    batch(repeats);
    while repeats < 1 << 20 && batch(repeats).taken < BATCH {
        repeats *= 2;
    }
    repeats
}

/// How long `repeats` runs of `work` take together.
pub(crate) fn time(repeats: u32, mut work: impl FnMut()) -> Timed {
    timed(|| {
        for _ in 0..repeats {
            work();
        }
    })
}

/// What the pairs at full pace say together. Zeros where there are none.
pub(crate) fn summarize(pairs: &[Pair]) -> Timing {
    let calm = at_full_pace(pairs);
    let median_of = |value: fn(&Pair) -> f64| median(calm.iter().map(value).collect());
    Timing {
        ns: median_of(|it| it.work),
        reference_ns: median_of(|it| it.reference),
        ratio: median_of(|it| it.work / it.reference),
        quartiles: quartiles(calm.iter().map(|it| it.work / it.reference).collect())
            .unwrap_or_default(),
        pace_ns: calm.iter().map(|it| nanoseconds(it.pace)).reduce(f64::min).unwrap_or(0.0),
        batches: calm.len(),
        of_batches: pairs.len(),
    }
}

/// Those that were timed at full pace, and where these are fewer than [`FEWEST`], so many that come next
/// to them.
fn at_full_pace(pairs: &[Pair]) -> Vec<Pair> {
    let full = full_pace(pairs);
    let mut by_pace = pairs.to_vec();
    by_pace.sort_by_key(|it| it.pace);
    let calm = by_pace.partition_point(|it| it.pace <= full);
    by_pace.truncate(calm.max(FEWEST));
    by_pace
}

/// The slowest pace at which ordinary instructions run as fast as they did at best.
fn full_pace(pairs: &[Pair]) -> Duration {
    let best = pairs.iter().map(|it| it.pace).min().unwrap_or(Duration::ZERO);
    best.mul_f64(FULL_PACE)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        len if len % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// What a quarter of the values lie below, and above. `None` where there are no values.
#[must_use]
pub fn quartiles(mut values: Vec<f64>) -> Option<[f64; 2]> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some([values[last / 4], values[last - last / 4]])
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Duration = Duration::from_micros(2);

    fn of(taken: Duration) -> Timed {
        Timed { taken, pace: PACE }
    }

    #[test]
    fn what_was_timed_while_ordinary_instructions_were_slow_does_not_count() {
        let pair = |work, percent| Pair { work, reference: 10.0, pace: PACE * percent / 100 };
        let mut pairs = vec![pair(90.0, 180); 100];
        pairs.extend([pair(30.0, 100); 4]);
        pairs.extend([pair(31.0, 105); 4]);
        let timing = summarize(&pairs);
        assert_eq!((timing.ns, timing.pace_ns), (30.5, 2000.0));
        assert_eq!((timing.batches, timing.of_batches), (8, 108));
        // Too few to say anything alone.
        let timing = summarize(&pairs[..104]);
        assert_eq!((timing.ns, timing.batches, timing.of_batches), (30.0, FEWEST, 104));
    }

    #[test]
    fn a_summary_is_made_of_medians_and_a_disturbed_batch_does_not_move_it() {
        let pairs = [(30.0, 10.0), (33.0, 11.0), (9000.0, 10.0), (30.0, 10.0), (36.0, 12.0)]
            .map(|(work, reference)| Pair { work, reference, pace: PACE });
        let timing = summarize(&pairs);
        assert_eq!((timing.ns, timing.reference_ns, timing.batches), (33.0, 10.0, 5));
        assert!((timing.ratio - 3.0).abs() < 1e-12, "{}", timing.ratio);
        let skewed =
            [30.0, 10.0, 900.0, 20.0, 40.0].map(|work| Pair { work, reference: 10.0, pace: PACE });
        let [low, high] = summarize(&skewed).quartiles;
        assert_eq!((low, high), (2.0, 4.0));
        let [low, high] = summarize(&[]).quartiles;
        assert_eq!((low, high), (0.0, 0.0));
        let [low, high] = [1.0, 2.0].map(|work| Pair { work, reference: 1.0, pace: PACE });
        assert!((summarize(&[high, low]).ns - 1.5).abs() < 1e-12);
        assert_eq!(summarize(&[]).batches, 0);
    }

    #[test]
    fn a_batch_repeats_until_it_is_long_enough_and_its_units_are_divided_out() {
        // A clock of its own: a repeat of the work takes 1 µs, one of the reference 500 ns.
        let pairs = time_pairs(
            Budget { time: Duration::ZERO, units: u64::MAX, meeting: None },
            10,
            |repeats| of(Duration::from_micros(repeats.into())),
            |repeats| {
                assert!(repeats <= 128);
                of(Duration::from_nanos(500 * u64::from(repeats)))
            },
        );
        assert_eq!(pairs.len(), FEWEST);
        for pair in pairs {
            assert!((pair.work - 100.0).abs() < 1e-9);
            assert!((pair.reference - 50.0).abs() < 1e-9);
        }
    }

    #[test]
    fn no_more_units_are_done_than_there_may_be() {
        let budget = Budget { time: Duration::from_mins(1), units: 10 * 64 * 3, meeting: None };
        let mut calls = 0;
        let pairs = time_pairs(
            budget,
            10,
            |repeats| {
                calls += 1;
                of(Duration::from_micros(repeats.into()))
            },
            |_| of(Duration::from_secs(1)),
        );
        // Eight times to find that 64 repeats fill a batch.
        assert_eq!((calls, pairs.len()), (8 + 3, 3));
    }
}
