//! The machine that the build runs on. It decides which builds may be compared.

use std::{panic, thread};

use perf_history::System;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind};

use super::{megabytes, recordable};

/// Reads the facts about the machine.
///
/// `cores` and `memory_mb` are what this process may use: the processors by its affinity and quota, and
/// the memory by its control group, if these are less than the machine has. So two containers of the
/// same size are alike on machines of different sizes.
pub(super) fn system() -> System {
    let (cpu_model, memory) = catch_panic(cpu_and_memory).unwrap_or_default();
    let mut system = System::default();
    system.os = Some(std::env::consts::OS.to_owned());
    system.os_version = catch_panic(|| sysinfo::System::long_os_version().ok())
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
    // sysinfo returns 0 for what it could not read.
    let total = Some(system.total_memory()).filter(|bytes| *bytes > 0);
    let limit = system.cgroup_limits().map(|limits| limits.total_memory).filter(|bytes| *bytes > 0);
    Some((model, [total, limit].into_iter().flatten().min()))
}

/// The value of `read`. `None` if it panics, as sysinfo's parsers might on an unknown system.
fn catch_panic<T>(read: impl FnOnce() -> Option<T> + panic::UnwindSafe) -> Option<T> {
    panic::catch_unwind(read).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_of_this_machine_are_read() {
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
    fn a_fact_whose_reader_panics_is_absent() {
        assert_eq!(catch_panic(|| -> Option<u8> { panic!("expected by this test") }), None);
        assert_eq!(catch_panic(|| Some(1)), Some(1));
    }
}
