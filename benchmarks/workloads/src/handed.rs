//! Work that is handed off: what a closure or a future takes to go on with the phase that it was made
//! in, beside two reads of a counter on the same thread.

use std::hint::black_box;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::batches::{Budget, Pair, time, time_pairs};
use crate::pace::{Timed, timed};
use crate::phases::{CALLS, Yields, poll_to_end, time_reads};
use crate::{Contender, Phases};

/// A closure called where nothing is measured.
pub(crate) fn time_outside<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_pairs(budget, CALLS, |repeats| time_calls(repeats, C::handed(work)), time_reads)
}

/// A closure called in the phase that made it.
pub(crate) fn time_in_its_phase<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    let calls = |repeats| in_a_phase::<C>(|| time_calls(repeats, C::handed(work)));
    time_pairs(budget, CALLS, calls, time_reads)
}

/// A closure called in another phase than the one that made it, on the same thread.
pub(crate) fn time_in_another_phase<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    let calls = |repeats| {
        in_a_phase::<C>(|| {
            let handed = C::handed(work);
            let mut timed = Timed::default();
            C::Annotated::elsewhere(&mut || timed = time_calls(repeats, &handed));
            timed
        })
    };
    time_pairs(budget, CALLS, calls, time_reads)
}

/// A closure called on another thread, which is in no phase.
pub(crate) fn time_on_another_thread<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_there(budget, |other, repeats| {
        in_a_phase::<C>(|| {
            let handed = C::handed(work);
            other.time(move || time_calls(repeats, handed))
        })
    })
}

/// A future polled on another thread, which is in no phase: each poll.
pub(crate) fn time_future<C: Contender>(budget: Budget<'_>) -> Vec<Pair> {
    time_there(budget, |other, repeats| {
        in_a_phase::<C>(|| {
            let handed = C::handed_future(Yields::new(CALLS.saturating_mul(repeats)));
            other.time(move || {
                timed(|| {
                    black_box(poll_to_end(handed));
                })
            })
        })
    })
}

/// Not inlined, as no annotated function is.
#[inline(never)]
fn work(x: u64) -> u64 {
    black_box(x)
}

/// A thousand calls of a closure, so many times.
fn time_calls(repeats: u32, handed: impl Fn(u64) -> u64) -> Timed {
    time(repeats, || {
        for x in 0..CALLS {
            black_box(handed(x.into()));
        }
    })
}

/// What `work` gives, done in a phase in a unit of the contender's work. It tells itself what it took,
/// so that neither what is around it nor the making of a closure is timed.
fn in_a_phase<C: Contender>(mut work: impl FnMut() -> Timed) -> Timed {
    let mut timed = Timed::default();
    C::unit(|| C::Annotated::within(&mut || timed = work()));
    timed
}

/// Times `work` and the reference on one other thread.
fn time_there(budget: Budget<'_>, mut work: impl FnMut(&OtherThread, u32) -> Timed) -> Vec<Pair> {
    thread::scope(|scope| {
        let other = OtherThread::spawn(scope);
        time_pairs(
            budget,
            CALLS,
            |repeats| work(&other, repeats),
            |repeats| other.time(move || time_reads(repeats)),
        )
    })
}

type Job = Box<dyn FnOnce() -> Timed + Send>;

/// A thread that does one job after another, and tells what each took.
struct OtherThread {
    jobs: SyncSender<Job>,
    timed: Receiver<Timed>,
}

impl OtherThread {
    fn spawn<'scope>(scope: &'scope thread::Scope<'scope, '_>) -> Self {
        let (jobs, to_do) = sync_channel::<Job>(1);
        let (tell, timed) = sync_channel(1);
        scope.spawn(move || {
            while let Ok(job) = to_do.recv() {
                if tell.send(job()).is_err() {
                    break;
                }
            }
        });
        Self { jobs, timed }
    }

    fn time(&self, job: impl FnOnce() -> Timed + Send + 'static) -> Timed {
        // The other thread lives as long as this end does.
        let sent = self.jobs.send(Box::new(job)).is_ok();
        if sent { self.timed.recv().unwrap_or_default() } else { Timed::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn jobs_are_done_one_after_another_on_one_other_thread() {
        thread::scope(|scope| {
            let other = OtherThread::spawn(scope);
            let (tell, told) = sync_channel(2);
            for second in [1, 2] {
                let tell = tell.clone();
                let timed = other.time(move || {
                    tell.send((second, thread::current().id())).unwrap();
                    Timed { taken: Duration::from_secs(second), ..Timed::default() }
                });
                assert_eq!(timed.taken, Duration::from_secs(second));
            }
            let (first, second) = (told.recv().unwrap(), told.recv().unwrap());
            assert_eq!((first.0, second.0), (1, 2));
            assert_eq!(first.1, second.1);
            assert!(first.1 != thread::current().id());
        });
    }
}
