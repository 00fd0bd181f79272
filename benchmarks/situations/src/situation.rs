//! The situations, what is asked in each, and what the right answer is.

use crate::{PhaseFacts, Told};

/// A program, and what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Situation {
    /// Its name on a command line.
    pub name: &'static str,
    /// What happens in it.
    pub what: &'static str,
    /// What is asked.
    pub questions: &'static [Question],
}

/// A question with its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// The phase that it is about.
    pub phase: &'static str,
    /// What is asked of it.
    pub ask: Ask,
    /// The right answer, known by how the program is made: bytes, milliseconds or a number.
    pub truth: f64,
}

/// What can be asked of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// How many times it was called.
    Calls,
    /// The milliseconds that threads spent in it and in what is below it.
    ThreadTime,
    /// The bytes allocated in it and below it.
    Allocated,
    /// The bytes allocated in itself.
    AllocatedItself,
    /// The bytes allocated below it.
    AllocatedBelow,
    /// The bytes freed in it and below it.
    Freed,
    /// The most live bytes in it.
    Peak,
    /// Calls that panicked.
    Panics,
    /// Calls that were cancelled.
    Cancelled,
}

const MIB: f64 = 1024.0 * 1024.0;

/// All of them, in the order of the report.
pub const ALL: [Situation; 13] = [
    Situation {
        name: "nested",
        what: "one thread, a phase inside another",
        questions: &[
            ask("site", Ask::Allocated, 5.0 * MIB),
            ask("site", Ask::AllocatedItself, 3.0 * MIB),
            ask("page", Ask::Allocated, 2.0 * MIB),
            ask("site", Ask::ThreadTime, 20.0),
        ],
    },
    Situation {
        name: "recursion",
        what: "a phase that calls itself, four deep",
        questions: &[
            ask("walk", Ask::Calls, 4.0),
            ask("walk", Ask::Allocated, 4.0 * MIB),
            ask("walk", Ask::AllocatedItself, 4.0 * MIB),
            ask("walk", Ask::ThreadTime, 20.0),
        ],
    },
    Situation {
        name: "threads",
        what: "a phase spawns two threads (`thread::scope`) that call another",
        questions: &[
            ask("page", Ask::Allocated, 8.0 * MIB),
            ask("render", Ask::AllocatedBelow, 8.0 * MIB),
            ask("page", Ask::ThreadTime, 40.0),
        ],
    },
    Situation {
        name: "rayon",
        what: "a phase maps over items with rayon; the closure allocates, and calls a phase that does",
        questions: &[
            ask("page", Ask::Allocated, 4.0 * MIB),
            ask("render", Ask::AllocatedItself, 4.0 * MIB),
            ask("render", Ask::Allocated, 8.0 * MIB),
        ],
    },
    Situation {
        name: "stolen",
        what: "a worker that waits inside `render` runs a job of `assets`",
        questions: &[
            ask("render", Ask::Allocated, MIB),
            ask("render", Ask::ThreadTime, 10.0),
            ask("assets", Ask::Allocated, 4.0 * MIB),
            ask("bundle", Ask::Allocated, 4.0 * MIB),
        ],
    },
    Situation {
        name: "migrating",
        what: "a tokio task, spawned in a phase, that goes on on another thread after its `.await`",
        questions: &[
            ask("fetch", Ask::Allocated, 2.0 * MIB),
            ask("fetch", Ask::ThreadTime, 20.0),
            ask("load", Ask::AllocatedBelow, 2.0 * MIB),
        ],
    },
    Situation {
        name: "joined",
        what: "two async phases under `join!`, by turns on one thread",
        questions: &[
            ask("read", Ask::Allocated, 4.0 * MIB),
            ask("read", Ask::ThreadTime, 20.0),
            ask("parse", Ask::Allocated, 2.0 * MIB),
            ask("parse", Ask::ThreadTime, 10.0),
        ],
    },
    Situation {
        name: "cancelled",
        what: "an async phase that loses in `select!` after its first poll",
        questions: &[
            ask("slow", Ask::Allocated, MIB),
            ask("slow", Ask::Freed, MIB),
            ask("slow", Ask::Cancelled, 1.0),
        ],
    },
    Situation {
        name: "handed-on",
        what: "one phase allocates, the next one frees",
        questions: &[
            ask("load", Ask::Allocated, 8.0 * MIB),
            ask("load", Ask::Freed, 0.0),
            ask("render", Ask::Allocated, 0.0),
            ask("render", Ask::Freed, 8.0 * MIB),
        ],
    },
    Situation {
        name: "freed-elsewhere",
        what: "a phase frees on a worker thread what another allocated",
        questions: &[ask("load", Ask::Allocated, 4.0 * MIB), ask("clean", Ask::Freed, 4.0 * MIB)],
    },
    Situation {
        name: "peak",
        what: "a call needs memory for a while, and has freed it at its end",
        questions: &[
            ask("minify", Ask::Allocated, 16.0 * MIB),
            ask("minify", Ask::Peak, 12.0 * MIB),
        ],
    },
    Situation {
        name: "two-builds",
        what: "two builds in one process: what is told of the second",
        questions: &[ask("render", Ask::Calls, 1.0), ask("render", Ask::Allocated, 2.0 * MIB)],
    },
    Situation {
        name: "panic",
        what: "a phase panics, and the one around it catches that",
        questions: &[
            ask("page", Ask::Panics, 1.0),
            ask("page", Ask::Calls, 1.0),
            ask("site", Ask::AllocatedItself, 2.0 * MIB),
        ],
    },
];

