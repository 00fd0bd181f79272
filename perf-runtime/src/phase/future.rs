//! Async phases: a call lasts from the first poll of its future to its completion, and is on a
//! thread's stack only while it is polled.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::measure::counters::bump;
use crate::measure::ticks::{self, Ticks};

use super::call::Ending;
use super::frame::{Frame, Manner, Ticket};
use super::open_builds::{BuildNumber, Epoch};
use super::path::PathId;
use super::site::Site;
use super::thread::Thread;
use super::threads;

pin_project! {
    /// A future that is a call of a phase. Its output is that of the future inside.
    ///
    /// NOTE: every type around the inner future makes the compiler recurse deeper where async
    /// functions call each other, and fewer levels of such calls compile. So there is no `Option`
    /// around it, and `call` ends the call as it is dropped, which is after the inner future.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct TrackedFuture<F> {
        #[pin]
        future: F,
        call: Call,
    }

    impl<F> PinnedDrop for TrackedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let call = this.project().call;
            call.dropping = call.begin_drop();
        }
    }
}

impl<F> TrackedFuture<F> {
    pub(crate) fn new(site: &'static Site, items: u64, future: F) -> Self {
        Self { future, call: Call { site, items, state: State::NotPolled, dropping: None } }
    }
}

impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let stretch = this.call.begin_poll();
        if matches!(this.call.state, State::Over) {
            return this.future.poll(context);
        }
        let unwinding = EndOnUnwind { stretch, call: Some(this.call) };
        let result = this.future.poll(context);
        unwinding.returned(result.is_ready());
        result
    }
}

/// One call of an async phase.
#[derive(Debug)]
struct Call {
    site: &'static Site,
    items: u64,
    state: State,
    /// On the stack while the inner future is dropped.
    dropping: Option<Stretch>,
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
    fn begin_poll(&mut self) -> Option<Stretch> {
        if !Epoch::now().any_open() {
            // What begins outside of builds belongs to none.
            if matches!(self.state, State::NotPolled) {
                self.state = State::Over;
            }
            return None;
        }
        let thread = threads::present()?;
        match self.state {
            State::NotPolled => {
                let Some(stretch) = Stretch::begin(thread, self.site, self.items) else {
                    self.state = State::Over;
                    return None;
                };
                let node = stretch.frame.node.get()?;
                self.state = State::Begun {
                    build: thread.build()?,
                    path: node.path(),
                    started: stretch.frame.start(),
                };
                thread.write(|| {
                    node.call_began();
                    bump(&node.polls, 1);
                });
                Some(stretch)
            }
            State::Begun { build, .. } if thread.build() == Some(build) => {
                let stretch = Stretch::begin(thread, self.site, 0)?;
                let node = stretch.frame.node.get()?;
                thread.write(|| bump(&node.polls, 1));
                Some(stretch)
            }
            State::Begun { .. } | State::Over => None,
        }
    }

    /// What dropping the future frees is the phase's.
    fn begin_drop(&self) -> Option<Stretch> {
        let State::Begun { build, .. } = self.state else { return None };
        let thread = threads::present().filter(|thread| thread.build() == Some(build))?;
        Stretch::begin(thread, self.site, 0)
    }
}

/// A stretch of a call on the stack of the present thread.
#[derive(Debug)]
struct Stretch {
    thread: &'static Thread,
    frame: &'static Frame,
    ticket: Ticket,
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}

impl Stretch {
    #[inline(never)]
    fn begin(thread: &'static Thread, site: &Site, items: u64) -> Option<Self> {
        let (frame, ticket) = thread.enter(site.id(), Manner::STRETCH)?;
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
    /// Ends the call, and leaves the stack where it is there. Where it is not, the thread works for
    /// another build, or what was below on the stack has been exited.
    fn end(&mut self, stretch: Option<Stretch>, ending: Ending) {
        let now = ticks::now();
        let node = stretch.and_then(|open| open.thread.exit(open.frame, open.ticket, now));
        let State::Begun { build, path, started } = self.state else { return };
        self.state = State::Over;
        let Some(thread) = threads::present() else { return };
        let node = node.filter(|node| node.path() == path);
        // After the build's end, the call stays an open one.
        if let Some(home) = node.or_else(|| thread.node_of(build, path)) {
            let latency = Thread::length(started, now);
            thread.write(|| {
                home.call_ended(latency, ending);
                bump(&home.latency_ticks, latency);
            });
        }
    }
}

/// Ends the call when a poll unwinds.
struct EndOnUnwind<'call> {
    stretch: Option<Stretch>,
    call: Option<&'call mut Call>,
}

impl EndOnUnwind<'_> {
    fn returned(mut self, ready: bool) {
        let stretch = self.stretch.take();
        match self.call.take() {
            Some(call) if ready => call.end(stretch, Ending::Completed),
            _ => stretch.into_iter().for_each(Stretch::pause),
        }
    }
}

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.end(self.stretch.take(), Ending::Panicked);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let stretch = self.dropping.take();
        self.end(stretch, Ending::Cancelled);
    }
}
