//! Entries and exits of phases, beside two reads of a counter.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::batches::{Budget, Pair, time, time_pairs};
use crate::counter::two_reads;
use crate::meeting::Meeting;
use crate::pace::Timed;
use crate::{Contender, Phases};

/// How many phases one unit of a contender's work holds.
pub(crate) const CALLS: u32 = 1000;

/// A thousand calls of one phase.
pub(crate) fn time_calls<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_thousand::<C>(budget, || {
        for x in 0..CALLS {
            black_box(C::Annotated::call(x.into()));
        }
    })
}

/// A hundred times ten phases inside each other.
pub(crate) fn time_nested<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_thousand::<C>(budget, || {
        for x in 0..CALLS / 10 {
            black_box(C::Annotated::ten_nested(x.into()));
        }
    })
}

/// Ten times a hundred places in the source.
pub(crate) fn time_sites<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_thousand::<C>(budget, || {
        for x in 0..CALLS / 100 {
            black_box(C::Annotated::hundred_sites(x.into()));
        }
    })
}

/// One call of an async phase, polled a thousand times.
pub(crate) fn time_polls<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_thousand::<C>(budget, || {
        black_box(poll_to_end(C::Annotated::polls(CALLS)));
    })
}

/// What every thread measured, of several that begin together and, as far as there are processors
/// for them, begin each batch together. They share the units of the budget.
pub(crate) fn on_threads(
    threads: u32,
    budget: Budget<'_>,
    work: impl Fn(Budget<'_>) -> Vec<Pair> + Sync,
) -> Vec<Pair> {
    let meeting = Meeting::of(threads as usize);
    let start = Barrier::new(threads as usize);
    let units = budget.units / u64::from(threads);
    thread::scope(|scope| {
        let spawned = (0..threads).map(|_| {
            scope.spawn(|| {
                start.wait();
                work(Budget { units, meeting: meeting.as_ref(), ..budget })
            })
        });
        let spawned: Vec<_> = spawned.collect();
        spawned
            .into_iter()
            .flat_map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn time_thousand<C: Contender>(budget: Budget<'_>, mut thousand: impl FnMut()) -> Vec<Pair> {
    time_pairs(budget, CALLS, |repeats| time(repeats, || C::unit(&mut thousand)), time_reads)
}

/// A thousand times two reads of the counter, so many times.
pub(crate) fn time_reads(repeats: u32) -> Timed {
    time(repeats, || {
        for _ in 0..CALLS {
            two_reads();
        }
    })
}

/// A future that is ready at its `count`-th poll.
#[derive(Debug)]
pub struct Yields {
    left: u32,
    polls: u64,
}

impl Yields {
    /// A future that is ready at its `count`-th poll.
    #[must_use]
    pub fn new(count: u32) -> Self {
        Self { left: count, polls: 0 }
    }
}

impl Future for Yields {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        self.polls += 1;
        self.left = black_box(self.left.saturating_sub(1));
        if self.left == 0 { Poll::Ready(self.polls) } else { Poll::Pending }
    }
}

pub(crate) fn poll_to_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_future_of_a_thousand_polls_is_polled_a_thousand_times() {
        assert_eq!(poll_to_end(Yields::new(CALLS)), 1000);
        assert_eq!(poll_to_end(Yields::new(1)), 1);
    }

    #[test]
    fn every_thread_tells_what_it_measured() {
        let second = |_| Timed { taken: Duration::from_secs(1), pace: Duration::from_micros(1) };
        for threads in [1, 2, 7] {
            let budget = Budget { time: Duration::ZERO, units: u64::MAX, meeting: None };
            let pairs = on_threads(threads, budget, |it| {
                time_pairs(Budget { meeting: None, ..it }, 1, second, second)
            });
            assert_eq!(pairs.len(), 7 * threads as usize);
        }
    }
}
