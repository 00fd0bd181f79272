//! Phases: what is open on each thread, and the call tree that each thread keeps of a build.
//!
//! A tree has a single writer, its thread. The collector reads it without stopping that thread:
//! see [`thread::Thread::read`].

use crate::measure::atomic;

pub(crate) mod call;
pub(crate) mod end_state;
pub(crate) mod frame;
pub(crate) mod future;
pub(crate) mod guard;
pub(crate) mod handle;
pub(crate) mod name;
pub(crate) mod node;
pub(crate) mod open_builds;
pub(crate) mod own_threads;
pub(crate) mod path;
pub(crate) mod reading;
#[cfg(samples_allocations)]
pub(crate) mod sampled;
pub(crate) mod site;
pub(crate) mod thread;
pub(crate) mod threads;
pub(crate) mod tree;
