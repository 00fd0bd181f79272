//! The atomics that the protocol between a thread and its readers is made of. A test of that
//! protocol brings others in their place, which try every order that the memory model allows.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};
pub(crate) use std::thread::yield_now;
