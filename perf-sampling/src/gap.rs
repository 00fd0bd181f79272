//! The gaps between samples, in bytes. Each thread draws them from an exponential distribution, so that
//! each byte has the same probability, whatever was allocated before it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The seed of this round.
static SEED: AtomicU64 = AtomicU64::new(0);
/// The number of threads that have started this round.
static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // Const and without destructors, so that they are accessible at any time in a thread's life.
    static ROUND: Cell<u32> = const { Cell::new(0) };
    /// Bytes to the next sample.
    static REMAINING: Cell<i64> = const { Cell::new(0) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// Starts a round. Its gaps depend only on `seed`, as long as threads allocate in the same order.
pub(super) fn start(seed: u64) {
    SEED.store(seed, Relaxed);
    THREADS.store(0, Relaxed);
}

/// Counts `size` bytes on this thread. Returns whether the next sample is among them.
#[inline]
pub(super) fn count_down(size: usize, mean: u64, round: u32) -> bool {
    if ROUND.get() != round {
        start_on_thread(mean, round);
    }
    let remaining = REMAINING.get().saturating_sub_unsigned(size as u64);
    if remaining > 0 {
        REMAINING.set(remaining);
        return false;
    }
    // The distribution is memoryless: the gap after the block does not depend on the part inside it.
    REMAINING.set(draw(mean));
    true
}

/// Starts the round on this thread. Its random numbers depend on how many threads started before.
#[cold]
pub(super) fn start_on_thread(mean: u64, round: u32) {
    ROUND.set(round);
    let thread = THREADS.fetch_add(1, Relaxed);
    RANDOM.set(mix(SEED.load(Relaxed) ^ mix(thread)));
    REMAINING.set(draw(mean));
}

/// The number of bytes up to and including the next sampled one, at least 1.
fn draw(mean: u64) -> i64 {
    RANDOM.set(RANDOM.get().wrapping_add(GOLDEN));
    // 53 bits, greater than 0 and at most 1.
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let uniform = ((mix(RANDOM.get()) >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    // A gap ends within the first `n` bytes if and only if it does so rounded up.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "saturates")]
    let gap = (-uniform.ln() * mean as f64).ceil() as i64;
    gap.max(1)
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The output function of `SplitMix64` (G. Steele, D. Lea, C. Flood, *Fast splittable pseudorandom
/// number generators*, 2014).
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// The seed is global: only one test at a time may set it.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn a_block_is_sampled_with_the_probability_of_its_size() {
        const MEAN: u64 = 1_000;
        const BLOCKS: u32 = 200_000;
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        for (round, size) in (u32::MAX - 10..).zip([1_usize, 10, 300, 1_000, 5_000]) {
            start(u64::from(round));
            let sampled = (0..BLOCKS).filter(|_| count_down(size, MEAN, round)).count();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let (sampled, size) = (sampled as f64, size as f64);
            let probability = -(-size / 1_000.0).exp_m1();
            let expected = probability * f64::from(BLOCKS);
            let error = (expected * (1.0 - probability)).sqrt();
            assert!((sampled - expected).abs() < 4.0 * error, "{size}: {sampled} of {expected}");
        }
    }

    #[test]
    fn the_same_seed_samples_the_same_blocks() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = |round, seed| -> Vec<bool> {
            start(seed);
            (0..1_000).map(|block| count_down(block % 90, 500, round)).collect()
        };
        let first = samples(u32::MAX - 20, 7);
        assert_eq!(first, samples(u32::MAX - 21, 7));
        assert_ne!(first, samples(u32::MAX - 22, 8));
        assert!(first.contains(&true));
    }
}
