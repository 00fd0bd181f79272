//! The hook through which `perf-sampling` sees what the program allocates.

pub use crate::measure::leak::{Slot, leak};
use crate::phase::open_builds::BuildNumber;
use crate::phase::path::PathId;
use crate::phase::thread::Thread;
use crate::phase::threads;
use crate::registry::Registry;

/// What is called for each block while allocations are sampled, on the thread that allocates and
/// from within the allocator: it must not allocate, block or panic.
///
/// An address of 0 is a failed request.
#[derive(Debug)]
pub struct SamplingHook {
    /// A block was allocated at an address, with a number of bytes.
    pub allocated: fn(address: usize, size: usize),
    /// The block at an address is about to be freed.
    pub freeing: fn(address: usize),
    /// The block at an address is resized: `resize` does it and returns the new address.
    pub resizing: fn(address: usize, old: usize, new: usize, resize: &mut dyn FnMut() -> usize),
}

static HOOK: Slot<SamplingHook> = Slot::empty();

/// Installs the hook, or removes it. Calls that are under way on other threads may still use the
/// old one.
pub fn install(hook: Option<&'static SamplingHook>) {
    HOOK.set(hook);
}

/// The hook, while allocations are sampled.
#[inline(always)]
#[expect(clippy::inline_always, reason = "PERF: one comparison in each allocation")]
pub(crate) fn hook() -> Option<&'static SamplingHook> {
    HOOK.get()
}

/// The build and the path that what the current thread allocates belongs to; the root's path in no
/// phase. `None` for the runtime's own work, for work of none of several builds, and on threads
/// that are ending.
#[must_use]
pub fn owner() -> Option<(BuildNumber, PathId)> {
    threads::counted_current()?.sampled_for()
}

impl Thread {
    /// A build that ended or started since the last entry or exit is not noticed here, as that
    /// would take more than is allowed within the allocator. The result is the same as when it is
    /// noticed: open phases of a build that has ended count as outside of phases.
    fn sampled_for(&self) -> Option<(BuildNumber, PathId)> {
        let is_open = |build: &BuildNumber| Registry::global().is_open(*build);
        let in_phase = self.open_frames().next().and_then(|frame| {
            let build = self.current_tree()?.build().filter(is_open)?;
            Some((build, frame.node.get()?.path()))
        });
        in_phase.or_else(|| {
            let started = self.last_started().filter(is_open);
            Some((started.or_else(|| Registry::global().sole())?, PathId::ROOT))
        })
    }
}
