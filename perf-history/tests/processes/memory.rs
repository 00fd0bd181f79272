//! The memory that reading takes where the file has hardly any line ends.

use std::fs;

#[cfg(target_os = "linux")]
pub(crate) fn read_in_bounded_memory() {
    use std::io::Write;

    for (name, lines) in [("endless", 1), ("long lines", 6)] {
        let temporary = tempfile::tempdir().unwrap();
        let mut file = fs::File::create(temporary.path().join("history.jsonl")).unwrap();
        let long = vec![b'x'; (64 << 20) / lines];
        for _ in 0..lines {
            file.write_all(&long).unwrap();
            if lines > 1 {
                file.write_all(b"\n").unwrap();
            }
        }
        drop((file, long));
        let output = crate::start("read", temporary.path(), "").wait_with_output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        let (found, kb) = output.trim().split_once(' ').unwrap();
        assert_eq!(found, lines.to_string());
        let kb: u64 = kb.parse().unwrap();
        println!("{name}: {kb} KiB");
        assert!(kb <= 32 << 10, "{name}: {kb} KiB");
    }
}

/// The highest resident set of this process; 0 where the system does not report it.
pub(crate) fn peak_memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.map_or(0, |number| number.parse().unwrap())
}
