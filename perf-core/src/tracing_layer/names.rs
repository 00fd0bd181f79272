//! The ids of span names, cached by each thread.

use std::cell::Cell;
use std::ptr;

use tracing_core::Metadata;

use crate::phase::name::{NAMES, NameId};

const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;

thread_local! {
    /// The address of the metadata of a span, and the id of its name.
    static KNOWN: [Cell<(usize, u32)>; SLOTS] = const { [const { Cell::new((0, 0)) }; SLOTS] };
}

/// The id of the name of a span.
///
/// PERF: interning a name takes a lock and hashes the name.
pub(super) fn name_of(metadata: &'static Metadata<'static>) -> NameId {
    // Metadata are never freed, so that an address always has the same name.
    let address = ptr::from_ref(metadata).addr();
    KNOWN.with(|known| {
        let slot = &known[slot(address)];
        let (at, raw) = slot.get();
        if at == address
            && let Some(id) = NameId::from_raw(raw)
        {
            return id;
        }
        let id = NAMES.intern(metadata.name());
        slot.set((address, id.to_raw()));
        id
    })
}

/// Fibonacci hashing (D. Knuth, *The Art of Computer Programming*, vol. 3, 6.4).
fn slot(address: usize) -> usize {
    let hash = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hash >> (u64::BITS - SLOT_BITS)) as usize
}
