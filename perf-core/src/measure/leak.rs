//! Memory that is never freed, so that any thread may read it at any time. It comes straight from the
//! system's allocator, so that no build counts it.

#![allow(unsafe_code)]
#![cfg_attr(
    not(feature = "sampling"),
    expect(unreachable_pub, reason = "published by `sampling_hook`")
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Makes `len` values in memory that is never freed. `None` if there is no memory left, or if the
/// values have no size.
///
/// If `make` panics, the values made before are leaked.
pub(crate) fn leak_slice<T: Sync>(len: usize, mut make: impl FnMut() -> T) -> Option<&'static [T]> {
    let layout = Layout::array::<T>(len).ok().filter(|layout| layout.size() > 0)?;
    // SAFETY: the layout's size is not zero.
    let start = unsafe { System.alloc(layout) }.cast::<T>();
    if start.is_null() {
        return None;
    }
    for index in 0..len {
        // SAFETY: `start` is aligned and valid for writes of `len` values, and `index < len`.
        unsafe { start.add(index).write(make()) };
    }
    // SAFETY: all `len` values were written just above; no other code has the address, and the
    // block is never freed, so shared references to it stay valid.
    Some(unsafe { std::slice::from_raw_parts(start, len) })
}

/// Makes one value in memory that is never freed. `None` if there is no memory left.
pub fn leak<T: Sync>(make: impl FnOnce() -> T) -> Option<&'static T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return None;
    }
    // SAFETY: the layout's size is not zero.
    let pointer = unsafe { System.alloc(layout) }.cast::<T>();
    if pointer.is_null() {
        return None;
    }
    // SAFETY: `pointer` is aligned and valid for the write of one value; no other code has the
    // address, and the block is never freed, so the reference stays valid.
    unsafe {
        pointer.write(make());
        Some(&*pointer)
    }
}

/// An `Option<&'static T>` that threads share.
#[repr(transparent)]
pub struct SharedRef<T: 'static>(AtomicPtr<T>);

impl<T: Sync> SharedRef<T> {
    /// `None`.
    #[must_use]
    pub const fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The current value. Everything written to the target before [`Self::set`] is visible.
    #[inline]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: only `set` and `push` write the pointer: it is null, or was a `&'static T`.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Replaces the value.
    #[inline]
    pub fn set(&self, value: Option<&'static T>) {
        let pointer = value.map_or(ptr::null_mut(), |target| ptr::from_ref(target).cast_mut());
        self.0.store(pointer, Ordering::Release);
    }

    /// Adds `value` in front of the list whose head this is: its old head goes into
    /// `next_of(value)`. Any number of threads may do so at once. The list never shrinks.
    pub(crate) fn push(&self, value: &'static T, next_of: impl Fn(&'static T) -> &'static Self) {
        let mut head = self.0.load(Ordering::Acquire);
        loop {
            // SAFETY: as in `get`.
            next_of(value).set(unsafe { head.as_ref() });
            let pushed = self.0.compare_exchange_weak(
                head,
                ptr::from_ref(value).cast_mut(),
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match pushed {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }
}
