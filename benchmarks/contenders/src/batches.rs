//! Timing in short batches of the work, each beside a batch of a reference.
//!
//! A batch is long compared with reading the clock around it, and short compared with the time slices
//! of the operating system, so that most batches run undisturbed. Where another program or virtual
//! machine uses the other half of a core, ordinary instructions take up to twice as long. Such
//! disturbances only ever add time, so the lower quartile of the batches is reported.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How many units of work one call of the work or of the reference does.
pub(crate) const UNITS: u32 = 1000;
/// The shortest time that a batch lasts.
const BATCH: Duration = Duration::from_micros(40);
/// The fewest pairs of batches, however long they take.
const FEWEST: usize = 8;
/// The most pairs of batches.
const MOST: usize = 20_000;

/// What one process measured of one workload: lower quartiles over its batches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Nanoseconds of one unit of the work: a call, a poll, or an allocation with its free.
    pub ns: f64,
    /// Nanoseconds of one unit of the reference, in batches between those of the work.
    pub reference_ns: f64,
}

/// The value that a quarter of the values lie below. Not a number where there are no values.
#[must_use]
pub fn lower_quartile(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 4).copied().unwrap_or(f64::NAN)
}

/// Times `work` and `reference` in turn for about `time` on this thread. Each does [`UNITS`] units.
pub(crate) fn time(time: Duration, work: impl Fn(), reference: impl Fn()) -> Timing {
    let plan = Plan::new(time, &work, &reference);
    summarize(&plan.run(None, &work, &reference).iter())
}

/// The same on several threads at once. Where each of them can have a processor, they start each batch
/// together, so that they compete for what they share.
pub(crate) fn time_on_threads(
    threads: usize,
    time: Duration,
    work: impl Fn() + Sync,
    reference: impl Fn() + Sync,
) -> Timing {
    let plan = Plan::new(time, &work, &reference);
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let barrier = (threads <= processors).then(|| SpinBarrier::new(threads));
    let run = || plan.run(barrier.as_ref(), &work, &reference);
    let threads: Vec<Vec<Pair>> = thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        spawned.into_iter().map(|thread| join(thread.join())).collect()
    });
    let is_counted = |round: &usize| {
        barrier.is_none() || overlap(threads.iter().map(|pairs| &pairs[*round].work_span))
    };
    let rounds: Vec<usize> = (0..plan.pairs).filter(is_counted).collect();
    // On a very busy machine there may be none. Then all of them count.
    let rounds = if rounds.is_empty() { (0..plan.pairs).collect() } else { rounds };
    let pairs = threads.iter().flat_map(|pairs| rounds.iter().map(|round| &pairs[*round]));
    summarize(&pairs)
}

/// Whether batches that started together ran at once for most of their time. On a busy machine one thread
/// often waits for a processor while another one runs.
fn overlap<'spans>(spans: impl Iterator<Item = &'spans Range<Instant>> + Clone) -> bool {
    let last_start = spans.clone().map(|span| span.start).max();
    let first_end = spans.clone().map(|span| span.end).min();
    let first_start = spans.clone().map(|span| span.start).min();
    let last_end = spans.map(|span| span.end).max();
    let length = |from: Option<Instant>, to: Option<Instant>| {
        from.zip(to).map_or(Duration::ZERO, |(from, to)| to.saturating_duration_since(from))
    };
    length(last_start, first_end) > length(first_start, last_end) / 2
}

