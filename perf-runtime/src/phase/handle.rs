//! Handing work of a phase to another thread: handles, and what the macro and futures make of them.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::guard::PhaseGuard;
use super::open_builds::{BuildNumber, Epoch};
use super::path::PathId;
use super::thread::Thread;
use super::threads;

/// A phase of a build, to go on with on another thread.
///
/// What is done while a handle is entered belongs to the phase that was current where the handle
/// was made: its time and memory are that phase's and of all above it, and phases that are entered
/// meanwhile are its children. It is no call of the phase. What the thread was in the midst of is
/// set aside until the guard is dropped: the time and memory of what is done meanwhile is no part
/// of it.
///
/// ```
/// use perf_runtime::PhaseHandle;
///
/// let phase = PhaseHandle::current();
/// let worker = std::thread::spawn(move || {
///     let _guard = phase.enter();
///     // … work of the phase …
/// });
/// # worker.join().unwrap();
/// ```
///
/// [`in_current_phase!`](crate::in_current_phase) does the same for a closure, and
/// [`InCurrentPhase`] for a future.
///
/// A handle is small, and good as long as its build is open. Made outside of a build, or entered
/// after its end, it does nothing. Entering it in the very phase that it stands for does nothing
/// either, and costs next to nothing.
#[derive(Debug, Clone, Copy)]
pub struct PhaseHandle {
    phase: Option<(BuildNumber, PathId)>,
}

impl PhaseHandle {
    /// The phase that is open innermost on this thread; where none is, the build that the thread
    /// works for.
    #[must_use]
    pub fn current() -> Self {
        if !Epoch::now().any_open() {
            return Self { phase: None };
        }
        Self { phase: threads::present().and_then(Thread::present_chain) }
    }

    /// A build as a whole.
    pub(crate) fn of_build(build: Option<BuildNumber>) -> Self {
        Self { phase: build.map(|it| (it, PathId::ROOT)) }
    }

    /// What a closure carries.
    fn carried(phase: CarriedPhase) -> Self {
        Self { phase: unpack(phase.len()) }
    }

    /// Goes on with the phase on this thread, until the guard is dropped.
    #[inline]
    pub fn enter(&self) -> PhaseGuard {
        match self.phase {
            Some((build, path)) if Epoch::now().any_open() => PhaseGuard::hand_off(build, path),
            _ => PhaseGuard::closed(),
        }
    }
}

/// A [`PhaseHandle`] that any closure can carry, one that is not `move` too: a reference that is
/// `'static` is copied into it, where a value would be borrowed. Build and path are the slice's
/// length; its elements have no size, so that it refers to no memory.
pub type CarriedPhase = &'static [()];

const CARRIER: CarriedPhase = &[(); usize::MAX];
/// Bits of the length that tell the path: a build has fewer than 2^16 paths.
const PATH_BITS: u32 = 16;

/// The present phase, for a closure to carry.
#[inline]
#[must_use]
pub fn carry() -> CarriedPhase {
    let length = PhaseHandle::current().phase.and_then(|(build, path)| pack(build, path));
    &CARRIER[..length.unwrap_or(0)]
}

/// `None` where it does not fit: the build's number is beyond 65,535 where addresses have 32 bits.
fn pack(build: BuildNumber, path: PathId) -> Option<usize> {
    let build = usize::try_from(BuildNumber::to_raw(Some(build))).ok()?;
    let path = usize::from(u16::try_from(path.to_raw()).ok()?);
    (build.leading_zeros() >= PATH_BITS).then_some(build << PATH_BITS | path)
}

fn unpack(length: usize) -> Option<(BuildNumber, PathId)> {
    let build = BuildNumber::from_raw((length >> PATH_BITS) as u64)?;
    #[expect(clippy::cast_possible_truncation, reason = "16 bits")]
    let path = length as u16;
    Some((build, PathId::from_raw(path.into())))
}

/// Goes on with the phase that a closure carries, until the guard is dropped.
#[inline]
pub fn enter_carried(phase: CarriedPhase) -> PhaseGuard {
    PhaseHandle::carried(phase).enter()
}

/// The work of a future that a closure made, in the phase that the closure carries.
pub fn carried_future<F: Future>(phase: CarriedPhase, future: F) -> HandedFuture<F> {
    HandedFuture { future: Some(future), phase: PhaseHandle::carried(phase) }
}

/// Futures whose work belongs to the phase that was current where they were handed off.
pub trait InCurrentPhase: Future + Sized {
    /// Hands the future off: wherever it is polled, and dropped, its work belongs to the phase that
    /// is current now.
    ///
    /// ```
    /// use perf_runtime::{InCurrentPhase as _, tracked_phase};
    ///
    /// #[tracked_phase("fetch")]
    /// async fn fetch() {}
    ///
    /// # fn spawn(_: impl Future + Send + 'static) {}
    /// # fn in_a_phase() {
    /// spawn(fetch().in_current_phase());
    /// # }
    /// # in_a_phase();
    /// ```
    fn in_current_phase(self) -> HandedFuture<Self> {
        HandedFuture { future: Some(self), phase: PhaseHandle::current() }
    }
}

impl<F: Future> InCurrentPhase for F {}

pin_project! {
    /// A future that was handed off: see [`InCurrentPhase::in_current_phase`].
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct HandedFuture<F> {
        // Empty only while being dropped.
        #[pin]
        future: Option<F>,
        phase: PhaseHandle,
    }

    impl<F> PinnedDrop for HandedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _guard = this.phase.enter();
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for HandedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        let _guard = this.phase.enter();
        future.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_closure_carries_is_what_it_was_given() {
        for path in [0, 1, 65_535] {
            let build = BuildNumber::next();
            let length = pack(build, PathId::from_raw(path)).unwrap();
            assert_eq!(unpack(length), Some((build, PathId::from_raw(path))));
        }
        assert_eq!(pack(BuildNumber::next(), PathId::from_raw(65_536)), None);
        assert_eq!(unpack(0), None);
        assert_eq!(size_of_val(CARRIER), 0);
    }
}
