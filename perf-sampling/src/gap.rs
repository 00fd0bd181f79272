//! How many bytes lie between samples: each thread draws them from an exponential distribution, so
//! that every byte has the same chance, whatever was allocated before it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the threads' random numbers begin with in this round.
static SEED: AtomicU64 = AtomicU64::new(0);
/// How many threads have begun in this round.
static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // Const and without destructors, so that they can be had at any time in a thread's life.
    static ROUND: Cell<u32> = const { Cell::new(0) };
    static LEFT: Cell<i64> = const { Cell::new(0) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// Begins a round whose gaps hang on `seed` alone, as far as threads allocate in the same order.
pub(super) fn begin(seed: u64) {
    SEED.store(seed, Relaxed);
    THREADS.store(0, Relaxed);
}

/// Counts down `size` bytes on the present thread. `true` where the next sample is among them.
#[inline]
pub(super) fn count_down(size: usize, mean: u64, round: u32) -> bool {
    if ROUND.get() != round {
        begin_on_thread(mean, round);
    }
    let left = LEFT.get().saturating_sub_unsigned(size as u64);
    if left > 0 {
        LEFT.set(left);
        return false;
    }
    // The process has no memory: what comes after the block is as if it had just begun.
    LEFT.set(draw(mean));
    true
}

/// Begins a round on the present thread: what it draws hangs on how many have begun before it.
#[cold]
pub(super) fn begin_on_thread(mean: u64, round: u32) {
    ROUND.set(round);
    let thread = THREADS.fetch_add(1, Relaxed);
    RANDOM.set(mixed(SEED.load(Relaxed) ^ mixed(thread)));
    LEFT.set(draw(mean));
}

/// Bytes up to and with the next one that is picked: 1 or more.
fn draw(mean: u64) -> i64 {
    RANDOM.set(RANDOM.get().wrapping_add(GOLDEN));
    // 53 bits, from the open end of 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let uniform = ((mixed(RANDOM.get()) >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    // A real gap ends within the first `n` bytes just when it does so rounded up.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "saturates")]
    let gap = (-uniform.ln() * mean as f64).ceil() as i64;
    gap.max(1)
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The output function of `SplitMix64` (G. Steele, D. Lea, C. Flood, *Fast splittable pseudorandom
/// number generators*, 2014).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// The seed is the process's: one test at a time may set it.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn a_block_is_picked_as_often_as_its_size_says() {
        const MEAN: u64 = 1_000;
        const BLOCKS: u32 = 200_000;
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        for (round, size) in (u32::MAX - 10..).zip([1_usize, 10, 300, 1_000, 5_000]) {
            begin(u64::from(round));
            let picked = (0..BLOCKS).filter(|_| count_down(size, MEAN, round)).count();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let (picked, size) = (picked as f64, size as f64);
            let chance = -(-size / 1_000.0).exp_m1();
            let expected = chance * f64::from(BLOCKS);
            let error = (expected * (1.0 - chance)).sqrt();
            assert!((picked - expected).abs() < 4.0 * error, "{size}: {picked} of {expected}");
        }
    }

    #[test]
    fn the_same_seed_picks_the_same_blocks() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let picks = |round, seed| -> Vec<bool> {
            begin(seed);
            (0..1_000).map(|it| count_down(it % 90, 500, round)).collect()
        };
        let first = picks(u32::MAX - 20, 7);
        assert_eq!(first, picks(u32::MAX - 21, 7));
        assert_ne!(first, picks(u32::MAX - 22, 8));
        assert!(first.contains(&true));
    }
}
