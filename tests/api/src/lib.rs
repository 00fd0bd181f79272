//! Uses every public item of `perf_runtime` with its exact signature, and checks the traits of every
//! type at compile time. The features `track` and `allocators` must not change any of it; `record` and
//! `tracing` may only add items.
//!
//! ```sh
//! cargo check -p api-test --no-default-features --features track,tracing
//! ```
#![forbid(unsafe_code)]

use std::alloc::{GlobalAlloc, System};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::panic::{RefUnwindSafe, UnwindSafe};

use perf_runtime::{
    BuildHandle, CountError, InCurrentPhase, InPhase, ItemCount, PhaseGuard, PhaseHandle,
    TrackingAllocator, add_items, build, enter, in_current_phase, phase, tracked_build,
    tracked_phase,
};

/// Whether a type implements a trait.
macro_rules! implements {
    ($type:ty, $trait:path) => {{
        #[allow(dead_code, reason = "unused if the trait is implemented")]
        trait Otherwise {
            const IMPLEMENTED: bool = false;
        }
        impl<T: ?Sized> Otherwise for T {}
        #[allow(dead_code, reason = "only its constant is used")]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        // An inherent constant is preferred to one of a trait, if its bounds are met.
        #[allow(dead_code, reason = "unused if the trait is not implemented")]
        impl<T: ?Sized + $trait> Probe<T> {
            const IMPLEMENTED: bool = true;
        }
        <Probe<$type>>::IMPLEMENTED
    }};
}

/// Fails to compile unless a type implements exactly those of the traits that are `true`.
macro_rules! assert_traits {
    ($type:ty: $($trait:path = $expected:literal),+ $(,)?) => {
        $(const _: () = assert!(
            implements!($type, $trait) == $expected,
            concat!(stringify!($type), ": ", stringify!($trait), " is not ", $expected),
        );)+
    };
}

assert_traits!(BuildHandle: Send = true, Sync = true, Unpin = true, UnwindSafe = true,
    RefUnwindSafe = true, Copy = true, Clone = true, Debug = true, PartialEq = false,
    Default = false);
assert_traits!(CountError: Send = true, Sync = true, Unpin = true, UnwindSafe = true,
    RefUnwindSafe = true, Copy = false, Clone = true, Debug = true, Display = true, Error = true,
    Eq = true);
assert_traits!(PhaseGuard: Send = false, Sync = false, Unpin = true, UnwindSafe = true, Copy = false, Clone = false,
    Debug = true, Default = false);
assert_traits!(PhaseHandle: Send = true, Sync = true, Unpin = true, UnwindSafe = true,
    RefUnwindSafe = true, Copy = true, Clone = true, Debug = true, PartialEq = false,
    Default = false);
assert_traits!(TrackingAllocator: Send = true, Sync = true, Unpin = true, UnwindSafe = true,
    RefUnwindSafe = true, Copy = true, Clone = true, Debug = true, Default = true,
    GlobalAlloc = true);
assert_traits!(InPhase<std::future::Ready<u8>>: Future = true, Send = true, Sync = true,
    Unpin = true, Copy = false, Clone = false);
assert_traits!(InPhase<std::future::Ready<*const u8>>: Send = false, Sync = false, Unpin = true);

assert_traits!(InPhase<std::marker::PhantomPinned>: Send = true, Unpin = false);

const _: () = assert!(implements!(u8, ItemCount) && implements!(i128, ItemCount));
const _: () = assert!(implements!(usize, ItemCount) && !implements!(f64, ItemCount));
const _: () = assert!(!implements!(u8, InCurrentPhase));
const _: () = assert!(implements!(std::future::Ready<u8>, InCurrentPhase));

const _: fn() -> BuildHandle = build;
const _: fn(&BuildHandle) -> PhaseGuard = BuildHandle::enter;
const _: fn(&BuildHandle, &str, u64) = BuildHandle::count;
const _: fn(&BuildHandle, &str, i8) -> Result<(), CountError> = BuildHandle::try_count;
const _: fn(&BuildHandle, bool) = BuildHandle::set_incremental;
const _: fn(&BuildHandle, bool) = BuildHandle::set_parallel;
const _: fn(&BuildHandle, &str, &str) = BuildHandle::set_label;
const _: fn(&BuildHandle) = BuildHandle::skip;
const _: fn(String) -> CountError = CountError::Reserved;
const _: fn(String) -> CountError = CountError::InvalidName;
const _: fn(String) -> CountError = CountError::Negative;
const _: fn(&'static str) -> PhaseGuard = enter;
const _: fn(String) -> PhaseGuard = enter;
const _: fn(usize) = add_items;
const _: fn() -> PhaseHandle = PhaseHandle::current;
const _: fn(&PhaseHandle) -> PhaseGuard = PhaseHandle::enter;
const _: fn(std::future::Ready<u8>) -> InPhase<std::future::Ready<u8>> =
    InCurrentPhase::in_current_phase;

/// Both constructors are usable in a `static`.
pub static ALLOCATORS: (TrackingAllocator, TrackingAllocator<System>) =
    (TrackingAllocator::system(), TrackingAllocator::new(System));

/// The names of the variants. New ones may be added.
#[must_use]
pub fn refused_count(error: &CountError) -> Option<&str> {
    match error {
        CountError::Reserved(name) | CountError::InvalidName(name) | CountError::Negative(name) => {
            Some(name)
        }
        _ => None,
    }
}

/// Uses of the macros.
#[derive(Debug)]
pub struct Annotated;

impl Annotated {
    /// An async function.
    #[tracked_phase]
    pub async fn asynchronous(&self) -> usize {
        std::future::ready(1).in_current_phase().await
    }

    /// A function with items, a block and work that is handed off.
    #[must_use]
    #[tracked_phase("named", items = pages.len())]
    pub fn synchronous(&self, pages: &[&str]) -> Option<usize> {
        let length = phase!("measure", items = 1, { pages.first()?.len() });
        let hand_off = in_current_phase!(move |addend: usize| addend + length);
        Some(phase!("add", { hand_off(1) }))
    }
}

/// Returns a future that can be sent to another thread.
#[tracked_phase]
pub fn future() -> impl Future<Output = usize> + Send + 'static {
    async { 1 }
}

