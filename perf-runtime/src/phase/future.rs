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
    /// A future that is a call of a phase.
    ///
    /// Made by the attribute on an `async fn`. Its output is that of the future inside.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct TrackedFuture<F> {
        // Empty only while being dropped.
        #[pin]
        future: Option<F>,
        call: Call,
    }

    impl<F> PinnedDrop for TrackedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let stretch = this.call.begin_drop();
            // Also ends where the future's destructor unwinds.
            let _ending = EndOnDrop { stretch, call: this.call, ending: Ending::Cancelled };
            this.future.set(None);
        }
    }
}

impl<F> TrackedFuture<F> {
    pub(crate) fn new(site: &'static Site, items: u64, future: F) -> Self {
        Self { future: Some(future), call: Call { site, items, state: State::NotPolled } }
    }
}

impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        let Some(stretch) = this.call.begin_poll() else { return future.poll(context) };
        let unwinding = EndOnUnwind { stretch: Some(stretch), call: this.call };
        let result = future.poll(context);
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
        let thread = threads::present().filter(|it| it.build() == Some(build))?;
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

    /// Leaves the stack, and ends the call.
    fn end(self, call: &mut Call, ending: Ending) {
        let now = ticks::now();
        let node = self.thread.exit(self.frame, self.ticket, now);
        let State::Begun { build, path, started } = call.state else { return };
        call.state = State::Over;
        // No node: the build ended while the future was polled. The call stays an open one.
        let Some(node) = node else { return };
        let home = if node.path() == path { Some(node) } else { self.thread.node_of(build, path) };
        if let Some(home) = home {
            let latency = Thread::length(started, now);
            self.thread.write(|| {
                home.call_ended(latency, ending);
                bump(&home.latency_ticks, latency);
            });
        }
    }
}

/// Ends the call when a poll unwinds.
struct EndOnUnwind<'call> {
    stretch: Option<Stretch>,
    call: &'call mut Call,
}

impl EndOnUnwind<'_> {
    fn returned(mut self, ready: bool) {
        if let Some(stretch) = self.stretch.take() {
            if ready {
                stretch.end(self.call, Ending::Completed);
            } else {
                stretch.pause();
            }
        }
    }
}

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        if let Some(stretch) = self.stretch.take() {
            stretch.end(self.call, Ending::Panicked);
        }
    }
}

/// Ends the call at the end of a scope.
struct EndOnDrop<'call> {
    stretch: Option<Stretch>,
    call: &'call mut Call,
    ending: Ending,
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(stretch) = self.stretch.take() {
            stretch.end(self.call, self.ending);
        }
    }
}
