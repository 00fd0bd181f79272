//! The program and the libraries that are loaded: where they are, and how their stacks unwind.
//!
//! # Implementation
//!
//! The loader is asked when a build starts and when one has ended, never in between: a thread that
//! allocates may be within `dlopen`, or hold what a thread within `dlopen` waits for.

#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use libc::{PT_GNU_EH_FRAME, PT_LOAD, dl_phdr_info, size_t};

/// A program or library that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadedModule {
    /// Its file; empty for the program itself.
    pub(crate) path: PathBuf,
    /// What is to be added to the addresses in the file.
    pub(crate) base: u64,
    /// Where it is, from its first byte to its last.
    pub(crate) addresses: Range<u64>,
}

/// How stacks unwind through a module: a copy, since the library may be unloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnwindSections {
    /// The addresses are those in the file.
    pub(super) index: (Range<u64>, Vec<u8>),
    pub(super) frames: (Range<u64>, Vec<u8>),
}

/// All that is loaded, the program first.
pub(crate) fn loaded_modules() -> Vec<LoadedModule> {
    list(false).into_iter().map(|it| it.0).collect()
}

/// The same with how stacks unwind through it.
pub(super) fn with_unwind_sections() -> Vec<(LoadedModule, Option<UnwindSections>)> {
    list(true)
}

struct List {
    modules: Vec<(LoadedModule, Option<UnwindSections>)>,
    with_sections: bool,
}

fn list(with_sections: bool) -> Vec<(LoadedModule, Option<UnwindSections>)> {
    let mut list = List { modules: Vec::new(), with_sections };
    // SAFETY: the loader calls `add` with what it is given here, before it returns.
    unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut list).cast::<c_void>()) };
    list.modules
}

/// Adds one module to the [`List`] that `list` points to.
///
/// # Safety
///
/// For `dl_iterate_phdr` alone, with a pointer to a `List` that nothing else uses meanwhile.
unsafe extern "C" fn add(info: *mut dl_phdr_info, _size: size_t, list: *mut c_void) -> c_int {
    // SAFETY: the loader gives a valid `info`, and `list` is what `list` above gave it: both are
    // there until this returns.
    let (info, list) = unsafe { (&*info, &mut *list.cast::<List>()) };
    // SAFETY: the loader's `dlpi_phdr` has `dlpi_phnum` entries, and stays while its lock is held.
    let headers =
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let loaded = headers.iter().filter(|it| it.p_type == PT_LOAD);
    let segments: Vec<_> = loaded.map(|it| it.p_vaddr..it.p_vaddr + it.p_memsz).collect();
    let (Some(start), Some(end)) =
        (segments.iter().map(|it| it.start).min(), segments.iter().map(|it| it.end).max())
    else {
        return 0;
    };
    let name = if info.dlpi_name.is_null() {
        &[]
    } else {
        // SAFETY: the loader's names end with a 0, and stay while its lock is held.
        unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes()
    };
    let base = info.dlpi_addr;
    let module = LoadedModule {
        path: PathBuf::from(OsStr::from_bytes(name)),
        base,
        addresses: base.wrapping_add(start)..base.wrapping_add(end),
    };
    let index = headers.iter().find(|it| it.p_type == PT_GNU_EH_FRAME);
    let sections = index.filter(|_| list.with_sections).and_then(|it| {
        let index = it.p_vaddr..it.p_vaddr + it.p_memsz;
        // SAFETY: see `copy`.
        let index_bytes = unsafe { copy(base, &index, &segments)? };
        let frames = frames_of(&index, &index_bytes)?;
        let end = segments.iter().find(|it| it.contains(&frames))?.end;
        let frames = frames..end;
        // SAFETY: see `copy`.
        let frame_bytes = unsafe { copy(base, &frames, &segments)? };
        Some(UnwindSections { index: (index, index_bytes), frames: (frames, frame_bytes) })
    });
    list.modules.push((module, sections));
    0
}

/// Copies what a module has at `range`, an address in its file. `None` where it is not loaded.
///
/// # Safety
///
/// `segments` are those of a module at `base` that stays loaded meanwhile, and can be read: the
/// tables that are copied are needed for unwinding, and so in segments that can be.
unsafe fn copy(base: u64, range: &Range<u64>, segments: &[Range<u64>]) -> Option<Vec<u8>> {
    let within = |it: &&Range<u64>| it.start <= range.start && range.end <= it.end;
    segments.iter().find(within).filter(|_| range.start < range.end)?;
    let start = usize::try_from(base.wrapping_add(range.start)).ok()?;
    let len = usize::try_from(range.end - range.start).ok()?;
    // SAFETY: by the caller's word; it lies within one segment, and is not written to.
    let bytes =
        unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(start), len) };
    Some(bytes.to_vec())
}

/// Where `.eh_frame` is, as its index says: a pointer in the one encoding that linkers write, four
/// signed bytes relative to where they stand (LSB core, 10.6.2).
fn frames_of(index: &Range<u64>, bytes: &[u8]) -> Option<u64> {
    const RELATIVE_4: u8 = 0x1B;
    const VERSION: u8 = 1;
    let (&[version, encoding], pointer) = (bytes.first_chunk()?, bytes.get(4..8)?);
    if version != VERSION || encoding != RELATIVE_4 {
        return None;
    }
    let pointer = i32::from_le_bytes(pointer.try_into().ok()?);
    (index.start + 4).checked_add_signed(i64::from(pointer))
}
