//! Async phases: a call lasts from the first poll of its future to its completion, and is on a
//! thread's stack only while it is polled.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

#[cfg(feature = "track")]
use crate::{
    measure::counters::bump,
    measure::ticks::{self, Ticks},
};

use super::site::Site;
#[cfg(feature = "track")]
use super::{
    call::Ending,
    frame::{EntryFlags, Frame, Ticket},
    global::OPEN_BUILDS,
    open_builds::BuildNumber,
    path::PathId,
    thread::Thread,
    threads,
};

#[cfg(not(feature = "track"))]
pin_project! {
    /// A future that is a call of a phase; nothing is measured.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct TrackedFuture<F> {
        #[pin]
        future: F,
    }
}

#[cfg(not(feature = "track"))]
impl<F> TrackedFuture<F> {
    #[inline]
    pub(crate) fn new(_site: &'static Site, _items: u64, future: F) -> Self {
        Self { future }
    }
}

#[cfg(not(feature = "track"))]
impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(context)
    }
}

#[cfg(feature = "track")]
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
            let _ending = EndOnDrop { stretch, call: this.call };
            this.future.set(None);
        }
    }
}

#[cfg(feature = "track")]
impl<F> TrackedFuture<F> {
    pub(crate) fn new(site: &'static Site, items: u64, future: F) -> Self {
        Self { future: Some(future), call: Call { site, items, state: State::NotPolled } }
    }
}

#[cfg(feature = "track")]
impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        let stretch = this.call.begin_poll();
        if matches!(this.call.state, State::Over) {
            return future.poll(context);
        }
        let unwinding = EndOnUnwind { stretch, call: Some(this.call) };
        let result = future.poll(context);
        unwinding.returned(result.is_ready());
        result
    }
}

#[cfg(feature = "track")]
/// One call of an async phase.
#[derive(Debug)]
struct Call {
    site: &'static Site,
    items: u64,
    state: State,
}

#[cfg(feature = "track")]
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

#[cfg(feature = "track")]
impl Call {
    fn begin_poll(&mut self) -> Option<Stretch> {
        if !OPEN_BUILDS.epoch().any_open() {
            // What begins idle of builds belongs to none.
            if matches!(self.state, State::NotPolled) {
                self.state = State::Over;
            }
            return None;
        }
        let thread = threads::current()?;
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
        let thread = threads::current().filter(|it| it.build() == Some(build))?;
        Stretch::begin(thread, self.site, 0)
    }
}

#[cfg(feature = "track")]
/// A stretch of a call on the stack of the present thread.
#[derive(Debug)]
struct Stretch {
    thread: &'static Thread,
    frame: &'static Frame,
    ticket: Ticket,
}

#[cfg(feature = "track")]
impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}

#[cfg(feature = "track")]
impl Stretch {
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

#[cfg(feature = "track")]
impl Call {
    /// Ends the call, and leaves the stack where it is there. Where it is not, the thread works for
    /// another build, or what was below on the stack has been exited.
    fn end(&mut self, stretch: Option<Stretch>, ending: Ending) {
        let now = ticks::now();
        let node = stretch.and_then(|it| it.thread.exit(it.frame, it.ticket, now));
        let State::Begun { build, path, started } = self.state else { return };
        self.state = State::Over;
        let Some(thread) = threads::current() else { return };
        let node = node.filter(|it| it.path() == path);
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

#[cfg(feature = "track")]
/// Ends the call when a poll unwinds.
struct EndOnUnwind<'call> {
    stretch: Option<Stretch>,
    call: Option<&'call mut Call>,
}

#[cfg(feature = "track")]
impl EndOnUnwind<'_> {
    fn returned(mut self, ready: bool) {
        let stretch = self.stretch.take();
        match self.call.take() {
            Some(call) if ready => call.end(stretch, Ending::Completed),
            _ => stretch.into_iter().for_each(Stretch::pause),
        }
    }
}

#[cfg(feature = "track")]
impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.end(self.stretch.take(), Ending::Panicked);
        }
    }
}

#[cfg(feature = "track")]
/// Ends the call at the end of a scope.
struct EndOnDrop<'call> {
    stretch: Option<Stretch>,
    call: &'call mut Call,
}

#[cfg(feature = "track")]
impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.call.end(self.stretch.take(), Ending::Cancelled);
    }
}
