//! Guards: a phase is open as long as its guard lives.

use std::marker::PhantomData;

use crate::count::ItemCount;

#[cfg(feature = "track")]
use super::{
    frame::{Frame, Ticket},
    global::OPEN_BUILDS,
    name::NameId,
    open_builds::BuildNumber,
    path::{Location, PathId},
    threads,
};
#[cfg(feature = "track")]
use crate::measure::ticks;

/// A phase that was entered: dropping the guard exits the phase, and all phases that were entered
/// after it and are still open. If the phase was exited already, dropping its guard does nothing.
///
/// Bind it to a name: `let _ = enter("x")` drops the guard, and so exits the phase, at once.
#[must_use = "the phase ends when the guard is dropped"]
#[derive(Debug)]
pub struct PhaseGuard {
    #[cfg(feature = "track")]
    entry: Option<(&'static Frame, Ticket)>,
    /// The guard belongs to the stack of its thread.
    _thread: PhantomData<*const ()>,
}

impl PhaseGuard {
    /// A guard of no phase.
    #[inline]
    pub(crate) fn closed() -> Self {
        Self {
            #[cfg(feature = "track")]
            entry: None,
            _thread: PhantomData,
        }
    }
}

impl Drop for PhaseGuard {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "track")]
        if let Some((frame, ticket)) = self.entry {
            exit::<true>(frame, ticket);
        }
    }
}

#[cfg(feature = "track")]
impl PhaseGuard {
    /// Enters a phase, if a build is open for this thread.
    ///
    /// PERF: as it is generic, each crate that enters phases has a copy, which it calls directly.
    /// Calls to another crate go through a table of addresses, which is slower with many call
    /// sites.
    #[inline(never)]
    pub(crate) fn open<const IN_CALLING_CRATE: bool>(
        name: NameId,
        location: Option<&'static Location>,
    ) -> Self {
        let entry = threads::current().and_then(|thread| thread.enter_call(name, location));
        Self { entry, _thread: PhantomData }
    }

    /// Continues the work of a phase that another thread entered.
    pub(crate) fn hand_off(build: BuildNumber, path: PathId) -> Self {
        let entry = threads::current().and_then(|thread| thread.enter_chain(build, path));
        Self { entry, _thread: PhantomData }
    }
}

/// PERF: generic for the same reason as [`PhaseGuard::open`].
#[cfg(feature = "track")]
#[inline(never)]
fn exit<const IN_CALLING_CRATE: bool>(frame: &'static Frame, ticket: Ticket) {
    let now = ticks::now();
    if let Some(thread) = threads::current() {
        thread.exit_call(frame, ticket, now);
    }
}

/// Enters a phase whose name is made at run time, until the guard is dropped.
///
/// Names are kept for the life of the process, so there should be few: those of plugins, not of
/// files. In a name, `/` and control characters become `_`; a name longer than 256 bytes is cut;
/// an empty name is `(unnamed)`. Beyond 65,536 names in a process, or 16,384 paths in a build,
/// phases are called `(other)`.
///
/// A name that the thread entered recently is found without a lock. Other names take a lock that all
/// threads share.
///
/// ```
/// # extern crate perf_core as perf_runtime;
/// let plugin = String::from("minify");
/// let guard = perf_runtime::enter(format!("plugin {plugin}"));
/// // … the work of the plugin …
/// drop(guard);
/// ```
#[inline]
#[cfg_attr(not(feature = "track"), expect(unused_variables, reason = "nothing is measured"))]
pub fn enter(name: impl AsRef<str>) -> PhaseGuard {
    #[cfg(feature = "track")]
    if OPEN_BUILDS.epoch().any_open() {
        return PhaseGuard::open::<true>(super::name::intern_cached(name.as_ref()), None);
    }
    PhaseGuard::closed()
}

/// Adds to the items of the innermost open phase of this thread, for work that knows its size only
/// at the end. Does nothing outside of phases.
///
/// ```
/// # extern crate perf_core as perf_runtime;
/// fn discover() -> Vec<String> {
///     let _phase = perf_runtime::enter("discover");
///     let pages = vec![String::from("index.md")];
///     perf_runtime::add_items(pages.len());
///     pages
/// }
/// # discover();
/// ```
#[inline]
#[cfg_attr(
    not(feature = "track"),
    expect(unused_variables, clippy::needless_pass_by_value, reason = "nothing is measured")
)]
pub fn add_items(items: impl ItemCount) {
    #[cfg(feature = "track")]
    if OPEN_BUILDS.epoch().any_open() {
        add_to_innermost_phase(items.to_count());
    }
}

#[cfg(feature = "track")]
fn add_to_innermost_phase(items: u64) {
    if let Some(thread) = threads::current()
        && let Some(phase) = thread.innermost_phase()
    {
        thread.write(|| phase.add_items(items));
    }
}
