//! Guards: a phase is open as long as its guard lives.

use std::marker::PhantomData;

use crate::ItemCount;
use crate::measure::ticks;

use super::frame::{Frame, Ticket};
use super::name::{self, NameId};
use super::open_builds::{BuildNumber, Epoch};
use super::path::PathId;
use super::threads;

/// A phase that was entered: dropping it exits the phase, and all that were entered after it and
/// are still open. Dropping one whose phase has been exited already does nothing.
#[must_use = "the phase ends when the guard is dropped"]
#[derive(Debug)]
pub struct PhaseGuard {
    entry: Option<(&'static Frame, Ticket)>,
    /// It belongs to the stack of its thread.
    _thread: PhantomData<*const ()>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").finish_non_exhaustive()
    }
}

impl PhaseGuard {
    /// The guard of no phase.
    #[inline]
    pub(crate) fn closed() -> Self {
        Self { entry: None, _thread: PhantomData }
    }

    /// Enters a phase, where a build is open for this thread.
    ///
    /// PERF: as it is generic, each crate that enters phases has a copy, which it calls directly.
    /// Calls to another crate go through a table of addresses: that is slower where there are many
    /// places that call.
    #[inline(never)]
    pub(crate) fn open<const NEAR: bool>(name: NameId) -> Self {
        let entry = threads::present().and_then(|it| it.enter_call(name));
        Self { entry, _thread: PhantomData }
    }

    /// Goes on with the work of a phase that another thread entered.
    pub(crate) fn hand_off(build: BuildNumber, path: PathId) -> Self {
        let entry = threads::present().and_then(|it| it.enter_chain(build, path));
        Self { entry, _thread: PhantomData }
    }
}

impl Drop for PhaseGuard {
    #[inline]
    fn drop(&mut self) {
        if let Some((frame, ticket)) = self.entry {
            exit::<true>(frame, ticket);
        }
    }
}

/// PERF: generic for the same reason as [`PhaseGuard::open`].
#[inline(never)]
fn exit<const NEAR: bool>(frame: &'static Frame, ticket: Ticket) {
    let now = ticks::now();
    if let Some(thread) = threads::present() {
        thread.exit_call(frame, ticket, now);
    }
}

/// Enters a phase whose name is made at run time, until the guard is dropped.
///
/// Names are kept for the life of the process: they should be few (those of plugins, say, not of
/// files). In a name, `/` and control characters become `_`, what is longer than 256 bytes is cut,
/// and no name at all is `(unnamed)`. Beyond 65,536 names, and 16,384 paths in a build, phases are
/// called `(other)`.
///
/// ```
/// let plugin = String::from("minify");
/// let guard = perf_runtime::enter(format!("plugin {plugin}"));
/// // … the work of the plugin …
/// drop(guard);
/// ```
pub fn enter(name: impl AsRef<str>) -> PhaseGuard {
    if Epoch::now().any_open() {
        PhaseGuard::open::<true>(name::intern(name.as_ref()))
    } else {
        PhaseGuard::closed()
    }
}

/// Adds to the items of the phase that is open innermost on this thread, for work that knows its
/// size only at the end. Does nothing where none is.
///
/// ```
/// # use perf_runtime::tracked_phase;
/// #[tracked_phase("discover")]
/// fn discover() -> Vec<String> {
///     let pages = vec![String::from("index.md")];
///     perf_runtime::add_items(pages.len());
///     pages
/// }
/// # discover();
/// ```
pub fn add_items(items: impl ItemCount) {
    if Epoch::now().any_open() {
        add_to_present_phase(items.to_count());
    }
}

fn add_to_present_phase(items: u64) {
    if let Some(thread) = threads::present()
        && let Some(phase) = thread.present_phase()
    {
        thread.write(|| phase.add_items(items));
    }
}
