//! Simulated build times, and many trials of a question on all processors.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, Normal};
use rand_pcg::Pcg64Mcg;

/// The level of every simulated build, in milliseconds.
const LEVEL: f64 = 1_000.0;
/// The share of builds that are outliers …
const OUTLIERS: f64 = 0.05;
/// … and by which share they are slower on average (exponential distribution).
const OUTLIER_MEAN: f64 = 0.3;

/// A machine and the effect of a change.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// Standard deviation of ln(time) among builds of a session.
    pub noise: f64,
    /// Standard deviation of ln(time) between sessions.
    pub session: f64,
    /// By how much the candidate is slower, as a share.
    pub change: f64,
}

/// A source of builds in such a world.
pub struct Builds {
    world: World,
    random: Pcg64Mcg,
}

impl Builds {
    /// The same seed gives the same builds.
    pub fn new(world: World, seed: u64) -> Self {
        Self { world, random: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// Sessions of `builds` each, before the change.
    pub fn history(&mut self, sessions: usize, builds: usize) -> Vec<Vec<f64>> {
        (0..sessions).map(|_| self.session(builds, 1.0)).collect()
    }

    /// A session of builds with the change.
    pub fn after(&mut self, builds: usize) -> Vec<f64> {
        self.session(builds, 1.0 + self.world.change)
    }

    /// Interleaved pairs, which share their session.
    pub fn pairs(&mut self, pairs: usize) -> (Vec<f64>, Vec<f64>) {
        let level = LEVEL * self.normal(self.world.session).exp();
        let slower = level * (1.0 + self.world.change);
        (0..pairs).map(|_| (self.build(level), self.build(slower))).unzip()
    }

    /// A number between the two, uniformly distributed.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random.random::<f64>()
    }

    fn session(&mut self, builds: usize, factor: f64) -> Vec<f64> {
        let level = LEVEL * self.normal(self.world.session).exp() * factor;
        (0..builds).map(|_| self.build(level)).collect()
    }

    fn build(&mut self, level: f64) -> f64 {
        let time = level * self.normal(self.world.noise).exp();
        if self.random.random::<f64>() >= OUTLIERS {
            return time;
        }
        let slowed = Exp::new(1.0 / OUTLIER_MEAN).expect("the mean is above 0");
        time * (1.0 + slowed.sample(&mut self.random))
    }

    fn normal(&mut self, deviation: f64) -> f64 {
        let normal = Normal::new(0.0, deviation).expect("the deviation is not negative");
        normal.sample(&mut self.random)
    }
}

/// Asks a question `trials` times about each cell of a table. Every trial has its own seed, so the
/// answers do not depend on the number of processors.
pub fn answers<C: Sync, T: Send>(
    cells: &[C],
    trials: u64,
    question: impl Fn(&C, u64) -> T + Sync,
) -> Vec<Vec<T>> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(BTreeMap::new());
    let work = || loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(cell) = cells.get(index) else { return };
        let seeds = (1..=trials).map(|trial| trial + trials * index as u64);
        let of_cell: Vec<T> = seeds.map(|seed| question(cell, seed)).collect();
        answers.lock().expect("no trial panics").insert(index, of_cell);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    answers.into_inner().expect("no trial panics").into_values().collect()
}

/// The share of answers that meet a condition.
pub fn share<T>(answers: &[T], condition: impl Fn(&T) -> bool) -> f64 {
    mean(answers, |answer| f64::from(u8::from(condition(answer))))
}

/// The mean of a number over all answers.
pub fn mean<T>(answers: &[T], number: impl Fn(&T) -> f64) -> f64 {
    let count = f64::from(u32::try_from(answers.len()).expect("a number of trials"));
    answers.iter().map(number).sum::<f64>() / count
}
