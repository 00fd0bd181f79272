//! What the record of a program must say: formulas, one for each pattern.

use crate::crew::CREW;
use crate::pattern::{OFTEN, Pattern};

/// How far a thread's level moves before it tells the process, in bytes.
pub(crate) const STEP: i64 = 64 * 1_024;

pub(crate) fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

/// What a phase says of memory: the sums over its calls, and the peak of the worst of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Row {
    pub(crate) calls: i64,
    pub(crate) allocations: i64,
    pub(crate) allocated: i64,
    pub(crate) frees: i64,
    pub(crate) freed: i64,
    pub(crate) reallocations: i64,
    pub(crate) self_allocations: i64,
    pub(crate) self_allocated: i64,
    pub(crate) peak: i64,
    /// The highest level of the process, above that at the pattern's beginning. Of a whole program:
    /// above that at the program's.
    pub(crate) highest: i64,
    /// By how much `highest` may be missed: 0 as long as no other thread has allocated or freed.
    pub(crate) uncertain: i64,
}

/// What a thread does outside of all phases.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outside {
    pub(crate) allocations: i64,
    pub(crate) allocated: i64,
    pub(crate) frees: i64,
    pub(crate) freed: i64,
}

/// What one pattern makes of its phase, of those below, and of what comes after it.
#[derive(Default)]
struct Outcome {
    phase: Row,
    below: Vec<(&'static str, Row)>,
    /// Which of those below reaches the highest level first; empty where it is the phase itself.
    highest_in: &'static str,
    outside: Outside,
    /// The highest level of the own thread above that at the beginning.
    own_peak: i64,
    /// How much higher the own thread's level is afterwards.
    own_kept: i64,
    /// How much higher the process's level is afterwards.
    kept: i64,
    others: bool,
}

/// What a whole program leaves behind.
#[derive(Default)]
pub(crate) struct Expected {
    /// By path; the last is the program.
    pub(crate) rows: Vec<(String, Row)>,
    /// The path of the phase in which the process's level is highest.
    pub(crate) peak_phase: String,
    pub(crate) outside: Outside,
    /// How much higher the process's level is afterwards.
    pub(crate) kept: i64,
}

impl Expected {
    pub(crate) fn of(patterns: &[Pattern], places: &[&str]) -> Self {
        let mut expected = Self::default();
        let mut program = Row { calls: 1, ..Row::default() };
        let (mut own_kept, mut uncertain) = (0, 0);
        for (pattern, place) in patterns.iter().zip(places) {
            let outcome = Outcome::of(pattern);
            if outcome.others {
                // The own thread's level, too, is what it has told, where another one tells.
                uncertain = (signed(CREW) + 1) * STEP;
            }
            let start = expected.kept;
            let whole = ("", Row { calls: 1, ..outcome.phase });
            let path = |below: &str| {
                let slash = if below.is_empty() { "" } else { "/" };
                format!("program/{place}{slash}{below}")
            };
            for (below, row) in [whole].into_iter().chain(outcome.below) {
                let highest = start + row.highest;
                expected.rows.push((path(below), Row { highest, uncertain, ..row }));
            }
            if start + outcome.phase.highest > program.highest {
                expected.peak_phase = path(outcome.highest_in);
            }
            let row = outcome.phase;
            program.allocations += row.allocations;
            program.allocated += row.allocated;
            program.frees += row.frees;
            program.freed += row.freed;
            program.reallocations += row.reallocations;
            // A stretch on another thread has a level of its own to begin at.
            let elsewhere = if outcome.own_peak == 0 { row.peak } else { 0 };
            program.peak = program.peak.max(own_kept + outcome.own_peak).max(elsewhere);
            program.highest = program.highest.max(start + row.highest);
            own_kept += outcome.own_kept;
            expected.kept += outcome.kept;
            expected.outside.allocations += outcome.outside.allocations;
            expected.outside.allocated += outcome.outside.allocated;
            expected.outside.frees += outcome.outside.frees;
            expected.outside.freed += outcome.outside.freed;
        }
        program.uncertain = uncertain;
        expected.rows.push(("program".to_owned(), program));
        expected
    }
}

/// A phase that allocates and frees so many blocks, with so many bytes in all, itself.
fn balanced(calls: i64, blocks: i64, bytes: i64) -> Row {
    Row {
        calls,
        allocations: blocks,
        allocated: bytes,
        frees: blocks,
        freed: bytes,
        self_allocations: blocks,
        self_allocated: bytes,
        ..Row::default()
    }
}

/// The same, where it is all done in the phases below.
fn below(row: Row) -> Row {
    Row { calls: 1, self_allocations: 0, self_allocated: 0, ..row }
}

impl Outcome {
    fn of(pattern: &Pattern) -> Self {
        match *pattern {
            Pattern::Hidden { calls, size, keep } => {
                Self::hidden(signed(calls), signed(size), signed(keep))
            }
            Pattern::Grown { steps, size } => Self::grown(signed(steps), signed(size)),
            Pattern::Passed { blocks, size } => Self::passed(signed(blocks), signed(size)),
            Pattern::Often { size } => Self::often(signed(OFTEN), signed(size)),
            Pattern::Nested { before, inside, after } => {
                Self::nested(signed(before), signed(inside), signed(after))
            }
            Pattern::Fallen { held, again } => Self::fallen(signed(held), signed(again)),
            Pattern::FreedElsewhere { blocks, size } => {
                Self::freed_elsewhere(signed(blocks), signed(size))
            }
            Pattern::HandedOver { blocks, size } => Self::handed_over(signed(blocks), signed(size)),
            Pattern::Crowd { blocks, size, own } => {
                Self::crowd(signed(CREW), signed(blocks), signed(size), signed(own))
            }
        }
    }

