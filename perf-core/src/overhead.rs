//! The cost of measuring itself.

use once_cell::sync::OnceCell;

use crate::measure::ticks;
use crate::phase::thread::Thread;
use crate::phase::threads::Uncounted;
use crate::registry::Registry;

/// How many calls are timed together, and how often.
const CALLS: u32 = 64;
const ROUNDS: u32 = 5;

/// Ticks that entering and exiting a phase takes when all that it touches is in the nearest cache:
/// a lower bound of its cost. Measured once in a process.
pub fn ticks_per_call() -> u64 {
    static COST: OnceCell<u64> = OnceCell::new();
    *COST.get_or_init(|| measure().unwrap_or(0))
}

fn measure() -> Option<u64> {
    let _uncounted = Uncounted::begin();
    let thread = Thread::rehearsal()?;
    let name = Registry::global().names.intern("(rehearsal)");
    let round = || {
        let start = ticks::now();
        for _ in 0..CALLS {
            let entry = thread.enter_call(name, None);
            if let Some((frame, ticket)) = std::hint::black_box(entry) {
                thread.exit_call(frame, ticket, ticks::now());
            }
        }
        ticks::now().since(start) / u64::from(CALLS)
    };
    (0..ROUNDS).map(|_| round()).min()
}
