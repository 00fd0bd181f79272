//! Async calls: they leave the stack between polls, and are counted when they end.

use crate::measure::counters::bump;
use crate::measure::uncounted::Uncounted;

use super::global::PATHS;
use super::node::Node;
use super::open_builds::BuildNumber;
use super::path::PathId;
use super::thread::Thread;

/// How an async call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed,
    Panicked,
    Cancelled,
}

impl Thread {
    /// The node of a path in the thread's tree of a build, made if it does not exist. `None` after
    /// the end of the build.
    pub(crate) fn node_of(&self, build: BuildNumber, path: PathId) -> Option<&'static Node> {
        let _uncounted = Uncounted::begin();
        self.node_at(build, &PATHS.names(build, path)?)
    }
}

impl Node {
    /// Counts the start of an async call. To be called within [`Thread::write`].
    pub(crate) fn call_began(&self) {
        bump(&self.async_begun, 1);
    }

    /// Counts the end of an async call that took `ticks`. To be called within [`Thread::write`].
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
