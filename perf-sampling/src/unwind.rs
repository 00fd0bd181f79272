//! Walks the stack of the current thread from inside the allocator.
//!
//! # Implementation
//!
//! `framehop` uses the call frame information that Rust programs contain for panics. It gets a copy
//! ([`modules`](super::modules)), so it calls neither the loader nor the system. Its working memory is
//! allocated when a build starts, and it does not allocate while it walks. There are several such caches: a
//! thread uses a free one, and records no stack if all are in use. The unwinders of the system and of the
//! standard library are not suitable: they call the loader (`dl_iterate_phdr` takes a lock that a thread
//! inside `dlopen` holds), and may allocate.
//!
//! Only memory between the stack pointer and the end of the thread's stack is read. So wrong tables lead
//! to a wrong or empty stack, but not to a fault. The end of the stack is queried once per thread. On other
//! stacks, such as those of coroutines, nothing is read and the result is empty. The walk ends at code that
//! was loaded after the start of the build.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use framehop::{
    CacheNative, ExplicitModuleSectionInfo, Module, MustNotAllocateDuringUnwind, UnwindRegsNative,
    Unwinder as _, UnwinderNative,
};

use super::modules::{self, LoadedModule, UnwindSections};
use perf_core::sampling_hook::{SharedRef, leak};

type Unwinder = UnwinderNative<Vec<u8>, MustNotAllocateDuringUnwind>;
type Cache = CacheNative<MustNotAllocateDuringUnwind>;

/// The number of threads that can walk their stacks at the same time.
const WALKERS: usize = 8;

static UNWINDER: SharedRef<Unwinder> = SharedRef::empty();
/// The working memory of the threads. They only try to lock it, and never wait.
static CACHES: [Mutex<Option<Cache>>; WALKERS] = [const { Mutex::new(None) }; WALKERS];
/// The modules that the unwinder knows. It is not locked inside the allocator.
static KNOWN: Mutex<Vec<(LoadedModule, Option<UnwindSections>)>> = Mutex::new(Vec::new());

thread_local! {
    // Const and without destructors, so that they are accessible at any time in a thread's life.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
    static STACK: Cell<Stack> = const { Cell::new(Stack::UNKNOWN) };
}

/// Marks that this thread is taking a sample, so that its own allocations are not sampled.
pub(super) struct Busy;

impl Busy {
    /// `None` if the thread is taking a sample already.
    pub(super) fn acquire() -> Option<Self> {
        (!IS_BUSY.replace(true)).then_some(Self)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        IS_BUSY.set(false);
    }
}

/// Prepares the unwinder for the modules that are loaded now. It must not be called inside the allocator.
/// Returns `false` if the system is out of memory.
pub(super) fn prepare() -> bool {
    let loaded = modules::with_unwind_sections();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if UNWINDER.get().is_none() || *known != loaded {
        let mut unwinder = Unwinder::new();
        for (module, sections) in &loaded {
            if let Some(sections) = sections {
                unwinder.add_module(unwindable(module, sections.clone()));
            }
        }
        // The previous unwinder may be in use, so it is leaked. Few programs load other libraries for each
        // build.
        let Some(unwinder) = leak(|| unwinder) else { return false };
        UNWINDER.set(Some(unwinder));
        *known = loaded;
    }
    for cache in &CACHES {
        cache.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Cache::new_in);
    }
    true
}

fn unwindable(module: &LoadedModule, sections: UnwindSections) -> Module<Vec<u8>> {
    let (index_addresses, index) = sections.index;
    let (frame_addresses, frames) = sections.frames;
    Module::new(
        module.path.to_string_lossy().into_owned(),
        module.addresses.clone(),
        module.base,
        ExplicitModuleSectionInfo {
            base_svma: 0,
            eh_frame_svma: Some(frame_addresses),
            eh_frame: Some(frames),
            eh_frame_hdr_svma: Some(index_addresses),
            eh_frame_hdr: Some(index),
            ..ExplicitModuleSectionInfo::default()
        },
    )
}

/// Stores the addresses of the calls on the stack of this thread in `frames`, the innermost first, and
/// returns their number. Each address is inside the call instruction.
#[inline(never)]
pub(super) fn walk(frames: &mut [u64]) -> usize {
    let Registers { instruction, stack, frame, link } = Registers::current();
    let end = Stack::current().end_above(stack);
    let Some(unwinder) = UNWINDER.get() else { return 0 };
    let Some(mut cache) = CACHES.iter().find_map(|cache| cache.try_lock().ok()) else { return 0 };
    let Some(cache) = cache.as_mut() else { return 0 };
    let registers = registers_for(instruction, stack, frame, link);
    let mut read = |address: u64| read_stack(address, stack, end);
    // The unwind tables come from a compiler. If unusual ones make `framehop` panic, that ends here.
    let walked = catch_unwind(AssertUnwindSafe(|| {
        let mut depth = 0;
        let mut calls = unwinder.iter_frames(instruction, registers, cache, &mut read);
        // The first frame is this function.
        let _ = calls.next();
        while let Some(frame) = frames.get_mut(depth)
            && let Ok(Some(call)) = calls.next()
        {
            *frame = call.address_for_lookup();
            depth += 1;
        }
        depth
    }));
    walked.unwrap_or(0)
}

