//! The atomics, fences and hints of the lock-free protocols.
//!
//! The tests in `tests/tests/protocol` compile the files that import this module against a module of
//! the same shape over loom's types, and so run the shipped source in every order that the memory
//! model allows. loom's atomics have no `const` constructors, hence the two macros.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};
pub(crate) use std::thread::yield_now;

/// A function that is `const`, except under loom.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident() -> $output:ty $body:block) => {
        $(#[$attribute])* $visibility const fn $name() -> $output $body
    };
}
pub(crate) use const_fn;

/// An array of atomics with equal initial values.
macro_rules! atomic_array {
    ($initial:expr; $len:expr) => {
        [const { $initial }; $len]
    };
}
pub(crate) use atomic_array;
