//! Whether the contenders measure at all: what each tells of work of which it is known what there is
//! to measure. One that sees something else than it should would be compared under a false name.

use serde::Serialize;
use workloads::{KNOWN, Seen};

use crate::contenders::Contender;
use crate::error::Error;
use crate::programs::{Form, Programs, ask};

/// What a contender counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    Nothing,
    Calls,
    Memory,
    /// What hotpath tells of a function.
    CallsAndBytes,
    CallsAndMemory,
}

impl Counts {
    /// What it should tell of the known work.
    fn of_known_work(self) -> Seen {
        match self {
            Self::Nothing => Seen::default(),
            Self::Calls => Seen { calls: KNOWN.calls, ..Seen::default() },
            Self::Memory => Seen { calls: None, ..KNOWN },
            Self::CallsAndBytes => Seen { blocks: None, ..KNOWN },
            Self::CallsAndMemory => KNOWN,
        }
    }
}

/// What a contender saw of the known work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sight {
    pub(crate) contender: String,
    #[serde(flatten)]
    pub(crate) seen: Seen,
}

/// Asks them all. Fails where one sees anything else than it should.
pub(crate) fn run(contenders: &[Contender]) -> Result<Vec<Sight>, Error> {
    let programs = Programs::build(contenders, Form::ToBeAsked)?;
    let sights = contenders.iter().map(|contender| {
        let seen: Seen = ask(programs.command(contender)?.arg("see"))?;
        let expected = contender.counts.of_known_work();
        if agrees(seen, expected) {
            Ok(Sight { contender: contender.name.to_owned(), seen })
        } else {
            Err(Error::Blind { contender: contender.name, seen, expected })
        }
    });
    sights.collect()
}

/// Whether one saw what it should. Calls are exact. Allocators count what the program does around
/// the work too, and hotpath tells thousands of bytes with one decimal.
fn agrees(seen: Seen, expected: Seen) -> bool {
    let near = |seen: Option<u64>, expected: Option<u64>| match (seen, expected) {
        (None | Some(0), None) => true,
        (Some(seen), Some(expected)) => {
            seen >= expected - expected / 50 && seen <= expected + expected / 10
        }
        _ => false,
    };
    seen.calls.unwrap_or(0) == expected.calls.unwrap_or(0)
        && near(seen.blocks, expected.blocks)
        && near(seen.bytes, expected.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_nothing_too_little_or_too_much_is_found_out() {
        let with = |blocks, bytes| Seen { blocks, bytes, ..KNOWN };
        assert!(agrees(KNOWN, KNOWN));
        assert!(agrees(with(Some(1003), Some(8100)), KNOWN));
        assert!(agrees(with(None, Some(7900)), Counts::CallsAndBytes.of_known_work()));
        for seen in [
            Seen::default(),
            Seen { calls: Some(999), ..KNOWN },
            Seen { calls: Some(1001), ..KNOWN },
            with(Some(0), Some(0)),
            with(None, None),
            with(Some(1000), None),
            with(Some(500), Some(4000)),
            with(Some(2000), Some(16_000)),
        ] {
            assert!(!agrees(seen, KNOWN), "{seen:?}");
        }
    }

    #[test]
    fn what_claims_to_count_nothing_may_say_so_and_may_not_count() {
        let nothing = Counts::Nothing.of_known_work();
        assert!(agrees(Seen::default(), nothing));
        assert!(agrees(Seen { calls: Some(0), blocks: Some(0), bytes: None }, nothing));
        assert!(!agrees(Seen { blocks: Some(1000), ..Seen::default() }, nothing));
        assert!(!agrees(KNOWN, Counts::Calls.of_known_work()));
    }
}
