//! A build tool in watch mode. Its argument is the number of builds. Each has phases on several threads,
//! some of which live on.
//!
//! After every hundredth build, it prints the threads of the process, its resident KiB, and the live heap
//! of the record in bytes.

use std::{
    fs,
    sync::{Arc, Barrier, Mutex, PoisonError},
    thread,
    time::Duration,
};

use perf_runtime::{PerformanceCollector, build, enter, tracked_phase};

/// A worker that outlives the builds, and does one job in each. Waiting for it allocates nothing.
struct Worker {
    job: Mutex<Vec<u8>>,
    barrier: Barrier,
}

impl Worker {
    fn start() -> Arc<Self> {
        let worker = Arc::new(Self { job: Mutex::new(Vec::new()), barrier: Barrier::new(2) });
        let there = Arc::clone(&worker);
        thread::spawn(move || {
            loop {
                there.barrier.wait();
                let job =
                    std::mem::take(&mut *there.job.lock().unwrap_or_else(PoisonError::into_inner));
                render(job);
                there.barrier.wait();
            }
        });
        worker
    }

    fn begin(&self, job: Vec<u8>) {
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = job;
        self.barrier.wait();
    }

    fn finish(&self) {
        self.barrier.wait();
    }
}

pub(crate) fn main() {
    let builds = std::env::args().nth(2).and_then(|argument| argument.parse().ok()).unwrap_or(1);
    let workers = [Worker::start(), Worker::start()];
    let mut collector = PerformanceCollector::from_env("many-builds", "1.0.0");
    for number in 1..=builds {
        collector.start_build();
        one_build(number, &workers);
        let stats = collector.end_build();
        let heap = stats.memory_heap_mb.unwrap_or(f64::NAN) * 1_048_576.0;
        if number % 100 == 0 {
            collector.save(&stats);
        }
        drop(stats);
        if number % 100 == 0 {
            println!("{} {} {heap}", threads(), resident_kib());
        }
    }
}

fn one_build(number: u64, workers: &[Arc<Worker>]) {
    build().count("total_pages", number);
    let _parse = enter("parse");
    for worker in workers {
        worker.begin(vec![0; 3_000]);
    }
    // A phase that the next build does not have: its data must be freed with the build.
    drop(enter(["monday", "tuesday", "wednesday"][usize::try_from(number % 3).unwrap_or(0)]));
    let short: Vec<_> = (0..4).map(|_| thread::spawn(|| render(vec![1; 500]))).collect();
    for thread in short {
        thread.join().expect("it renders");
    }
    for worker in workers {
        worker.finish();
    }
}

#[tracked_phase("render", items = page.len())]
fn render(page: Vec<u8>) {
    let _inner = enter("inner");
    let copy = page.clone();
    // Freed on this thread, although another may have allocated it.
    drop((copy, page));
}

/// The number of threads of this process, after those of the runtime have ended.
fn threads() -> u64 {
    let count = || {
        let tasks = fs::metadata("/proc/self/task").expect("Linux tells");
        std::os::unix::fs::MetadataExt::nlink(&tasks) - 2
    };
    for _ in 0..1_000 {
        if count() <= 3 {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    count()
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|size| size.trim().trim_end_matches(" kB").parse().ok()).expect("a number of KiB")
}
