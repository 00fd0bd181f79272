//! Damaged, hostile and huge repositories.

use std::fs;

use super::{
    super::checkout::Head,
    checkout::{head, on},
    repository::Repository,
};

#[test]
fn an_empty_git_directory_does_not_hide_the_repository_around_it() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let inner = repository.path().join("inner");
    fs::create_dir_all(inner.join(".git")).unwrap();
    assert_eq!(head(&inner), Some(on(&repository.git(&["rev-parse", "HEAD"]), "main")));
}

#[test]
fn a_git_file_that_leads_nowhere_is_no_checkout() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let inner = repository.path().join("inner");
    fs::create_dir_all(&inner).unwrap();
    for text in
        ["", "gitdir:", "gitdir: ../nowhere", "gitdir: /dev/null", "nonsense", "gitdir: .git"]
    {
        fs::write(inner.join(".git"), text).unwrap();
        assert_eq!(head(&inner), None, "{text:?}");
    }
}

#[test]
fn a_damaged_head_is_unknown() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let path = repository.path().join(".git/HEAD");
    let circle = repository.path().join(".git/refs/heads/circle");
    fs::write(&circle, "ref: refs/heads/circle\n").unwrap();
    let outside = "ref: ../../../../../../../etc/passwd";
    let inside = "ref: refs/heads/../../HEAD";
    for text in
        ["", "\n", "ref:", "ref: ", "deadbeef", "\0\0\0", outside, inside, "ref: refs/heads/circle"]
    {
        fs::write(&path, text).unwrap();
        let found = head(&repository.path()).unwrap();
        assert_eq!(found.commit, None, "{text:?}");
    }
    fs::write(&path, "x".repeat(50_000_000)).unwrap();
    assert_eq!(head(&repository.path()), Some(Head::default()));
}

#[test]
fn a_head_that_is_a_pipe_is_not_waited_for() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let path = repository.path().join(".git/HEAD");
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mkfifo here");
        return;
    }
    assert_eq!(head(&repository.path()), Some(Head::default()));
}

#[test]
fn the_last_of_a_hundred_thousand_packed_branches_is_found() {
    use std::fmt::Write;

    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for number in 0..100_000 {
        writeln!(packed, "{:040x} refs/heads/branch-{number:06}", number + 1).unwrap();
    }
    writeln!(packed, "{commit} refs/heads/zzz").unwrap();
    fs::write(repository.path().join(".git/packed-refs"), packed).unwrap();
    fs::write(repository.path().join(".git/HEAD"), "ref: refs/heads/zzz\n").unwrap();
    let started = std::time::Instant::now();
    assert_eq!(head(&repository.path()), Some(on(&commit, "zzz")));
    println!("100,000 packed references were read in {:?}", started.elapsed());
}

#[test]
fn packed_references_of_nonsense_are_harmless() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    fs::remove_file(repository.path().join(".git/refs/heads/main")).unwrap();
    let mut packed = vec![b'x'; 40_000_000];
    packed.extend_from_slice(b"\n\0\xff\xfe\n\n^\n refs/heads/main\r\n");
    packed.extend_from_slice(format!("{commit} refs/heads/main\r\n").as_bytes());
    let path = repository.path().join(".git/packed-refs");
    fs::write(&path, &packed).unwrap();
    // The first line with this name has no commit: it is not worth guessing at another.
    assert_eq!(head(&repository.path()).unwrap().commit, None);
    fs::write(&path, format!("{}\n{commit} refs/heads/main", "y".repeat(40_000_000))).unwrap();
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
}
