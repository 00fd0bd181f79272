//! The machine that the build runs on, which decides with which builds it may be compared.

use std::{panic, thread};

use perf_history::System;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind};

use super::{megabytes, recordable};

/// What is known about the machine.
///
/// `cores` and `memory_mb` are what this process may use: the processors of its affinity and quota,
/// and the memory of its control group, where these are less than the whole machine's. Two containers
/// of the same size are alike, whatever they are packed on.
pub(super) fn system() -> System {
    let (cpu_model, memory) = contained(cpu_and_memory).unwrap_or_default();
    let mut system = System::default();
    system.os = Some(std::env::consts::OS.to_owned());
    system.os_version = contained(|| sysinfo::System::long_os_version().ok())
        .and_then(|version| recordable::text(&version));
    system.arch = Some(std::env::consts::ARCH.to_owned());
    system.cpu_model = cpu_model.and_then(|model| recordable::text(&model));
    system.cores =
        thread::available_parallelism().ok().and_then(|cores| cores.get().try_into().ok());
    system.memory_mb = memory.map(megabytes);
    system
}

fn cpu_and_memory() -> Option<(Option<String>, Option<u64>)> {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = sysinfo::System::new_with_specifics(wanted).ok()?;
    let model = system.cpus().first().map(|cpu| cpu.brand().to_owned());
    // sysinfo says 0 for what it could not read.
    let total = Some(system.total_memory()).filter(|bytes| *bytes > 0);
    let limit = system.cgroup_limits().map(|limits| limits.total_memory).filter(|bytes| *bytes > 0);
    Some((model, [total, limit].into_iter().flatten().min()))
}

/// The value of `read`; `None` where it panics, as a foreign parser might on what it has never seen.
fn contained<T>(read: impl FnOnce() -> Option<T> + panic::UnwindSafe) -> Option<T> {
    panic::catch_unwind(read).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_says_what_it_is() {
        let system = system();
        assert_eq!(system.os.as_deref(), Some(std::env::consts::OS));
        assert_eq!(system.arch.as_deref(), Some(std::env::consts::ARCH));
        assert!(system.cores.is_some_and(|cores| cores >= 1));
        if cfg!(target_os = "linux") {
            assert!(system.memory_mb.is_some_and(|megabytes| megabytes > 16.0));
            assert!(system.os_version.is_some_and(|version| version.starts_with("Linux")));
        }
    }

    #[test]
    fn a_panic_of_a_reader_is_an_absent_fact() {
        assert_eq!(contained(|| -> Option<u8> { panic!("expected by this test") }), None);
        assert_eq!(contained(|| Some(1)), Some(1));
    }
}
