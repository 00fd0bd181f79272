//! Whom a sample of what is allocated belongs to: the phase that is open innermost, or what its
//! build does in no phase.

use crate::measure::sampling::stacks::Key;
use crate::measure::sampling::{self, Origin, Resizing};

use super::open_builds::{self, BuildNumber};
use super::path::PathId;
use super::thread::Thread;
use super::threads;

pub(crate) use sampling::is_on;

/// Notes that the present thread allocated a block, if it did, while allocations are sampled.
pub(crate) fn allocated(block: *mut u8, size: usize) {
    if block.is_null() {
        return;
    }
    sampling::allocated(block.addr(), size, Origin::Allocation, owner);
}

/// Notes that the present thread is about to free a block, while allocations are sampled.
pub(crate) fn freeing(block: *mut u8) {
    sampling::freeing(block.addr());
}

/// Takes out what is known of a block that is about to be resized, while allocations are sampled.
pub(crate) fn resizing(block: *mut u8) -> Resizing {
    sampling::resizing(block.addr())
}

/// Notes that a block was resized, and is at `moved` now; or where that is null, that it could not be.
pub(crate) fn resized(known: &Resizing, block: *mut u8, from: usize, moved: *mut u8, to: usize) {
    if moved.is_null() {
        known.is_now(block.addr(), from);
        return;
    }
    known.is_now(moved.addr(), to);
    if to > from {
        sampling::allocated(moved.addr(), to - from, Origin::Growth { from }, owner);
    }
}

/// Whom what the present thread allocates belongs to. `None` for nobody: the runtime's own work,
/// work of none of several builds, and threads that are ending.
fn owner() -> Option<Key> {
    let thread = threads::counted_present()?;
    let (build, path) = thread.sampled_for()?;
    Some(Key { owner: BuildNumber::to_raw(Some(build)), part: path.to_raw() })
}

impl Thread {
    /// The open build that the thread works for, and the phase: the root where it is in none.
    ///
    /// A build that ended or started since the last entry or exit is not noticed here, as that
    /// would take more than is allowed within the allocator. It comes out as when it is noticed: what is
    /// on the stack of a build that is over is outside of phases.
    fn sampled_for(&self) -> Option<(BuildNumber, PathId)> {
        let in_phase = self.open_frames().next().and_then(|frame| {
            let build = self.present_tree()?.build().filter(|it| open_builds::is_open(*it))?;
            Some((build, frame.node.get()?.path()))
        });
        in_phase.or_else(|| {
            let home = self.home().filter(|it| open_builds::is_open(*it));
            Some((home.or_else(open_builds::sole)?, PathId::ROOT))
        })
    }
}
