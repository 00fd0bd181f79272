//! The cost of measuring a phase.

use once_cell::sync::OnceCell;

use crate::measure::ticks;
use crate::measure::uncounted::Uncounted;
use crate::phase::name::NAMES;
use crate::phase::thread::Thread;

/// How many calls are timed together.
const CALLS: u32 = 64;
/// How often they are. The fastest round counts.
const ROUNDS: u32 = 5;

/// How many ticks it takes to enter and exit a phase if all memory that it touches is in the nearest
/// cache: a lower bound of the cost of a call. Measured once per process.
pub fn ticks_per_call() -> u64 {
    static COST: OnceCell<u64> = OnceCell::new();
    *COST.get_or_init(|| measure().unwrap_or(0))
}

fn measure() -> Option<u64> {
    let _uncounted = Uncounted::begin();
    let thread = Thread::rehearsal()?;
    let name = NAMES.intern("(rehearsal)");
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
