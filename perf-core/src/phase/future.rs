//! Async phases: a call lasts from the first poll of its future to its completion, and is on a
//! thread's stack only while it is polled.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

#[cfg(feature = "track")]
use super::call::{Call, EndOnUnwind};
use super::site::Site;

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
            call.begin_drop();
        }
    }
}

#[cfg(feature = "track")]
impl<F> TrackedFuture<F> {
    pub(crate) fn new(site: &'static Site, items: u64, future: F) -> Self {
        Self { future, call: Call::new(site, items) }
    }
}

#[cfg(feature = "track")]
impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let segment = this.call.begin_poll();
        if this.call.is_over() {
            return this.future.poll(context);
        }
        let unwinding = EndOnUnwind::new(this.call, segment);
        let result = this.future.poll(context);
        unwinding.returned(result.is_ready());
        result
    }
}

impl Site {
    /// A future that is a call of the phase, from its first poll to its completion.
    #[inline]
    pub fn future<F: Future>(&'static self, future: F) -> TrackedFuture<F> {
        TrackedFuture::new(self, 0, future)
    }

    /// Like [`Self::future`], for a call that works on `items` items.
    #[inline]
    pub fn future_with_items<F: Future>(&'static self, items: u64, future: F) -> TrackedFuture<F> {
        TrackedFuture::new(self, items, future)
    }
}
