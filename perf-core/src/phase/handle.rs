//! Hand-off: continuing a phase on another thread, by a handle, a closure or a future.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::guard::PhaseGuard;
#[cfg(feature = "track")]
use super::{global::OPEN_BUILDS, open_builds::BuildNumber, path::PathId, thread::Thread, threads};

/// A phase of a build, to continue on another thread.
///
/// Work done while a handle is entered belongs to the phase that was current where the handle was
/// made: its time and memory count for that phase and all above it, and phases entered meanwhile
/// are its children. It is not a call of the phase. What the thread was doing before is suspended
/// until the guard is dropped: the time and memory of the handed-off work are not part of it.
///
/// ```
/// # extern crate perf_core as perf_runtime;
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
/// `in_current_phase!` does the same for a closure, and [`InCurrentPhase`] for a future.
///
/// A handle is small and valid as long as its build is open. Made outside of a build, or entered
/// after its end, it does nothing. Entering it in the phase that it refers to does nothing either,
/// and costs next to nothing.
#[derive(Debug, Clone, Copy)]
pub struct PhaseHandle {
    #[cfg(feature = "track")]
    phase: Option<(BuildNumber, PathId)>,
}

impl PhaseHandle {
    /// The innermost open phase of this thread; outside of phases, the build that the thread works
    /// for.
    #[must_use]
    #[inline]
    pub fn current() -> Self {
        Self {
            #[cfg(feature = "track")]
            phase: if OPEN_BUILDS.epoch().any_open() {
                threads::current().and_then(Thread::current_chain)
            } else {
                None
            },
        }
    }

    /// A build as a whole.
    #[cfg(feature = "track")]
    pub(crate) fn of_build(build: Option<BuildNumber>) -> Self {
        Self { phase: build.map(|build| (build, PathId::ROOT)) }
    }

    /// The phase that a closure carries.
    #[inline]
    #[cfg_attr(not(feature = "track"), expect(unused_variables, reason = "nothing is measured"))]
    fn carried(phase: CarriedPhase) -> Self {
        Self {
            #[cfg(feature = "track")]
            phase: unpack(phase.len()),
        }
    }

    /// Continues the phase on this thread, until the guard is dropped.
    #[inline]
    pub fn enter(&self) -> PhaseGuard {
        #[cfg(feature = "track")]
        if let Some((build, path)) = self.phase
            && OPEN_BUILDS.epoch().any_open()
        {
            return PhaseGuard::hand_off(build, path);
        }
        PhaseGuard::closed()
    }
}

/// A [`PhaseHandle`] that any closure can carry, also one that is not `move`: a reference that is
/// `'static` is copied into it, where a value would be borrowed. Build and path are encoded in the
/// slice's length; its elements have no size, so that it refers to no memory.
pub type CarriedPhase = &'static [()];

const CARRIER: CarriedPhase = &[(); usize::MAX];
/// Bits of the length that hold the path: a build has fewer than 2^16 paths.
#[cfg(feature = "track")]
const PATH_BITS: u32 = 16;

/// The current phase, for a closure to carry.
#[inline]
#[must_use]
pub fn carry() -> CarriedPhase {
    #[cfg(feature = "track")]
    let length =
        PhaseHandle::current().phase.and_then(|(build, path)| pack(build, path)).unwrap_or(0);
    #[cfg(not(feature = "track"))]
    let length = 0;
    &CARRIER[..length]
}

/// `None` if it does not fit: the build's number is beyond 65,535 on a target of 32 bits.
#[cfg(feature = "track")]
fn pack(build: BuildNumber, path: PathId) -> Option<usize> {
    let build = usize::try_from(build.get()).ok()?;
    let path = usize::from(u16::try_from(path.to_raw()).ok()?);
    (build.leading_zeros() >= PATH_BITS).then_some(build << PATH_BITS | path)
}

#[cfg(feature = "track")]
fn unpack(length: usize) -> Option<(BuildNumber, PathId)> {
    let build = BuildNumber::from_raw((length >> PATH_BITS) as u64)?;
    #[expect(clippy::cast_possible_truncation, reason = "16 bits")]
    let path = length as u16;
    Some((build, PathId::from_raw(path.into())))
}

/// Continues the phase that a closure carries, until the guard is dropped.
#[inline]
pub fn enter_carried(phase: CarriedPhase) -> PhaseGuard {
    PhaseHandle::carried(phase).enter()
}

/// The work of a future that a closure made, in the phase that the closure carries.
#[inline]
pub fn carried_future<F: Future>(phase: CarriedPhase, future: F) -> InPhase<F> {
    InPhase::new(future, PhaseHandle::carried(phase))
}

/// Futures whose work belongs to the phase that was current where they were handed off.
pub trait InCurrentPhase: Future + Sized {
    /// Hands the future off: wherever it is polled and dropped, its work belongs to the phase that
    /// is current now.
    ///
    /// ```
    /// # extern crate perf_core as perf_runtime;
    /// use perf_runtime::InCurrentPhase as _;
    ///
    /// async fn fetch() {}
    ///
    /// # fn spawn(_: impl Future + Send + 'static) {}
    /// # fn in_a_phase() {
    /// spawn(fetch().in_current_phase());
    /// # }
    /// # in_a_phase();
    /// ```
    #[inline]
    fn in_current_phase(self) -> InPhase<Self> {
        InPhase::new(self, PhaseHandle::current())
    }
}

impl<F: Future> InCurrentPhase for F {}

pin_project! {
    /// A future that was handed off: see [`InCurrentPhase::in_current_phase`].
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct InPhase<F> {
        // Empty only while being dropped.
        #[pin]
        future: Option<F>,
        phase: PhaseHandle,
    }

    impl<F> PinnedDrop for InPhase<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _guard = this.phase.enter();
            this.future.set(None);
        }
    }
}

impl<F> InPhase<F> {
    #[inline]
    fn new(future: F, phase: PhaseHandle) -> Self {
        Self { future: Some(future), phase }
    }
}

impl<F: Future> Future for InPhase<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        let _guard = this.phase.enter();
        future.poll(context)
    }
}

#[cfg(all(test, feature = "track"))]
mod tests {
    use super::*;

    #[test]
    fn a_closure_carries_the_phase_that_it_was_given() {
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
