//! The loaded program and libraries: their addresses, and their unwind tables.
//!
//! # Implementation
//!
//! The loader is queried when a build starts and after it has ended, never in between: a thread that
//! allocates may be inside `dlopen`, or hold a lock that a thread inside `dlopen` waits for.

#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use libc::{PT_GNU_EH_FRAME, PT_LOAD, dl_phdr_info, size_t};

/// A loaded program or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadedModule {
    /// The path of its file. Empty for the program itself.
    pub(crate) path: PathBuf,
    /// The offset from addresses in the file to addresses in memory.
    pub(crate) base: u64,
    /// Its addresses in memory.
    pub(crate) addresses: Range<u64>,
}

/// The unwind tables of a module. They are copies, as the library may be unloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnwindSections {
    /// `.eh_frame_hdr`: its addresses in the file, and its bytes.
    pub(super) index: (Range<u64>, Vec<u8>),
    /// `.eh_frame`: its addresses in the file, and its bytes.
    pub(super) frames: (Range<u64>, Vec<u8>),
}

/// All loaded modules, the program first.
pub(crate) fn loaded_modules() -> Vec<LoadedModule> {
    list(false).into_iter().map(|(module, _)| module).collect()
}

/// All loaded modules with their unwind tables.
pub(super) fn with_unwind_sections() -> Vec<(LoadedModule, Option<UnwindSections>)> {
    list(true)
}

struct List {
    modules: Vec<(LoadedModule, Option<UnwindSections>)>,
    with_sections: bool,
}

fn list(with_sections: bool) -> Vec<(LoadedModule, Option<UnwindSections>)> {
    let mut list = List { modules: Vec::new(), with_sections };
    // SAFETY: the loader calls `add` with this pointer, and only before it returns.
    unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut list).cast::<c_void>()) };
    list.modules
}

/// Adds one module to the [`List`] that `list` points to.
///
/// # Safety
///
/// Only `dl_iterate_phdr` may call this, with a pointer to a `List` that nothing else uses meanwhile.
unsafe extern "C" fn add(info: *mut dl_phdr_info, _size: size_t, list: *mut c_void) -> c_int {
    // SAFETY: `info` comes from the loader and `list` from the function `list` above. Both are valid until
    // this returns.
    let (info, list) = unsafe { (&*info, &mut *list.cast::<List>()) };
    // SAFETY: `dlpi_phdr` has `dlpi_phnum` entries, and is valid while the loader holds its lock.
    let headers =
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let loaded = headers.iter().filter(|header| header.p_type == PT_LOAD);
    let segments: Vec<_> =
        loaded.map(|header| header.p_vaddr..header.p_vaddr + header.p_memsz).collect();
    let start = segments.iter().map(|segment| segment.start).min();
    let end = segments.iter().map(|segment| segment.end).max();
    let (Some(start), Some(end)) = (start, end) else { return 0 };
    let name = if info.dlpi_name.is_null() {
        &[]
    } else {
        // SAFETY: the names of the loader end with a 0, and are valid while it holds its lock.
        unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes()
    };
    let base = info.dlpi_addr;
    let module = LoadedModule {
        path: PathBuf::from(OsStr::from_bytes(name)),
        base,
        addresses: base.wrapping_add(start)..base.wrapping_add(end),
    };
    let index = headers.iter().find(|header| header.p_type == PT_GNU_EH_FRAME);
    let sections = index.filter(|_| list.with_sections).and_then(|header| {
        let index = header.p_vaddr..header.p_vaddr + header.p_memsz;
        // SAFETY: see `copy`.
        let index_bytes = unsafe { copy(base, &index, &segments)? };
        let frames = frames_start(&index, &index_bytes)?;
        let end = segments.iter().find(|segment| segment.contains(&frames))?.end;
        let frames = frames..end;
        // SAFETY: see `copy`.
        let frame_bytes = unsafe { copy(base, &frames, &segments)? };
        Some(UnwindSections { index: (index, index_bytes), frames: (frames, frame_bytes) })
    });
    list.modules.push((module, sections));
    0
}

/// Copies the bytes of a module at `range`, which are addresses in its file. `None` if they are not
/// loaded.
///
/// # Safety
///
/// `segments` must be those of a module at `base` that stays loaded meanwhile, and the segment with
/// `range` must be readable. Segments with unwind tables are, as the standard library reads them too.
unsafe fn copy(base: u64, range: &Range<u64>, segments: &[Range<u64>]) -> Option<Vec<u8>> {
    let contains = |segment: &&Range<u64>| segment.start <= range.start && range.end <= segment.end;
    segments.iter().find(contains).filter(|_| range.start < range.end)?;
    let start = usize::try_from(base.wrapping_add(range.start)).ok()?;
    let len = usize::try_from(range.end - range.start).ok()?;
    // SAFETY: the range is inside one loaded segment, which the caller guarantees to be readable. Nothing
    // writes to it.
    let bytes =
        unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(start), len) };
    Some(bytes.to_vec())
}

/// The address of `.eh_frame`, from its index. It is stored in the only encoding that linkers write: four
/// signed bytes, relative to their own address (LSB core, section 10.6.2).
fn frames_start(index: &Range<u64>, bytes: &[u8]) -> Option<u64> {
    const RELATIVE_4: u8 = 0x1B;
    const VERSION: u8 = 1;
    let (&[version, encoding], pointer) = (bytes.first_chunk()?, bytes.get(4..8)?);
    if version != VERSION || encoding != RELATIVE_4 {
        return None;
    }
    let pointer = i32::from_le_bytes(pointer.try_into().ok()?);
    (index.start + 4).checked_add_signed(i64::from(pointer))
}