const fn ask(phase: &'static str, ask: Ask, truth: f64) -> Question {
    Question { phase, ask, truth }
}

impl Situation {
    /// The situation of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|it| it.name == name)
    }
}

impl Question {
    /// The answer that is in what came of a run: `None` where the tool does not tell. A time is
    /// corrected for what other programs took from this one.
    #[must_use]
    pub fn answer(&self, told: &Told) -> Option<f64> {
        let phase = told.phases.get(self.phase)?;
        let PhaseFacts { alloc_bytes, self_alloc_bytes, .. } = *phase;
        match self.ask {
            Ask::Calls => phase.calls.map(whole),
            Ask::ThreadTime => {
                let spun = told.spun_ms.get(self.phase)?;
                phase.thread_ms.map(|it| it / spun * self.truth)
            }
            Ask::Allocated => alloc_bytes.map(whole),
            Ask::AllocatedItself => self_alloc_bytes.map(whole),
            Ask::AllocatedBelow => Some(whole(alloc_bytes?) - whole(self_alloc_bytes?)),
            Ask::Freed => phase.freed_bytes.map(whole),
            Ask::Peak => phase.peak_bytes.map(whole),
            Ask::Panics => phase.panics.map(whole),
            Ask::Cancelled => phase.cancelled.map(whole),
        }
    }
}

/// Far below where an `f64` begins to leave integers out.
#[expect(clippy::cast_precision_loss, reason = "a few MiB")]
fn whole(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_situation_is_found_by_its_name_and_asks_something() {
        for situation in &ALL {
            assert_eq!(Situation::named(situation.name), Some(situation));
            assert!(!situation.questions.is_empty(), "{}", situation.name);
        }
        assert_eq!(Situation::named("no-such-situation"), None);
    }

    #[test]
    fn what_is_below_a_phase_is_all_of_it_less_itself_and_unknown_where_one_of_them_is() {
        let below = ask("a", Ask::AllocatedBelow, 0.0);
        let told = |alloc_bytes, self_alloc_bytes| {
            let phase = PhaseFacts { alloc_bytes, self_alloc_bytes, ..PhaseFacts::default() };
            Told { phases: [(String::from("a"), phase)].into(), ..Told::default() }
        };
        assert_eq!(below.answer(&told(Some(7), Some(2))), Some(5.0));
        assert_eq!(below.answer(&told(Some(7), None)), None);
        assert_eq!(ask("b", Ask::Calls, 0.0).answer(&told(Some(7), None)), None);
    }

    #[test]
    fn a_time_is_told_as_if_the_program_had_been_alone() {
        let phase = PhaseFacts { thread_ms: Some(33.0), ..PhaseFacts::default() };
        let mut told = Told { phases: [(String::from("a"), phase)].into(), ..Told::default() };
        let time = ask("a", Ask::ThreadTime, 20.0);
        assert_eq!(time.answer(&told), None);
        told.spun_ms.insert(String::from("a"), 30.0);
        assert!((time.answer(&told).unwrap() - 22.0).abs() < 1e-9);
    }
}
