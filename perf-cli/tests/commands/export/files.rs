//! Exports into files.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use perf_cli::ExitStatus;

use super::export;
use crate::in_process::{data, run};
use crate::snapshots::NARROW;

fn to(file: &Path, build: &str) {
    let words = ["prometheus", build, "--output", file.to_str().unwrap()];
    assert_eq!(export(&data("site"), &words), (String::new(), String::new()));
}

#[test]
fn a_file_is_what_would_have_been_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("site.prom");
    for build in ["-1", "-2"] {
        to(&file, build);
        let printed = export(&data("site"), &["prometheus", build]).0;
        assert_eq!(fs::read_to_string(&file).unwrap(), printed);
        assert_eq!(export(&data("site"), &["prometheus", build, "-o", "-"]).0, printed);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_reader_never_sees_half_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("site.prom");
    to(&file, "-1");
    let whole = ["-1", "-2"].map(|build| export(&data("site"), &["prometheus", build]).0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0_u64;
            while !is_over.load(Ordering::Relaxed) || seen == 0 {
                let text = fs::read_to_string(&file).expect("it is always there");
                assert!(whole.contains(&text), "{} bytes", text.len());
                seen += 1;
            }
        });
        for _ in 0..10 {
            to(&file, "-2");
            to(&file, "-1");
        }
        is_over.store(true, Ordering::Relaxed);
        reader.join().expect("the reader saw whole files alone");
    });
}

#[test]
fn an_unwritable_file_is_named_and_the_old_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing/site.prom");
    let directory = dir.path().to_owned();
    for target in [&missing, &directory] {
        let words = ["export", "folded", "-o", target.to_str().unwrap()];
        let output = run(&data("site"), &words, NARROW);
        assert_eq!((output.exit, output.out.as_str()), (ExitStatus::Error, ""));
        let expected = format!("error: cannot write {}: ", target.display());
        assert!(output.err.starts_with(&expected), "{}", output.err);
    }
    // Nothing is replaced by what has nothing in it.
    let file = dir.path().join("site.svg");
    fs::write(&file, "before").unwrap();
    let words = ["export", "flamegraph", "--value", "alloc", "-o", file.to_str().unwrap()];
    assert_eq!(run(&data("python-model"), &words, NARROW).exit, ExitStatus::Success);
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_and_a_link_its_place() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("site.prom"), dir.path().join("link.prom"));
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    to(&file, "-1");
    let of_any_file = dir.path().join("any");
    fs::write(&of_any_file, "").unwrap();
    assert_eq!(mode(&file), mode(&of_any_file), "others may read it, as the mask allows");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("site.prom", &link).unwrap();
    to(&link, "-2");
    assert_eq!(mode(&file), 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), export(&data("site"), &["prometheus", "-2"]).0);
}
