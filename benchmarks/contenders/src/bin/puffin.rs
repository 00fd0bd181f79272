//! puffin, which collects scopes for a viewer. A unit of the work is a frame. It has no scopes for
//! async functions.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use puffin::GlobalProfiler;
use workloads::{Seen, unannotated};

/// The most scopes of a frame.
static SCOPES: AtomicUsize = AtomicUsize::new(0);

macro_rules! phase {
    (
        $(#[$attribute:meta])*
        fn $name:ident($($argument:ident: $type:ty),*) $(-> $output:ty)? $body:block
    ) => {
        $(#[$attribute])*
        fn $name($($argument: $type),*) $(-> $output)? {
            puffin::profile_function!();
            $body
        }
    };
}

workloads::phases!(phase, unannotated);

/// Collects scopes.
struct Puffin;

impl workloads::Contender for Puffin {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        GlobalProfiler::lock().add_sink(Box::new(|frame| drop(std::hint::black_box(frame))));
        puffin::set_scopes_on(true);
        work()
    }

    fn seen(work: impl FnOnce()) -> Seen {
        GlobalProfiler::lock().add_sink(Box::new(|frame| {
            SCOPES.fetch_max(frame.meta().num_scopes, Relaxed);
        }));
        puffin::set_scopes_on(true);
        work();
        // One scope is that of the unit.
        let calls = SCOPES.load(Relaxed).checked_sub(1);
        Seen { calls: calls.and_then(|calls| u64::try_from(calls).ok()), ..Seen::default() }
    }

    #[inline]
    fn unit(work: impl FnOnce()) {
        {
            puffin::profile_scope!("unit");
            work();
        }
        GlobalProfiler::lock().new_frame();
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Puffin>()
}
