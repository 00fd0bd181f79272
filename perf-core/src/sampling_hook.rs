//! The hook through which `perf-sampling` observes allocations.

pub use crate::measure::leak::{SharedRef, leak};
use crate::phase::global::OPEN_BUILDS;
use crate::phase::open_builds::BuildNumber;
use crate::phase::path::PathId;
use crate::phase::thread::Thread;
use crate::phase::threads;

/// The functions that are called for each allocation and free while allocations are sampled. They are
/// called on the thread that allocates, inside the allocator, so they must not allocate, block or
/// panic. Sizes are in bytes.
///
/// An address of 0 means that the request failed.
#[derive(Debug)]
pub struct SamplingHook {
    /// Called after a block of `size` bytes was allocated at `address`.
    pub allocated: fn(address: usize, size: usize),
    /// Called before the block at `address` is freed.
    pub freeing: fn(address: usize),
    /// Called instead of resizing the block at `address` from `old` to `new` bytes. It must call
    /// `resize` once, which resizes the block and returns its new address.
    pub resizing: fn(address: usize, old: usize, new: usize, resize: &mut dyn FnMut() -> usize),
}

static HOOK: SharedRef<SamplingHook> = SharedRef::empty();

/// Installs a hook, or removes it. Allocations in progress on other threads may still call the old
/// one.
pub fn install(hook: Option<&'static SamplingHook>) {
    HOOK.set(hook);
}

/// The hook, if one is installed.
#[inline(always)]
#[expect(clippy::inline_always, reason = "PERF: one comparison in each allocation")]
pub(crate) fn hook() -> Option<&'static SamplingHook> {
    HOOK.get()
}

/// The build and the path to which an allocation on the current thread belongs. The path is
/// [`PathId::ROOT`] in no phase. `None` for the work of the runtime, for threads that work for none of
/// several builds, and for threads that are ending.
#[must_use]
pub fn owner() -> Option<(BuildNumber, PathId)> {
    owner_on(threads::counted_current()?)
}

/// Does not recheck which builds are open, as that is not possible inside the allocator. The result is
/// the same as with a recheck: open phases of a build that has ended count as no phase.
fn owner_on(thread: &Thread) -> Option<(BuildNumber, PathId)> {
    let is_open = |build: &BuildNumber| OPEN_BUILDS.is_open(*build);
    let in_phase = thread.open_frames().next().and_then(|frame| {
        let build = thread.current_tree()?.build().filter(is_open)?;
        Some((build, frame.node.get()?.path()))
    });
    in_phase.or_else(|| {
        let started = thread.last_started().filter(is_open);
        Some((started.or_else(|| OPEN_BUILDS.sole())?, PathId::ROOT))
    })
}
