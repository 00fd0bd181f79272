//! Phases: what is open on each thread, and the call tree that each thread keeps of a build.
//!
//! A tree has a single writer, its thread. The collector reads it without stopping that thread: see
//! [`thread::Thread::read`].
//!
//! # How time and memory are attributed
//!
//! Each thread has a stack of frames. Popping a frame yields its *usage*: the time and the counters at
//! the exit minus those at the entry. A [`node`] is a phase at one path in the tree of one thread. It
//! keeps four sums of usages, and the end of a build computes the rest:
//!
//! | sum of a node | what is added when a frame is popped |
//! |---|---|
//! | `total` | the usage, if the phase was not on the stack already |
//! | `reentrant` | the usage, if the phase was on the stack already (recursion) |
//! | `charged_to_callees` | the usage of each reentrant frame directly above a frame of this node |
//! | `handed_off` | the usage of a hand-off frame: work of the phase done for another thread |
//!
//! ```text
//! self  = total + reentrant - charged_to_callees - sum of the children's totals
//! total = total + sum of handed_off of the node and all its descendants     (when trees are merged)
//! ```
//!
//! Hand-offs add the same amount to the total of a node and to those of its ancestors, so they raise
//! `self` of the node of the hand-off only.
//!
//! **Without recursion** both middle terms are 0: self is what happened while the phase was on top.
//!
//! **With recursion** a phase that is entered again keeps its node, so that no path grows without
//! bound, and `total` counts only the outermost entry, so that no time counts twice. But the inner
//! entry moved time from its caller's self to that of the phase. `reentrant` adds it to the phase,
//! `charged_to_callees` takes it from the caller. Take `a` for 10 ms, in which it calls `b` for 6 ms,
//! in which it calls `a` again for 4 ms:
//!
//! ```text
//! stack    a────────────────────────────────┐   usage 10   first entry of a: total(a)    += 10
//!             b────────────────────────┐    │   usage  6   first entry of b: total(a/b)  +=  6
//!                a────────────────┐    │    │   usage  4   a is on the stack: reentrant(a) += 4,
//!                                 │    │    │              and its caller: charged_to_callees(a/b) += 4
//!
//!          total  reentrant  charged_to_callees  children  self
//! a        10     4          0                   6          10 + 4 - 0 - 6 = 8
//! a/b       6     0          4                   0           6 + 0 - 4 - 0 = 2
//! ```
//!
//! The sum of all selfs is 10 ms, the time that passed: 4 ms before and after `b`, 4 ms in the inner `a`,
//! and 2 ms in `b` itself.
//!
//! **Hand-offs** start work for another chain of phases on a thread that is already working for one.
//! When the hand-off frame is popped, its usage goes to `handed_off` of its node, and all frames below
//! are shifted: their entries' time and counters move forward by that usage, so that their own usage
//! does not include it. If a worker thread is in phase `w` from 0 to 10 ms, and from 3 to 7 ms works
//! on `a/b`, which another thread entered and waits in for 12 ms:
//!
//! ```text
//! worker's tree   handed_off(a/b) = 4;  entry of w shifts from 0 to 4, so total(w) = 10 - 4 = 6
//! other's tree    total(a) = total(a/b) = 12
//! merged          total(w) = 6;  total(a) = total(a/b) = 12 + 4 = 16
//!                 self(a/b) = 16;  self(a) = 16 - 16 = 0
//! ```
//!
//! So totals are sums over threads, and can exceed the elapsed time.
//!
//! **Idle time** is what a thread does for a build while in no phase of it. It is kept in *root
//! frames*: the bottom frame of the stack, and one above each hand-off frame of a build as a whole. When
//! the frame above a root frame is popped, the root frame adds what it used before that frame was
//! entered to its sum, and restarts. At the start and the end of each build, the registry attributes
//! what is new in these sums to builds, as `unattributed`. There, time counts on the build thread only,
//! as other threads may be idle for no reason of the build; memory counts on all threads.
//!
//! Peaks are maxima instead of sums: each frame keeps the highest live heap since its entry and passes
//! it down to the frame below when it is popped.

#[cfg(feature = "track")]
pub(crate) mod call;
#[cfg(feature = "track")]
pub(crate) mod end_state;
#[cfg(feature = "track")]
pub(crate) mod frame;
pub(crate) mod future;
#[cfg(feature = "track")]
pub(crate) mod global;
pub(crate) mod guard;
pub(crate) mod handle;
#[cfg(feature = "track")]
pub(crate) mod internal_threads;
#[cfg(feature = "track")]
pub(crate) mod name;
#[cfg(feature = "track")]
pub(crate) mod node;
#[cfg(feature = "track")]
pub(crate) mod open_builds;
#[cfg(feature = "track")]
pub(crate) mod path;
#[cfg(feature = "track")]
pub(crate) mod reading;
pub(crate) mod site;
#[cfg(feature = "track")]
pub(crate) mod slot_state;
#[cfg(feature = "track")]
pub(crate) mod thread;
#[cfg(feature = "track")]
pub(crate) mod threads;
#[cfg(feature = "track")]
pub(crate) mod tree;
