//! Simulated times of builds: what is known of them, and the noise on top.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, Normal};
use rand_pcg::Pcg64Mcg;

/// The level of every simulated build, in milliseconds.
pub const LEVEL: f64 = 1_000.0;
/// One build in twenty is slowed down by something else …
const OUTLIERS: f64 = 0.05;
/// … by this share on average, exponentially distributed.
const OUTLIER_MEAN: f64 = 0.3;

/// A machine, and what a change does to the build.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// Standard deviation of ln(time) among builds of a session.
    pub noise: f64,
    /// Standard deviation of what all builds of a session share, on ln(time).
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
    /// The same seed makes the same builds.
    pub fn new(world: World, seed: u64) -> Self {
        Self { world, random: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// A session of builds as they were before the change.
    pub fn before(&mut self, builds: usize) -> Vec<f64> {
        let level = LEVEL * self.normal(self.world.session).exp();
        (0..builds).map(|_| self.build(level)).collect()
    }

    /// A session of builds with the change.
    pub fn after(&mut self, builds: usize) -> Vec<f64> {
        let level = LEVEL * self.normal(self.world.session).exp() * (1.0 + self.world.change);
        (0..builds).map(|_| self.build(level)).collect()
    }

    /// Sessions of `builds` each, before the change.
    pub fn history(&mut self, sessions: usize, builds: usize) -> Vec<Vec<f64>> {
        (0..sessions).map(|_| self.before(builds)).collect()
    }

    /// Interleaved pairs, which share their session.
    pub fn pairs(&mut self, pairs: usize) -> (Vec<f64>, Vec<f64>) {
        let level = LEVEL * self.normal(self.world.session).exp();
        let slower = level * (1.0 + self.world.change);
        (0..pairs).map(|_| (self.build(level), self.build(slower))).unzip()
    }

    /// A number between the two, any as likely.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random.random::<f64>()
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
