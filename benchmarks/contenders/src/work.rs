//! The workloads.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use allocator_api2::alloc::{Allocator, Global, System};
use allocator_api2::vec::Vec as VecIn;

use crate::batches::{Timing, UNITS, join, time, time_on_threads};
use crate::counter::two_reads;
use crate::{Contender, Phases as _, Workload};

/// Times a workload for about `duration`.
pub(crate) fn time_workload<C: Contender>(workload: Workload, duration: Duration) -> Timing {
    use Workload as W;
    let threads = workload.threads();
    match workload {
        W::TightCall => time(duration, call::<C>, read),
        W::TwoThreads | W::EightThreads => time_on_threads(threads, duration, call::<C>, read),
        W::TenNested => {
            let nested = || {
                for x in 0..UNITS / 10 {
                    black_box(C::Annotated::ten_nested(x.into()));
                }
            };
            time(duration, || C::unit(nested), read)
        }
        W::HundredSites => {
            let sites = || {
                for x in 0..UNITS / 100 {
                    black_box(C::Annotated::hundred_sites(x.into()));
                }
            };
            time(duration, || C::unit(sites), read)
        }
        W::ThousandPolls => {
            let polls = || {
                black_box(poll_to_end(C::Annotated::polls(UNITS)));
            };
            time(duration, || C::unit(polls), read)
        }
        W::HandedToAnotherThread => time_hand_off::<C>(duration),
        W::Alloc8 | W::Alloc1K => {
            let size = block_size(workload);
            time(duration, || allocate::<C>(size), || blocks_in(size, System))
        }
        W::Alloc8TwoThreads | W::Alloc1KTwoThreads => {
            let size = block_size(workload);
            let reference = || blocks_in(size, System);
            time_on_threads(threads, duration, || allocate::<C>(size), reference)
        }
    }
}

fn block_size(workload: Workload) -> usize {
    match workload {
        Workload::Alloc1K | Workload::Alloc1KTwoThreads => 1024,
        _ => 8,
    }
}

/// Calls one phase [`UNITS`] times.
pub(crate) fn call<C: Contender>() {
    C::unit(|| {
        for x in 0..UNITS {
            black_box(C::Annotated::call(x.into()));
        }
    });
}

/// Allocates and frees [`UNITS`] blocks inside a phase: some contenders count nothing elsewhere.
pub(crate) fn allocate<C: Contender>(size: usize) {
    C::unit(|| C::Annotated::within(&mut || blocks_in(size, Global)));
}

#[inline(never)]
fn blocks_in<A: Allocator + Copy>(size: usize, allocator: A) {
    for _ in 0..UNITS {
        drop(black_box(VecIn::<u8, A>::with_capacity_in(size, allocator)));
    }
}

/// Two reads of the counter, [`UNITS`] times.
fn read() {
    for _ in 0..UNITS {
        two_reads();
    }
}

/// Makes a closure in a phase and times its calls on another thread, which is in no phase.
fn time_hand_off<C: Contender>(duration: Duration) -> Timing {
    // Not inlined, as no annotated function is.
    #[inline(never)]
    fn work(x: u64) -> u64 {
        black_box(x)
    }

    let mut timing = None;
    C::unit(|| {
        C::Annotated::within(&mut || {
            let handed = C::handed(work);
            let calls = move || {
                for x in 0..UNITS {
                    black_box(handed(x.into()));
                }
            };
            let thread = thread::spawn(move || time(duration, calls, read));
            timing = Some(join(thread.join()));
        });
    });
    timing.expect("a phase does its work once")
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

fn poll_to_end<T>(future: impl Future<Output = T>) -> T {
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
    use super::*;
    use crate::{Seen, unannotated};

    crate::phases!(unannotated, unannotated);

    struct Bare;

    impl Contender for Bare {
        type Annotated = Annotated;

        fn measuring<T>(work: impl FnOnce() -> T) -> T {
            work()
        }

        fn seen(work: impl FnOnce()) -> Seen {
            work();
            Seen::default()
        }
    }

    #[test]
    fn a_future_of_a_thousand_polls_is_polled_a_thousand_times() {
        assert_eq!(poll_to_end(Annotated::polls(UNITS)), 1000);
        assert_eq!(poll_to_end(Yields::new(1)), 1);
    }

    #[test]
    fn every_workload_takes_time_and_so_does_its_reference() {
        assert_eq!((Annotated::ten_nested(3), Annotated::hundred_sites(5)), (3, 5));
        for workload in Workload::ALL {
            let timing = time_workload::<Bare>(workload, Duration::ZERO);
            assert!(timing.ns > 0.0 && timing.reference_ns > 0.0, "{workload:?}: {timing:?}");
        }
    }
}
