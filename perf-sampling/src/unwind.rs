//! Walking the present thread's stack from within the allocator.
//!
//! # Implementation
//!
//! `framehop` walks by the tables of call frame information that every Rust program has for its
//! panics. It is given a copy of them ([`modules`](super::modules)), so it asks neither the loader
//! nor the system for anything, and with its policy of not allocating, its working memory, made when
//! a build starts, is all that it needs. Of that there are several; a thread takes one that is free, and goes without a
//! stack where all are in use. The unwinders of the system and of the standard library ask the
//! loader (`dl_iterate_phdr`, a lock that a thread within `dlopen` holds), and may allocate.
//!
//! Memory is read between the stack pointer and the end of the thread's stack alone, so that wrong
//! tables lead to a wrong stack, or none, but to no fault. The end is asked of the system once a
//! thread. On stacks that are not the thread's own (of coroutines, for one) nothing is read, and
//! the stack is empty. Code that was loaded after the build had started ends the stack: its frame
//! is the last.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use framehop::{
    CacheNative, ExplicitModuleSectionInfo, Module, MustNotAllocateDuringUnwind, UnwindRegsNative,
    Unwinder as _, UnwinderNative,
};

use super::modules::{self, LoadedModule, UnwindSections};
use perf_core::sampling_hook::{Slot, leak};

type Unwinder = UnwinderNative<Vec<u8>, MustNotAllocateDuringUnwind>;
type Cache = CacheNative<MustNotAllocateDuringUnwind>;

/// How many threads can walk their stacks at once.
const WALKERS: usize = 8;

static UNWINDER: Slot<Unwinder> = Slot::empty();
/// What threads need to walk. Only ever tried, never waited for.
static CACHES: [Mutex<Option<Cache>>; WALKERS] = [const { Mutex::new(None) }; WALKERS];
/// What the unwinder was made of. Not taken within the allocator.
static KNOWN: Mutex<Vec<(LoadedModule, Option<UnwindSections>)>> = Mutex::new(Vec::new());

thread_local! {
    // Const and without destructors, so that they can be had at any time in a thread's life.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
    static STACK: Cell<Stack> = const { Cell::new(Stack::UNKNOWN) };
}

/// As long as it lives, the present thread takes a sample, and nothing that it does meanwhile is one.
pub(super) struct Busy;

impl Busy {
    /// `None` where it does already.
    pub(super) fn begin() -> Option<Self> {
        (!IS_BUSY.replace(true)).then_some(Self)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        IS_BUSY.set(false);
    }
}

/// Makes all that walking needs, for what is loaded now. Not to be called within the allocator.
/// `false` without memory.
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
        // What was there before may be in use. It stays, as few programs load other libraries for
        // each build.
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

/// Fills in the addresses of the calls on the present thread's stack, the innermost first, and
/// gives how many there are. Each is within the instruction that called.
#[inline(never)]
pub(super) fn walk(frames: &mut [u64]) -> usize {
    let Registers { instruction, stack, frame, link } = Registers::present();
    let end = Stack::present().end_above(stack);
    let Some(unwinder) = UNWINDER.get() else { return 0 };
    let Some(mut cache) = CACHES.iter().find_map(|it| it.try_lock().ok()) else { return 0 };
    let Some(cache) = cache.as_mut() else { return 0 };
    let registers = registers_for(instruction, stack, frame, link);
    let mut read = |address: u64| read_stack(address, stack, end);
    // Its input was made by a compiler; should a stranger one make it panic, that ends here.
    let walked = catch_unwind(AssertUnwindSafe(|| {
        let mut depth = 0;
        let mut calls = unwinder.iter_frames(instruction, registers, cache, &mut read);
        // The first is this function.
        let _ = calls.next();
        while let Some(place) = frames.get_mut(depth)
            && let Ok(Some(call)) = calls.next()
        {
            *place = call.address_for_lookup();
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

/// Reads a word of the present thread's stack, which is from `start` to `end`.
fn read_stack(address: u64, start: u64, end: u64) -> Result<u64, ()> {
    let last = end.checked_sub(8).ok_or(())?;
    if address < start || address > last || !address.is_multiple_of(8) {
        return Err(());
    }
    let address = usize::try_from(address).map_err(|_| ())?;
    // SAFETY: it is aligned, and between the stack pointer of a function that has not returned and
    // the end of the thread's stack, all of which is there. Only this thread writes to it, and
    // does not do so now: a frame may hold anything, but as bytes, all of it can be read. The read
    // is volatile, so that the compiler takes it for one of memory that it knows nothing of.
    Ok(unsafe { std::ptr::with_exposed_provenance::<u64>(address).read_volatile() })
}

/// What is needed of the processor's registers to begin.
struct Registers {
    instruction: u64,
    stack: u64,
    frame: u64,
    /// Where the function returns to, on processors that keep that in a register.
    link: u64,
}

impl Registers {
    /// Those of the function that this is inlined into.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the registers of a function that returned are none")]
    #[cfg(target_arch = "x86_64")]
    fn present() -> Self {
        let (instruction, stack, frame): (u64, u64, u64);
        // SAFETY: reads registers, and touches neither memory, stack nor flags.
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

    /// Those of the function that this is inlined into.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the registers of a function that returned are none")]
    #[cfg(target_arch = "aarch64")]
    fn present() -> Self {
        let (instruction, stack, frame, link): (u64, u64, u64, u64);
        // SAFETY: reads registers, and touches neither memory, stack nor flags.
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

/// Where the present thread's stack is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stack {
    /// Not asked for yet.
    Unknown,
    /// From there to there; nowhere, where the system did not say.
    At { low: u64, high: u64 },
}

impl Stack {
    const UNKNOWN: Self = Self::Unknown;

    fn present() -> Self {
        if STACK.get() == Self::Unknown {
            let (low, high) = Self::ask().unwrap_or((0, 0));
            STACK.set(Self::At { low, high });
        }
        STACK.get()
    }

    /// The stack's end, if `pointer` is in it; else `pointer` itself.
    fn end_above(self, pointer: u64) -> u64 {
        match self {
            Self::At { low, high } if (low..high).contains(&pointer) => high,
            _ => pointer,
        }
    }

    fn ask() -> Option<(u64, u64)> {
        // SAFETY: `pthread_attr_t` is plain data that the call below fills in.
        let mut attributes = unsafe { std::mem::zeroed::<libc::pthread_attr_t>() };
        let (mut start, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the attributes are those of the present thread, which is there; they are read
        // after they were filled in, and given back once. None of it comes back here: the C
        // library allocates by its own `malloc`, if at all, and the present thread is in none of
        // its calls, since the allocator that this one hands requests to has returned.
        let stack = unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes) != 0 {
                return None;
            }
            let told =
                libc::pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut size);
            libc::pthread_attr_destroy(&raw mut attributes);
            (told == 0).then_some((start.expose_provenance() as u64, size as u64))
        };
        stack.map(|(low, size)| (low, low.saturating_add(size)))
    }
}