#[cfg(target_arch = "x86_64")]
fn registers_for(instruction: u64, stack: u64, frame: u64, _link: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(instruction, stack, frame)
}

#[cfg(target_arch = "aarch64")]
fn registers_for(_instruction: u64, stack: u64, frame: u64, link: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(link, stack, frame)
}

/// Reads a word of the stack of this thread, which reaches from `start` to `end`.
fn read_stack(address: u64, start: u64, end: u64) -> Result<u64, ()> {
    let last = end.checked_sub(8).ok_or(())?;
    if address < start || address > last || !address.is_multiple_of(8) {
        return Err(());
    }
    let address = usize::try_from(address).map_err(|_| ())?;
    // SAFETY: the address is aligned. It is between the stack pointer of a function that has not returned
    // and the end of the thread's stack, and this range is mapped. Only this thread writes to it, and not
    // during the read. The content of a frame is unknown, but any bytes are valid as a `u64`. The read is
    // volatile, so that the compiler assumes nothing about the memory.
    Ok(unsafe { std::ptr::with_exposed_provenance::<u64>(address).read_volatile() })
}

/// The registers that the walk starts with.
struct Registers {
    instruction: u64,
    stack: u64,
    frame: u64,
    /// The return address, on processors that keep it in a register.
    link: u64,
}

impl Registers {
    /// The registers of the function that this is inlined into.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "the registers of a function that has returned are useless"
    )]
    #[cfg(target_arch = "x86_64")]
    fn current() -> Self {
        let (instruction, stack, frame): (u64, u64, u64);
        // SAFETY: this only reads registers. It accesses neither memory nor the stack nor flags.
        unsafe {
            core::arch::asm!(
                "lea {}, [rip]",
                "mov {}, rsp",
                "mov {}, rbp",
                out(reg) instruction,
                out(reg) stack,
                out(reg) frame,
                options(nomem, nostack, preserves_flags)
            );
        }
        Self { instruction, stack, frame, link: 0 }
    }

    /// The registers of the function that this is inlined into.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "the registers of a function that has returned are useless"
    )]
    #[cfg(target_arch = "aarch64")]
    fn current() -> Self {
        let (instruction, stack, frame, link): (u64, u64, u64, u64);
        // SAFETY: this only reads registers. It accesses neither memory nor the stack nor flags.
        unsafe {
            core::arch::asm!(
                "adr {}, .",
                "mov {}, sp",
                "mov {}, x29",
                "mov {}, x30",
                out(reg) instruction,
                out(reg) stack,
                out(reg) frame,
                out(reg) link,
                options(nomem, nostack, preserves_flags)
            );
        }
        Self { instruction, stack, frame, link }
    }
}

/// The bounds of the stack of this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stack {
    /// Not queried yet.
    Unknown,
    /// Both are 0 if the query failed.
    Known { low: u64, high: u64 },
}

impl Stack {
    const UNKNOWN: Self = Self::Unknown;

    fn current() -> Self {
        if STACK.get() == Self::Unknown {
            let (low, high) = Self::query().unwrap_or((0, 0));
            STACK.set(Self::Known { low, high });
        }
        STACK.get()
    }

    /// The end of the stack if `pointer` is inside it, else `pointer`.
    fn end_above(self, pointer: u64) -> u64 {
        match self {
            Self::Known { low, high } if (low..high).contains(&pointer) => high,
            _ => pointer,
        }
    }

    fn query() -> Option<(u64, u64)> {
        // SAFETY: `pthread_attr_t` is plain data, which the call below initializes.
        let mut attributes = unsafe { std::mem::zeroed::<libc::pthread_attr_t>() };
        let (mut start, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the attributes are those of this thread, which exists. They are read after they were
        // initialized, and destroyed once. These calls cannot re-enter this function, as the C library
        // allocates with its own `malloc`. They do not run inside another call of the C library either, as
        // the inner allocator has returned.
        let stack = unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes) != 0 {
                return None;
            }
            let result =
                libc::pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut size);
            libc::pthread_attr_destroy(&raw mut attributes);
            (result == 0).then_some((start.expose_provenance() as u64, size as u64))
        };
        stack.map(|(low, size)| (low, low.saturating_add(size)))
    }
}
