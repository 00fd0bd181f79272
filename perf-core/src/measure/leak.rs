//! Memory that lives for ever: taken straight from the system's allocator, so that no build counts
//! it, and never given back, so that any thread may read it at any time.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Makes `len` values in memory that is never freed. `None` when there is no memory left, or when
/// there would be nothing to make.
///
/// `make` must not panic: what it made until then would stay unreachable.
pub(crate) fn leak_slice<T: Sync>(len: usize, mut make: impl FnMut() -> T) -> Option<&'static [T]> {
    let layout = Layout::array::<T>(len).ok().filter(|it| it.size() > 0)?;
    // SAFETY: the layout's size is not zero.
    let start = unsafe { System.alloc(layout) }.cast::<T>();
    if start.is_null() {
        return None;
    }
    for index in 0..len {
        // SAFETY: `start` is aligned and valid for writes of `len` values, and `index < len`.
        unsafe { start.add(index).write(make()) };
    }
    // SAFETY: all `len` values were written just above; nobody else has the address, and the block
    // is never freed, so shared references to it stay valid for ever.
    Some(unsafe { std::slice::from_raw_parts(start, len) })
}

/// Makes one value in memory that is never freed. `None` when there is no memory left.
pub fn leak<T: Sync>(make: impl FnOnce() -> T) -> Option<&'static T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return None;
    }
    // SAFETY: the layout's size is not zero.
    let place = unsafe { System.alloc(layout) }.cast::<T>();
    if place.is_null() {
        return None;
    }
    // SAFETY: `place` is aligned and valid for the write of one value; nobody else has the
    // address, and the block is never freed, so the reference stays valid for ever.
    unsafe {
        place.write(make());
        Some(&*place)
    }
}

/// A place for an `Option<&'static T>` that threads share.
#[repr(transparent)]
pub struct Slot<T: 'static>(AtomicPtr<T>);

impl<T: Sync> Slot<T> {
    /// An empty place.
    pub const fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// What is there. Whatever was written to it before it was put there is seen.
    #[inline]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: only `set` and `push` write the pointer: it is null, or was a `&'static T`.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Puts `value` there.
    #[inline]
    pub fn set(&self, value: Option<&'static T>) {
        let pointer = value.map_or(ptr::null_mut(), |it| ptr::from_ref(it).cast_mut());
        self.0.store(pointer, Ordering::Release);
    }

    /// Puts `value` there and what was there into `next_of(value)`: the head of a list that any
    /// number of threads may grow at once, and that never shrinks.
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
