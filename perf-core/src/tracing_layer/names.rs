//! The numbers of spans' names, which each thread remembers.

use std::cell::Cell;
use std::ptr;

use tracing_core::Metadata;

use crate::phase::name::{NAMES, NameId};

const PLACES_BITS: u32 = 6;
const PLACES: usize = 1 << PLACES_BITS;

thread_local! {
    /// Where a span's metadata are, and its name's number.
    static KNOWN: [Cell<(usize, u32)>; PLACES] = const { [const { Cell::new((0, 0)) }; PLACES] };
}

/// The number of a span's name.
///
/// PERF: [`name::intern`] takes a lock and hashes the name.
pub(super) fn name_of(metadata: &'static Metadata<'static>) -> NameId {
    // Metadata are never freed: what is at an address stays the same.
    let address = ptr::from_ref(metadata).addr();
    KNOWN.with(|known| {
        let place = &known[place(address)];
        let (at, raw) = place.get();
        if at == address
            && let Some(id) = NameId::from_raw(raw)
        {
            return id;
        }
        let id = NAMES.intern(metadata.name());
        place.set((address, id.to_raw()));
        id
    })
}

/// Fibonacci hashing (D. Knuth, *The Art of Computer Programming*, vol. 3, 6.4).
fn place(address: usize) -> usize {
    let hash = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash >> (u64::BITS - PLACES_BITS)) as usize
}
