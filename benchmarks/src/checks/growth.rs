//! Memory that measuring keeps for each call.

use serde::Serialize;
use workloads::{Growth, Kind};

use super::Depth;
use crate::contenders::{BARE, Contender, LAYER};
use crate::error::Error;
use crate::programs::{Programs, ask};

/// Memory that stayed behind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Kept {
    pub(crate) contender: String,
    pub(crate) calls: u64,
    /// How much larger the resident memory was after the calls than before.
    pub(crate) bytes: u64,
}

impl Kept {
    /// Bytes for each call.
    #[expect(clippy::cast_precision_loss, reason = "a figure for readers")]
    pub(crate) fn per_call(&self) -> f64 {
        self.bytes as f64 / self.calls as f64
    }
}

pub(super) fn run(
    contenders: &[Contender],
    programs: &Programs,
    depth: Depth,
) -> Result<Vec<Kept>, Error> {
    contenders
        .iter()
        .filter(|it| it.kinds.contains(&Kind::Phases))
        .map(|contender| {
            let calls = calls(contender, depth);
            let mut command = programs.command(contender)?;
            let grown: Growth = ask(command.arg("calls").arg(calls.to_string()))?;
            Ok(Kept {
                contender: contender.name.to_owned(),
                calls: grown.calls,
                bytes: grown.after.saturating_sub(grown.before),
            })
        })
        .collect()
}

/// Peers that keep memory for each call would not fit into the machine after a hundred million, no
/// more than a million fit into a timeline, and spans of tracing take their time.
fn calls(contender: &Contender, depth: Depth) -> u64 {
    let ours = contender.is_ours() && *contender != LAYER || *contender == BARE;
    let calls = match (ours, depth) {
        (true, Depth::Full) => 100_000_000,
        (true, Depth::Quick) | (false, Depth::Full) => 10_000_000,
        (false, Depth::Quick) => 1_000_000,
    };
    calls.min(contender.most_calls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::{ALL, TIMELINE};

    #[test]
    fn the_promise_of_a_hundred_million_calls_is_kept_in_the_full_run() {
        for contender in ALL.iter().filter(|it| it.is_ours() && ![TIMELINE, LAYER].contains(it)) {
            assert_eq!(calls(contender, Depth::Full), 100_000_000);
        }
        let kept = Kept { contender: String::new(), calls: 8, bytes: 4 };
        assert!((kept.per_call() - 0.5).abs() < 1e-12);
    }
}