    fn highest_in(self, highest_in: &'static str) -> Self {
        Self { highest_in, ..self }
    }

    /// A pattern all of whose memory is gone at its end.
    fn alone(phase: Row, below: Vec<(&'static str, Row)>) -> Self {
        Self { own_peak: phase.peak, phase, below, ..Self::default() }
    }

    fn hidden(calls: i64, size: i64, keep: i64) -> Self {
        let all = balanced(calls, 2 * calls, calls * (size + keep));
        let highest = (calls - 1) * keep + size.max(keep);
        let row = Row { frees: calls, freed: calls * size, highest, ..all };
        let hidden = Row { peak: size.max(keep), ..row };
        let kept = calls * keep;
        let phase = Row { peak: highest, ..below(row) };
        let all = Self::alone(phase, vec![("hidden", hidden)]).highest_in("hidden");
        Self { own_kept: kept, kept, ..all }
    }

    fn grown(steps: i64, size: i64) -> Self {
        let largest = steps * size;
        let row = balanced(1, 1, largest);
        let row = Row { reallocations: steps, peak: largest, highest: largest, ..row };
        Self::alone(row, Vec::new())
    }

    fn passed(blocks: i64, size: i64) -> Self {
        let bytes = blocks * size;
        let both = Row { peak: bytes, highest: bytes, ..balanced(1, blocks, bytes) };
        let made = Row { frees: 0, freed: 0, ..both };
        let used = Row { calls: 1, frees: blocks, freed: bytes, highest: bytes, ..Row::default() };
        Self::alone(below(both), vec![("made", made), ("used", used)]).highest_in("made")
    }

    fn often(calls: i64, size: i64) -> Self {
        // Each remainder from 0 to one less than the number of calls comes once.
        let row = balanced(calls, calls, calls * size + calls * (calls - 1) / 2);
        let peak = size + calls - 1;
        let often = Row { peak, highest: peak, ..row };
        Self::alone(below(often), vec![("often", often)]).highest_in("often")
    }

    fn nested(before: i64, inside: i64, after: i64) -> Self {
        let highest = before + inside;
        let inner = Row { peak: inside, highest, ..balanced(1, 1, inside) };
        let peak = before + inside.max(after);
        let phase = Row {
            self_allocations: 2,
            self_allocated: before + after,
            peak,
            highest: peak,
            ..balanced(1, 3, before + inside + after)
        };
        Self::alone(phase, vec![("inner", inner)]).highest_in(if inside >= after {
            "inner"
        } else {
            ""
        })
    }

    fn fallen(held: i64, again: i64) -> Self {
        let highest = held.max(again);
        let before = Row { frees: 0, freed: 0, peak: held, highest: held, ..balanced(1, 1, held) };
        let inner = Row { peak: again, highest: again, ..balanced(1, 1, again) };
        let fallen = Row {
            frees: 2,
            freed: held + again,
            peak: (again - held).max(0),
            highest,
            ..below(inner)
        };
        let phase = Row { peak: highest, highest, ..below(balanced(1, 2, held + again)) };
        let rows = vec![("held", before), ("fallen", fallen), ("fallen/again", inner)];
        Self::alone(phase, rows).highest_in(if held >= again { "held" } else { "fallen/again" })
    }

    fn freed_elsewhere(blocks: i64, size: i64) -> Self {
        let bytes = blocks * size;
        let row = Row { peak: bytes, highest: bytes, ..balanced(1, blocks, bytes) };
        let outside = Outside { frees: blocks, freed: bytes, ..Outside::default() };
        let phase = Row { frees: 0, freed: 0, ..row };
        Self { outside, own_kept: bytes, others: true, ..Self::alone(phase, Vec::new()) }
    }

    fn handed_over(blocks: i64, size: i64) -> Self {
        let bytes = blocks * size;
        let phase = Row { peak: bytes, highest: bytes, ..balanced(1, blocks, bytes) };
        Self { phase, others: true, ..Self::default() }
    }

    fn crowd(threads: i64, blocks: i64, size: i64, own: i64) -> Self {
        let (count, bytes) = (threads * blocks, threads * blocks * size);
        let among_others = Row { peak: own, highest: own + bytes, ..balanced(1, 1, own) };
        let outside = Outside { allocations: count, allocated: bytes, frees: count, freed: bytes };
        let rows = vec![("among others", among_others)];
        Self {
            outside,
            others: true,
            ..Self::alone(below(among_others), rows).highest_in("among others")
        }
    }
}
