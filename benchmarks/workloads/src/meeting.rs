//! Threads that time their batches at the same moments, so that what they share is fought over.
//!
//! On a machine that does other things too, threads left to themselves run by turns, and batches
//! that met no rival would be the most.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// How often a thread looks before it gives its processor to others.
const LOOKS: u32 = 2_000;

/// Where a number of threads wait for each other before each batch.
#[derive(Debug)]
pub(crate) struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
    somebody_left: AtomicBool,
    work_repeats: AtomicU32,
    reference_repeats: AtomicU32,
    origin: Instant,
    /// When the batches of a round ran. Three take turns: one is written, one may still be read,
    /// and one is made ready.
    rounds: [Span; 3],
}

/// When the batches of one round ran, in nanoseconds.
#[derive(Debug)]
struct Span {
    first_start: AtomicU64,
    last_start: AtomicU64,
    first_end: AtomicU64,
    last_end: AtomicU64,
    /// The slowest pace of ordinary instructions.
    pace: AtomicU64,
}

impl Span {
    fn empty() -> Self {
        Self {
            first_start: AtomicU64::new(u64::MAX),
            last_start: AtomicU64::new(0),
            first_end: AtomicU64::new(u64::MAX),
            last_end: AtomicU64::new(0),
            pace: AtomicU64::new(0),
        }
    }

    fn clear(&self) {
        self.first_start.store(u64::MAX, SeqCst);
        self.last_start.store(0, SeqCst);
        self.first_end.store(u64::MAX, SeqCst);
        self.last_end.store(0, SeqCst);
        self.pace.store(0, SeqCst);
    }
}

impl Meeting {
    /// A meeting of so many threads, as long as each can have a processor: `None` where they cannot.
    pub(crate) fn of(threads: usize) -> Option<Self> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (threads <= processors).then(|| Self::of_any(threads))
    }

    fn of_any(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            somebody_left: AtomicBool::new(false),
            work_repeats: AtomicU32::new(0),
            reference_repeats: AtomicU32::new(0),
            origin: Instant::now(),
            rounds: [Span::empty(), Span::empty(), Span::empty()],
        }
    }

    /// Tells when this thread's batch of a round ran, and how fast ordinary instructions were around
    /// it.
    pub(crate) fn tell(&self, round: usize, start: Instant, end: Instant, pace: Duration) {
        let nanoseconds = |it: Duration| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX);
        let [start, end] = [start, end].map(|it| nanoseconds(it.duration_since(self.origin)));
        self.rounds[(round + 1) % 3].clear();
        let span = &self.rounds[round % 3];
        span.first_start.fetch_min(start, SeqCst);
        span.last_start.fetch_max(start, SeqCst);
        span.first_end.fetch_min(end, SeqCst);
        span.last_end.fetch_max(end, SeqCst);
        span.pace.fetch_max(nanoseconds(pace), SeqCst);
    }

    /// The slowest pace of all threads in a round. To be asked after the threads have met once more.
    pub(crate) fn slowest_pace(&self, round: usize) -> Duration {
        Duration::from_nanos(self.rounds[round % 3].pace.load(SeqCst))
    }

    /// Whether all batches of a round ran at once for most of their time. To be asked after the
    /// threads have met once more. They meet on one processor too, and run there by turns.
    pub(crate) fn ran_at_once(&self, round: usize) -> bool {
        let span = &self.rounds[round % 3];
        let at_once = span.first_end.load(SeqCst).saturating_sub(span.last_start.load(SeqCst));
        let all = span.last_end.load(SeqCst).saturating_sub(span.first_start.load(SeqCst));
        at_once > all / 2
    }

    /// Agrees on the largest repeats that any of the threads brings.
    pub(crate) fn agree(&self, work: u32, reference: u32) -> (u32, u32) {
        self.work_repeats.fetch_max(work, SeqCst);
        self.reference_repeats.fetch_max(reference, SeqCst);
        self.wait();
        (self.work_repeats.load(SeqCst), self.reference_repeats.load(SeqCst))
    }

    /// Waits for all the others. `false` where one of them has left.
    pub(crate) fn wait(&self) -> bool {
        let place = self.arrived.fetch_add(1, SeqCst);
        let complete = (place / self.threads + 1) * self.threads;
        let mut looks = 0;
        while self.arrived.load(SeqCst) < complete {
            if self.somebody_left.load(SeqCst) {
                return false;
            }
            looks += 1;
            if looks % LOOKS == 0 {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
        true
    }

    /// Tells the others that this thread meets them no more.
    pub(crate) fn leave(&self) {
        self.somebody_left.store(true, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nobody_goes_on_before_all_have_come() {
        let meeting = Meeting::of_any(3);
        let rounds = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 0..100 {
                        assert!(rounds.load(SeqCst) >= 3 * round);
                        rounds.fetch_add(1, SeqCst);
                        assert!(meeting.wait());
                    }
                });
            }
        });
        assert_eq!(rounds.into_inner(), 300);
    }

    #[test]
    fn batches_ran_at_once_where_they_share_most_of_their_time() {
        let meeting = Meeting::of_any(2);
        let at = |microseconds| meeting.origin + Duration::from_micros(microseconds);
        for (round, other, expected) in
            [(0, (10, 50), true), (1, (45, 85), false), (2, (20, 60), true), (3, (9, 900), false)]
        {
            let paces = [2, round as u64].map(Duration::from_micros);
            meeting.tell(round, at(10), at(50), paces[0]);
            meeting.tell(round, at(other.0), at(other.1), paces[1]);
            assert_eq!(meeting.ran_at_once(round), expected, "{round}");
            assert_eq!(Some(meeting.slowest_pace(round)), paces.into_iter().max());
        }
    }

    #[test]
    fn whoever_waits_for_one_that_left_is_told() {
        let meeting = Meeting::of_any(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(meeting.wait());
                meeting.leave();
            });
            assert!(meeting.wait());
            assert!(!meeting.wait());
        });
    }

    #[test]
    fn threads_agree_on_the_most_repeats() {
        let meeting = Meeting::of_any(2);
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(meeting.agree(4, 1), (8, 2)));
            assert_eq!(meeting.agree(8, 2), (8, 2));
        });
    }
}
