//! What other threads allocated before a build, and had not published when it started.

use std::hint::black_box;
use std::sync::{Barrier, Mutex};
use std::thread;

use contract_tests::one_build::{collector, measure_with, paths, phase_of};
use libtest_mimic::Trial;
use perf_runtime::{BuildStats, enter};

const THREADS: usize = 3;

/// How far a thread's level moves before the thread publishes it, in bytes.
const STEP: i64 = 64 * 1_024;

/// A number of blocks and their size. `None` ends the threads.
type Job = Option<(usize, usize)>;

/// Threads that hold blocks on request. Waiting for them allocates nothing.
struct Crew {
    job: Mutex<Job>,
    barrier: Barrier,
}

impl Crew {
    fn serve(&self) {
        let mut held = Vec::with_capacity(64);
        loop {
            self.barrier.wait();
            let job = *self.job.lock().unwrap();
            let Some((blocks, size)) = job else { return };
            held.extend((0..blocks).map(|_| Vec::<u8>::with_capacity(size)));
            self.barrier.wait();
            self.barrier.wait();
            held.clear();
            self.barrier.wait();
        }
    }

    /// All threads hold blocks at the same time, and then free them.
    fn hold_and_free(&self, blocks: usize, size: usize) {
        *self.job.lock().unwrap() = Some((blocks, size));
        for _ in 0..4 {
            self.barrier.wait();
        }
    }
}

/// The record of a build whose phase holds `own` bytes while other threads hold blocks and free them.
fn crowd(crew: &Crew, own: usize, blocks: usize, size: usize) -> BuildStats {
    // More than a step: each thread publishes its level exactly.
    crew.hold_and_free(1, 4 * 64 * 1_024);
    measure_with(&mut collector(), || {
        drop(enter("base"));
        let _phase = enter("among others");
        let block = black_box(Vec::<u8>::with_capacity(own));
        crew.hold_and_free(blocks, size);
        drop(block);
    })
}

/// Asserts that levels are wrong by what the threads did since they published, and not by what they
/// did before.
fn assert_levels(stats: &BuildStats, own: i64, bytes: i64, blocks: i64) {
    let threads = i64::try_from(THREADS).unwrap();
    let held = threads * bytes;
    assert_eq!(paths(stats), ["base", "among others"]);
    let phase = phase_of(stats, "among others");
    let counters = [phase.alloc_bytes, phase.freed_bytes, phase.peak_bytes, phase.self_alloc_bytes];
    assert_eq!(counters, [Some(own.cast_unsigned()); 4]);
    assert_eq!((phase.calls, phase.alloc_count, phase.freed_count), (1, Some(1), Some(1)));
    let outside = stats.unattributed.as_ref().unwrap();
    let expected = (Some((threads * blocks).cast_unsigned()), Some(held.cast_unsigned()));
    assert_eq!((outside.alloc_count, outside.alloc_bytes), expected);
    assert_eq!((outside.freed_count, outside.freed_bytes), expected);
    // "base" does nothing: its peak is the level before.
    let level = |path| phase_of(stats, path).process_peak_bytes.unwrap().cast_signed();
    #[expect(clippy::cast_possible_truncation, reason = "a heap is far below 2^53 bytes")]
    let bytes = |megabytes: Option<f64>| (megabytes.unwrap() * 1_048_576.0).round() as i64;
    // The build thread may have unpublished bytes as well, but not at the end.
    for (high, expected, steps) in [
        (level("among others"), own + held, threads + 1),
        (bytes(stats.memory_peak_mb), own + held, threads + 1),
        (bytes(stats.memory_heap_mb), 0, threads),
    ] {
        let difference = (high - level("base") - expected).abs();
        assert!(difference <= steps * STEP, "{difference} bytes in {stats:?}");
    }
    assert_eq!(stats.peak_phase.as_deref(), Some("among others"));
}

fn check() {
    // The first build leaves each thread almost a step below its published level, and the second
    // raises each to almost a step above it.
    let jobs = [(3, 60_000), (2, 60_326)];
    let crew = Crew { job: Mutex::new(None), barrier: Barrier::new(THREADS + 1) };
    let records = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| crew.serve());
        }
        let records = jobs.map(|(blocks, size)| crowd(&crew, 1_209, blocks, size));
        *crew.job.lock().unwrap() = None;
        crew.barrier.wait();
        records
    });
    for (stats, (blocks, size)) in records.iter().zip(jobs) {
        assert_levels(
            stats,
            1_209,
            i64::try_from(blocks * size).unwrap(),
            i64::try_from(blocks).unwrap(),
        );
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let test = || {
        check();
        Ok(())
    };
    vec![Trial::test("levels_that_were_unpublished_at_the_start_of_a_build_are_not_missed", test)]
}
