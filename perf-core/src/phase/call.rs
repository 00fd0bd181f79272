//! Async calls: one call lasts from the first poll of its future to its completion. It is on the stack
//! of the thread that polls it, in segments, and is counted when it ends.

use crate::measure::counters::bump;
use crate::measure::ticks::{self, Ticks};
use crate::measure::uncounted::Uncounted;

use super::frame::{EntryFlags, Frame, Ticket};
use super::global::{OPEN_BUILDS, PATHS};
use super::node::Node;
use super::open_builds::BuildNumber;
use super::path::PathId;
use super::site::Site;
use super::thread::Thread;
use super::threads;

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
        self.record_call(ticks);
        bump(&self.async_ended, 1);
        match ending {
            Ending::Completed => {}
            Ending::Panicked => bump(&self.panics, 1),
            Ending::Cancelled => bump(&self.cancelled, 1),
        }
    }
}

/// One call of an async phase.
#[derive(Debug)]
pub(crate) struct Call {
    site: &'static Site,
    items: u64,
    state: State,
    /// On the stack while the future inside is dropped.
    dropping: Option<Segment>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    NotPolled,
    /// Polled, and not completed. The path is that of the first poll.
    Begun {
        build: BuildNumber,
        path: PathId,
        started: Ticks,
    },
    /// Completed, or no call of any build.
    Over,
}

impl Call {
    pub(crate) fn new(site: &'static Site, items: u64) -> Self {
        Self { site, items, state: State::NotPolled, dropping: None }
    }

    /// Whether nothing is left to measure.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Puts the call on the stack of the current thread for one poll.
    pub(crate) fn begin_poll(&mut self) -> Option<Segment> {
        if !OPEN_BUILDS.epoch().any_open() {
            // What begins outside of builds belongs to none.
            if matches!(self.state, State::NotPolled) {
                self.state = State::Over;
            }
            return None;
        }
        let thread = threads::current()?;
        match self.state {
            State::NotPolled => {
                let Some(segment) = Segment::begin(thread, self.site, self.items) else {
                    self.state = State::Over;
                    return None;
                };
                let node = segment.frame.node.get()?;
                self.state = State::Begun {
                    build: thread.build()?,
                    path: node.path(),
                    started: segment.frame.start(),
                };
                thread.write(|| {
                    node.call_began();
                    bump(&node.polls, 1);
                });
                Some(segment)
            }
            State::Begun { build, .. } if thread.build() == Some(build) => {
                let segment = Segment::begin(thread, self.site, 0)?;
                let node = segment.frame.node.get()?;
                thread.write(|| bump(&node.polls, 1));
                Some(segment)
            }
            State::Begun { .. } | State::Over => None,
        }
    }

    /// Puts the call on the stack until it is dropped itself: what dropping the future frees
    /// belongs to the phase.
    pub(crate) fn begin_drop(&mut self) {
        if let State::Begun { build, .. } = self.state
            && let Some(thread) = threads::current()
            && thread.build() == Some(build)
        {
            self.dropping = Segment::begin(thread, self.site, 0);
        }
    }
}

/// A part of a call on the stack of the current thread: one poll, or the drop of the future.
#[derive(Debug)]
pub(crate) struct Segment {
    thread: &'static Thread,
    frame: &'static Frame,
    ticket: Ticket,
}

impl Segment {
    #[inline(never)]
    fn begin(thread: &'static Thread, site: &'static Site, items: u64) -> Option<Self> {
        let (frame, ticket) =
            thread.enter(site.id(), Some(site.location()), EntryFlags::SEGMENT)?;
        if items != 0
            && let Some(node) = frame.node.get()
        {
            thread.write(|| node.add_items(items));
        }
        Some(Self { thread, frame, ticket })
    }

    /// Leaves the stack; the call goes on later.
    fn pause(self) {
        self.thread.exit(self.frame, self.ticket, ticks::now());
    }
}

impl Call {
    /// Ends the call, and takes `segment` off the stack, unless the thread works for another build or
    /// has exited what was below.
    fn end(&mut self, segment: Option<Segment>, ending: Ending) {
        let now = ticks::now();
        let node = segment.and_then(|open| open.thread.exit(open.frame, open.ticket, now));
        let State::Begun { build, path, started } = self.state else { return };
        self.state = State::Over;
        let Some(thread) = threads::current() else { return };
        let node = node.filter(|node| node.path() == path);
        // After the build's end, the call stays open in its record.
        if let Some(node) = node.or_else(|| thread.node_of(build, path)) {
            let latency = Thread::length(started, now);
            thread.write(|| {
                node.call_ended(latency, ending);
                bump(&node.latency_ticks, latency);
            });
        }
    }
}

/// Ends the call as one that panicked, unless the poll returns.
pub(crate) struct EndOnUnwind<'call> {
    segment: Option<Segment>,
    call: Option<&'call mut Call>,
}

impl<'call> EndOnUnwind<'call> {
    pub(crate) fn new(call: &'call mut Call, segment: Option<Segment>) -> Self {
        Self { segment, call: Some(call) }
    }

    /// The poll returned: the call ends if the future is `ready`, else it goes on later.
    pub(crate) fn returned(mut self, ready: bool) {
        let segment = self.segment.take();
        match self.call.take() {
            Some(call) if ready => call.end(segment, Ending::Completed),
            _ => segment.into_iter().for_each(Segment::pause),
        }
    }
}

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.end(self.segment.take(), Ending::Panicked);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let segment = self.dropping.take();
        self.end(segment, Ending::Cancelled);
    }
}
