//! Calls that outlast their stretches on stacks: where one is counted when it is over.

use crate::measure::counters::bump;

use super::node::Node;
use super::open_builds::BuildNumber;
use super::path::PathId;
use super::thread::Thread;
use super::threads;
use crate::registry::Registry;

/// How a call came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed,
    Panicked,
    Cancelled,
}

impl Thread {
    /// The node of a path in the thread's tree of a build, made where there is none. `None` after
    /// the build's end.
    pub(crate) fn node_of(&self, build: BuildNumber, path: PathId) -> Option<&'static Node> {
        let _uncounted = threads::Uncounted::begin();
        self.node_at(build, &Registry::global().paths.names(build, path)?)
    }
}

impl Node {
    /// Notes that a call began which is not over when it leaves the stack. To be called within
    /// [`Thread::write`], as all that follows.
    pub(crate) fn call_began(&self) {
        bump(&self.async_begun, 1);
    }

    /// Counts a call that began so, and took `ticks`.
    pub(crate) fn call_ended(&self, ticks: u64, ending: Ending) {
        self.finished(ticks);
        bump(&self.async_ended, 1);
        match ending {
            Ending::Completed => {}
            Ending::Panicked => bump(&self.panics, 1),
            Ending::Cancelled => bump(&self.cancelled, 1),
        }
    }
}