/// The result of a thread. A panic there goes on here.
pub(crate) fn join<T>(result: thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A batch of the work and a batch of the reference.
#[derive(Debug, Clone)]
struct Pair {
    /// How long one repetition took.
    work: Duration,
    reference: Duration,
    /// When the batch of the work ran.
    work_span: Range<Instant>,
}

/// How often to do what.
#[derive(Debug, Clone, Copy)]
struct Plan {
    work_repeats: u32,
    reference_repeats: u32,
    pairs: usize,
}

impl Plan {
    fn new(time: Duration, work: &impl Fn(), reference: &impl Fn()) -> Self {
        let (work_repeats, work_time) = repeats_of_a_batch(work);
        let (reference_repeats, reference_time) = repeats_of_a_batch(reference);
        let pairs =
            time.div_duration_f64((work_time + reference_time).max(Duration::from_nanos(1)));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let pairs = (pairs as usize).clamp(FEWEST, MOST);
        Self { work_repeats, reference_repeats, pairs }
    }

    /// Times this number of pairs.
    fn run(
        self,
        barrier: Option<&SpinBarrier>,
        work: &impl Fn(),
        reference: &impl Fn(),
    ) -> Vec<Pair> {
        let meet = || {
            if let Some(barrier) = barrier {
                barrier.wait();
            }
        };
        let pair = |_| {
            meet();
            let reference = time_batch(self.reference_repeats, reference);
            meet();
            let start = Instant::now();
            let work = time_batch(self.work_repeats, work);
            Pair {
                work: work / self.work_repeats,
                reference: reference / self.reference_repeats,
                work_span: start..start + work,
            }
        };
        (0..self.pairs).map(pair).collect()
    }
}

/// How often to repeat something so that it fills a batch, and how long that batch takes.
fn repeats_of_a_batch(work: &impl Fn()) -> (u32, Duration) {
    let mut repeats = 1;
    // The first call is not timed: it initializes what later calls find.
    work();
    loop {
        let taken = time_batch(repeats, work);
        if taken >= BATCH || repeats >= 1 << 20 {
            return (repeats, taken);
        }
        repeats *= 2;
    }
}

fn time_batch(repeats: u32, work: &impl Fn()) -> Duration {
    let start = Instant::now();
    for _ in 0..repeats {
        work();
    }
    start.elapsed()
}

fn summarize<'pairs>(pairs: &(impl Iterator<Item = &'pairs Pair> + Clone)) -> Timing {
    let quartile = |time: fn(&Pair) -> Duration| {
        let unit_ns = |pair| time(pair).as_secs_f64() * 1e9 / f64::from(UNITS);
        lower_quartile(pairs.clone().map(unit_ns))
    };
    Timing { ns: quartile(|pair| pair.work), reference_ns: quartile(|pair| pair.reference) }
}

/// A barrier that spins, since threads that sleep do not wake at the same moment.
struct SpinBarrier {
    threads: usize,
    arrived: AtomicUsize,
}

impl SpinBarrier {
    /// How often a thread looks before it yields its processor to others.
    const SPINS: u32 = 2_000;

    fn new(threads: usize) -> Self {
        Self { threads, arrived: AtomicUsize::new(0) }
    }

    fn wait(&self) {
        let ticket = self.arrived.fetch_add(1, SeqCst);
        let complete = (ticket / self.threads + 1) * self.threads;
        let mut spins = 0;
        while self.arrived.load(SeqCst) < complete {
            spins += 1;
            if spins % Self::SPINS == 0 {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_quarter_of_the_values_lie_below_the_lower_quartile() {
        let quartile = |values: &[f64]| lower_quartile(values.iter().copied());
        assert!((quartile(&[5.0, 1.0, 900.0, 3.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((quartile(&[7.0]) - 7.0).abs() < 1e-12);
        assert!(quartile(&[]).is_nan());
    }

    #[test]
    fn disturbed_batches_do_not_move_the_summary_and_units_are_divided_out() {
        let pair = |work, reference| {
            let [work, reference] = [work, reference].map(Duration::from_micros);
            let now = Instant::now();
            Pair { work, reference, work_span: now..now }
        };
        let mut pairs = vec![pair(30, 10); 50];
        pairs.extend(vec![pair(9000, 11); 50]);
        let timing = summarize(&pairs.iter());
        assert!((timing.ns - 30.0).abs() < 1e-9 && (timing.reference_ns - 10.0).abs() < 1e-9);
    }

    #[test]
    fn batches_overlap_where_they_share_most_of_their_time() {
        let origin = Instant::now();
        let at = |micros| origin + Duration::from_micros(micros);
        for (start, end, expected) in
            [(10, 50, true), (45, 85, false), (20, 60, true), (9, 900, false), (51, 91, false)]
        {
            let spans = [at(10)..at(50), at(start)..at(end)];
            assert_eq!(overlap(spans.iter()), expected, "{start}..{end}");
        }
    }

    #[test]
    fn a_batch_is_repeated_until_it_is_long_enough() {
        let calls = Cell::new(0_u64);
        let work = || {
            calls.set(calls.get() + 1);
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(5) {}
        };
        let (repeats, taken) = repeats_of_a_batch(&work);
        assert!(repeats.is_power_of_two() && repeats <= 8 && taken >= BATCH, "{repeats}");
        // One call that is not timed, then 1 + 2 + 4 + … calls.
        assert_eq!(calls.get(), 1 + 2 * u64::from(repeats) - 1);
    }

    #[test]
    fn every_thread_does_the_same_number_of_batches_and_none_runs_ahead() {
        let barrier = SpinBarrier::new(3);
        let (started, plan) =
            (AtomicUsize::new(0), Plan { work_repeats: 2, reference_repeats: 1, pairs: 50 });
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let own = Cell::new(0);
                    let reference = || {
                        // All three have finished the rounds before this one.
                        assert!(started.fetch_add(1, SeqCst) >= 3 * own.get());
                        own.set(own.get() + 1);
                    };
                    assert_eq!(plan.run(Some(&barrier), &|| (), &reference).len(), 50);
                });
            }
        });
        assert_eq!(started.into_inner(), 150);
    }
}
