//! How much memory a process takes that reads a file which is hardly a history.

use std::fs::{self, File};
use std::io::Write;

use crate::start;

pub(crate) fn read_in_bounded_memory() {
    for (name, lines) in [("endless", 1), ("long lines", 6)] {
        let temporary = tempfile::tempdir().unwrap();
        let mut file = File::create(temporary.path().join("history.jsonl")).unwrap();
        let long = vec![b'x'; (64 << 20) / lines];
        for _ in 0..lines {
            file.write_all(&long).unwrap();
            if lines > 1 {
                file.write_all(b"\n").unwrap();
            }
        }
        drop((file, long));
        let output = start("read", temporary.path(), "").wait_with_output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        let (found, kb) = output.trim().split_once(' ').unwrap();
        assert_eq!(found, lines.to_string());
        let kb: u64 = kb.parse().unwrap();
        println!("{name}: {kb} KiB");
        assert!(kb <= 32 << 10, "{name}: {kb} KiB");
    }
}

/// The most memory that this process has had, where the system tells.
pub(crate) fn peak_memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.map_or(0, |number| number.parse().unwrap())
}
