//! Phases: what is open on each thread, and the call tree that each thread keeps of a build.
//!
//! A tree has a single writer, its thread. The collector reads it without stopping that thread:
//! see [`thread::Thread::read`].

#[cfg(feature = "track")]
mod async_call;
#[cfg(feature = "track")]
pub(crate) mod call;
#[cfg(feature = "track")]
pub(crate) mod end_state;
#[cfg(feature = "track")]
pub(crate) mod frame;
pub(crate) mod future;
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
pub(crate) mod thread;
#[cfg(feature = "track")]
pub(crate) mod threads;
#[cfg(feature = "track")]
pub(crate) mod tree;