const _: fn() = || {
    fn is_send<T: Send + 'static>(_: fn() -> T) {}
    is_send(future);
};

/// A build.
///
/// # Errors
///
/// Never fails.
#[tracked_build("api-test")]
pub fn tracked() -> Result<Option<usize>, std::io::Error> {
    Ok(Annotated.synchronous(&["one"]))
}

#[cfg(feature = "tracing")]
mod with_tracing {
    use perf_runtime::PhaseLayer;
    use tracing_subscriber::{Layer, Registry};

    use super::{Debug, RefUnwindSafe, UnwindSafe};

    assert_traits!(PhaseLayer: Send = true, Sync = true, Unpin = true, UnwindSafe = true,
        RefUnwindSafe = true, Debug = true, Default = true, Layer<Registry> = true);
    assert_traits!(PhaseLayer: Layer<tracing_core::subscriber::NoSubscriber> = false);

    const _: PhaseLayer = PhaseLayer::new();
}

#[cfg(feature = "record")]
mod with_record {
    use std::path::{Path, PathBuf};

    use perf_runtime::perf_history::{Appended, Timeline};
    use perf_runtime::{
        AllocationSampling, BuildStats, HistoryError, Outcome, PerformanceCollector, PhaseStats,
        perf_history,
    };

    use super::{Debug, Display, Error, RefUnwindSafe, UnwindSafe};

    assert_traits!(PerformanceCollector: Send = true, Sync = false, Unpin = true, Copy = false,
        Clone = false, Debug = true, Default = false);
    assert_traits!(AllocationSampling: Send = true, Sync = true, Unpin = true, UnwindSafe = true,
        RefUnwindSafe = true, Copy = true, Clone = true, Debug = true, Default = true, Eq = true);
    assert_traits!(BuildStats: Send = true, Sync = true, Unpin = true, Copy = false, Clone = true,
        Debug = true, Default = true);
    assert_traits!(PhaseStats: Send = true, Sync = true, Unpin = true, Copy = false, Clone = true,
        Debug = true);
    assert_traits!(Outcome: Send = true, Sync = true, Copy = true, Debug = true);
    assert_traits!(HistoryError: Send = true, Sync = true, Debug = true, Display = true,
        Error = true);

    const _: fn(&'static str) -> PerformanceCollector = PerformanceCollector::new;
    const _: fn(PathBuf) -> PerformanceCollector = PerformanceCollector::new;
    const _: fn(&'static str, String) -> PerformanceCollector = PerformanceCollector::from_env;
    const _: fn(PerformanceCollector, &'static str, String) -> PerformanceCollector =
        PerformanceCollector::with_tool;
    const _: fn(PerformanceCollector, AllocationSampling) -> PerformanceCollector =
        PerformanceCollector::sample_allocations;
    const _: fn(&PerformanceCollector) -> &Path = PerformanceCollector::dir;
    const _: fn(&mut PerformanceCollector) = PerformanceCollector::start_build;
    const _: fn(&mut PerformanceCollector) -> BuildStats = PerformanceCollector::end_build;
    const _: fn(&mut PerformanceCollector, &Result<u8, ()>) -> BuildStats =
        PerformanceCollector::end_build_with;
    const _: fn(&PerformanceCollector, &BuildStats) = PerformanceCollector::save;
    const _: fn(&PerformanceCollector, &BuildStats) -> Result<Option<Appended>, HistoryError> =
        PerformanceCollector::try_save;
    const _: fn(&PerformanceCollector) -> Option<&Timeline> = PerformanceCollector::timeline;

    const _: AllocationSampling =
        AllocationSampling::every(AllocationSampling::DEFAULT_SAMPLE_BYTES).with_seed(1);
    const _: fn(&AllocationSampling) -> u64 = AllocationSampling::sample_bytes;
    const _: fn(&AllocationSampling) -> Option<u64> = AllocationSampling::seed;
    const _: &str = perf_history::DEFAULT_DIR;
}
