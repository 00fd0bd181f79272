//! The resident memory of the process.

/// Resident memory of this process, in bytes.
///
/// PERF: on Linux the first call opens a file, which stays open. Each call is one read without an
/// allocation.
pub(crate) fn resident_bytes() -> Option<u64> {
    system::bytes()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::{fs::File, os::unix::fs::FileExt, path::Path, process, sync::OnceLock};

    use crate::system_calls::page_bytes;

    pub(super) struct Statm {
        file: File,
        page_bytes: u64,
        /// A forked child inherits an open file that describes its parent.
        process: u32,
    }

    static STATM: OnceLock<Option<Statm>> = OnceLock::new();

    pub(super) fn bytes() -> Option<u64> {
        let open = || Statm::open(Path::new("/proc/self/statm"));
        let statm = STATM.get_or_init(open).as_ref()?;
        if statm.process == process::id() { statm.resident() } else { open()?.resident() }
    }

    impl Statm {
        pub(super) fn open(path: &Path) -> Option<Self> {
            let page_bytes = page_bytes()?;
            Some(Self { file: File::open(path).ok()?, page_bytes, process: process::id() })
        }

        /// The second number of `SIZE RESIDENT SHARED …`, which counts pages.
        pub(super) fn resident(&self) -> Option<u64> {
            let mut text = [0; 128];
            let length = self.file.read_at(&mut text, 0).ok()?;
            let text = str::from_utf8(text.get(..length)?).ok()?;
            let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
            pages.checked_mul(self.page_bytes)
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::{panic, process};

    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

    pub(super) fn bytes() -> Option<u64> {
        panic::catch_unwind(|| {
            let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
            let own = Pid::from_u32(process::id());
            let wanted = ProcessRefreshKind::nothing().with_memory();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, wanted);
            system.process(own).map(sysinfo::Process::memory).filter(|bytes| *bytes > 0)
        })
        .ok()
        .flatten()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::system::Statm;
    use super::*;

    #[test]
    fn resident_memory_grows_when_memory_is_touched() {
        let grew = || {
            let before = resident_bytes().unwrap();
            let block = std::hint::black_box(vec![1_u8; 64 << 20]);
            let after = resident_bytes().unwrap();
            drop(block);
            (before + (60 << 20)..before + (100 << 20)).contains(&after)
        };
        // Other tests may allocate or free memory in between.
        assert!((0..100).any(|_| grew()));
    }

    #[test]
    fn without_proc_resident_memory_is_unknown() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Statm::open(&directory.path().join("self/statm")).is_none());
    }

    #[test]
    fn a_malformed_statm_is_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("statm");
        for (text, pages) in [
            ("", None),
            ("12", None),
            ("x y z", None),
            ("1 -5", None),
            ("1 18446744073709551615 2", None),
            ("7 3 2 1\n", Some(3)),
        ] {
            std::fs::write(&path, text).unwrap();
            let resident = Statm::open(&path).unwrap().resident();
            let page = crate::system_calls::page_bytes().unwrap();
            assert_eq!(resident, pages.map(|pages: u64| pages * page), "{text:?}");
        }
    }
}
